package value

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// ToGo is v as plain Go. It never runs Lua code: metamethods are not looked at.
// The error is an *Error.
func ToGo(v lua.LValue) (any, error) {
	r := reader{open: map[*lua.LTable]struct{}{}}
	return r.result(r.read(v))
}

// reader is one conversion out of Lua.
type reader struct {
	open    map[*lua.LTable]struct{} // the tables around the value being read
	count   int
	sharing bool // userdata that are Shareable pass
}

// result keeps a nil *Error from becoming an error that is not nil.
func (r *reader) result(v any, err *Error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (r *reader) read(v lua.LValue) (any, *Error) {
	if r.count++; r.count > MaxValues {
		return nil, &Error{Reason: TooMany}
	}
	switch v := v.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LBool:
		return bool(v), nil
	case lua.LNumber:
		return number(float64(v)), nil
	case lua.LString:
		return string(v), nil
	case *lua.LTable:
		return r.table(v)
	case *lua.LUserData:
		if shareable, ok := v.Value.(Shareable); ok && r.sharing {
			return share(shareable), nil
		}
	}
	return nil, &Error{Reason: Unconvertible, Type: v.Type().String()}
}

func number(n float64) any {
	if n == math.Trunc(n) && math.Abs(n) <= maxExact {
		return int64(n)
	}
	return n
}

func (r *reader) table(t *lua.LTable) (any, *Error) {
	if _, inside := r.open[t]; inside {
		return nil, &Error{Reason: Cycle}
	}
	if len(r.open) >= MaxDepth {
		return nil, &Error{Reason: TooDeep}
	}
	if r.count += tableCost - 1; r.count > MaxValues {
		return nil, &Error{Reason: TooMany}
	}
	r.open[t] = struct{}{}
	defer delete(r.open, t)

	if n, ok := listLength(t); ok {
		return r.list(t, n)
	}
	return r.dictionary(t)
}

// listLength says whether t is a list, and how long.
func listLength(t *lua.LTable) (length int, ok bool) {
	count := 0
	for key, _ := t.Next(lua.LNil); key != lua.LNil; key, _ = t.Next(key) {
		index, isNumber := key.(lua.LNumber)
		if !isNumber || index < 1 || index > MaxValues || float64(index) != math.Trunc(float64(index)) {
			return 0, false
		}
		count++
		length = max(length, int(index))
	}
	if isMarked(t) {
		return length, length-count <= maxGaps
	}
	return length, length > 0 && length == count
}

func (r *reader) list(t *lua.LTable, n int) (any, *Error) {
	list := make([]any, n)
	for i := range list {
		element, err := r.read(t.RawGetInt(i + 1))
		if err != nil {
			err.Path = joined("["+strconv.Itoa(i+1)+"]", err.Path)
			return nil, err
		}
		list[i] = element
	}
	return list, nil
}

func (r *reader) dictionary(t *lua.LTable) (any, *Error) {
	fields := map[string]any{}
	for key, v := t.Next(lua.LNil); key != lua.LNil; key, v = t.Next(key) {
		name, err := keyText(key)
		if err != nil {
			return nil, err
		}
		if _, taken := fields[name]; taken {
			return nil, &Error{Path: shown(name), Reason: DoubleKey}
		}
		if fields[name], err = r.read(v); err != nil {
			err.Path = joined(shown(name), err.Path)
			return nil, err
		}
	}
	return fields, nil
}

func keyText(key lua.LValue) (string, *Error) {
	switch key := key.(type) {
	case lua.LString:
		return string(key), nil
	case lua.LNumber:
		if n, ok := number(float64(key)).(int64); ok {
			return strconv.FormatInt(n, 10), nil
		}
	}
	return "", &Error{Reason: BadKey, Type: key.Type().String()}
}

// shown is a key as an error shows it: as in Lua, and not without end.
func shown(key string) string {
	if isName(key) {
		return key
	}
	if len(key) > maxPathText {
		key = key[:maxPathText] + "..."
	}
	return "[" + strconv.Quote(key) + "]"
}

func isName(key string) bool {
	for i, c := range []byte(key) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return key != "" && len(key) <= maxPathText
}

func joined(outer, inner string) string {
	if inner == "" || strings.HasPrefix(inner, "[") {
		return outer + inner
	}
	return outer + "." + inner
}
