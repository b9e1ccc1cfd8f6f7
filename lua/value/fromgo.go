package value

import (
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// FromGo is v as a Lua value that belongs to L and to nobody else.
//
// It takes plain Go, and besides: all sizes of int, uint and float; []byte, which
// becomes a string; json.Number; time.Time, which becomes RFC 3339 text in its own
// zone; anything with MarshalText, which becomes that text; slices, arrays and
// maps with string keys of all these; pointers to them; Shareable, which says
// itself what it is; and an LValue of this state, unchanged. What is nil in a map
// is absent in the table. A list carries the mark of lists.
//
// It raises a Lua error where TryFromGo returns one; the caller is therefore a
// function that Lua called.
func FromGo(L *lua.LState, v any) lua.LValue {
	made, err := TryFromGo(L, v)
	if err != nil {
		L.RaiseError("%s", err)
	}
	return made
}

// TryFromGo is FromGo with an error in place of a Lua error. It is an *Error: v
// nests deeper than MaxDepth, has more than MaxValues values, or holds a Go type
// of which there is no Lua form.
func TryFromGo(L *lua.LState, v any) (lua.LValue, error) {
	w := writer{L: L}
	made := w.write(v, 0)
	if w.err != nil {
		return lua.LNil, w.err
	}
	return made, nil
}

// writer is one conversion into Lua.
type writer struct {
	L     *lua.LState
	count int
	mark  *lua.LTable
	err   *Error // the first; after it everything is nil
}

func (w *writer) refuse(reason Reason, typ string) lua.LValue {
	if w.err == nil {
		w.err = &Error{Reason: reason, Type: typ}
	}
	return lua.LNil
}

func (w *writer) write(v any, depth int) lua.LValue {
	if !w.spend(1) {
		return lua.LNil
	}
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case []byte:
		return lua.LString(v)
	case int64:
		return signed(v)
	case float64:
		return lua.LNumber(v)
	case json.Number:
		return numeral(string(v))
	case []any:
		return w.list(len(v), depth, func(i int) any { return v[i] })
	case map[string]any:
		return w.dictionary(v, depth)
	case lua.LValue:
		return v
	case Shareable:
		return v.ToLua(w.L)
	case time.Time:
		return lua.LString(v.Format(time.RFC3339Nano))
	case encoding.TextMarshaler:
		return w.text(v)
	}
	return w.reflected(reflect.ValueOf(v), depth)
}

func (w *writer) text(v encoding.TextMarshaler) lua.LValue {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
		return lua.LNil
	}
	text, err := v.MarshalText()
	if err != nil {
		return w.refuse(Unconvertible, reflect.TypeOf(v).String())
	}
	return lua.LString(text)
}

// reflected takes the types that have too many names for a type switch.
func (w *writer) reflected(v reflect.Value, depth int) lua.LValue {
	switch v.Kind() {
	case reflect.Bool:
		return lua.LBool(v.Bool())
	case reflect.String:
		return lua.LString(v.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return signed(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return unsigned(v.Uint())
	case reflect.Float32, reflect.Float64:
		return lua.LNumber(v.Float())
	case reflect.Slice, reflect.Array:
		return w.list(v.Len(), depth, func(i int) any { return v.Index(i).Interface() })
	case reflect.Pointer:
		if v.IsNil() {
			return lua.LNil
		}
		if !w.enter(depth) {
			return lua.LNil
		}
		return w.write(v.Elem().Interface(), depth+1)
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			fields := make(map[string]any, v.Len())
			for entry := v.MapRange(); entry.Next(); {
				fields[entry.Key().String()] = entry.Value().Interface()
			}
			return w.dictionary(fields, depth)
		}
	}
	return w.refuse(Unconvertible, v.Type().String())
}

// spend says whether n more values may be made.
func (w *writer) spend(n int) bool {
	if w.count += n; w.count > MaxValues {
		w.refuse(TooMany, "")
	}
	return w.err == nil
}

// enter is the step into a table or through a pointer, if it may be made.
func (w *writer) enter(depth int) bool {
	if depth >= MaxDepth {
		w.refuse(TooDeep, "")
	}
	return w.spend(tableCost - 1)
}

func (w *writer) list(n, depth int, at func(i int) any) lua.LValue {
	if !w.enter(depth) {
		return lua.LNil
	}
	if w.mark == nil {
		w.mark = listMark(w.L)
	}
	// The list is known to be long before it is known to fit.
	t := w.L.CreateTable(min(n, MaxValues), 0)
	for i := range n {
		if w.err != nil {
			break
		}
		if element := w.write(at(i), depth+1); element != lua.LNil {
			t.RawSetInt(i+1, element)
		}
	}
	t.Metatable = w.mark
	return t
}

func (w *writer) dictionary(fields map[string]any, depth int) lua.LValue {
	if !w.enter(depth) {
		return lua.LNil
	}
	t := w.L.CreateTable(0, min(len(fields), MaxValues))
	for name, v := range fields {
		if field := w.write(v, depth+1); field != lua.LNil {
			t.RawSetString(name, field)
		}
	}
	return t
}

func signed(n int64) lua.LValue {
	if n < -maxExact || n > maxExact {
		return lua.LString(strconv.FormatInt(n, 10))
	}
	return lua.LNumber(n)
}

func unsigned(n uint64) lua.LValue {
	if n > maxExact {
		return lua.LString(strconv.FormatUint(n, 10))
	}
	return lua.LNumber(n)
}

// numeral is a number out of a text: an integer as signed does it, however long,
// and one with a fraction or an exponent the nearest float64.
func numeral(text string) lua.LValue {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return signed(n)
	}
	if !strings.ContainsAny(text, ".eE") {
		return lua.LString(text)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) {
		return lua.LString(text)
	}
	return lua.LNumber(n)
}
