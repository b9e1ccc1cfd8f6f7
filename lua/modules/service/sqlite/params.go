package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/value"
)

// parameters are those behind the statement: in one table, by name or in order, or
// one by one.
func parameters(L *lua.LState, statement string) ([]any, error) {
	var args []any
	if t, ok := L.Get(3).(*lua.LTable); ok && L.GetTop() == 3 {
		args, err := fromTable(t)
		return append(args, unnamed(t, statement)...), err
	}
	for i := 3; i <= L.GetTop(); i++ {
		arg, err := parameter(L.Get(i))
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i-2, err)
		}
		args = append(args, arg)
	}
	return args, nil
}

// unnamed are the names of the statement that the table has no value for: a field
// that is nil is not in a Lua table, and means NULL. A name too many, such as one
// that stands in a text, does no harm.
func unnamed(t *lua.LTable, statement string) []any {
	var args []any
	for rest := statement; ; {
		i := strings.IndexAny(rest, ":@$")
		if i < 0 {
			return args
		}
		rest = rest[i+1:]
		name := rest[:len(rest)-len(strings.TrimLeftFunc(rest, isNameRune))]
		first, _ := utf8.DecodeRuneInString(name)
		if unicode.IsLetter(first) && t.RawGetString(name) == lua.LNil { // no others can be named
			args = append(args, sql.Named(name, nil))
		}
	}
}

func isNameRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func fromTable(t *lua.LTable) ([]any, error) {
	var args []any
	for i := 1; i <= t.Len(); i++ {
		arg, err := parameter(t.RawGetInt(i))
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i, err)
		}
		args = append(args, arg)
	}
	var failed error
	t.ForEach(func(k, v lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			return
		}
		arg, err := parameter(v)
		if err != nil {
			failed = fmt.Errorf("parameter :%s: %w", name, err)
		}
		args = append(args, sql.Named(string(name), arg))
	})
	return args, failed
}

var errParameter = errors.New("expected nil, a number or a string")

// parameter is a Lua value as SQLite has it: whole numbers are integers.
func parameter(v lua.LValue) (any, error) {
	switch v := v.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LString:
		return string(v), nil
	case lua.LNumber:
		return value.ToGo(v)
	}
	return nil, fmt.Errorf("%w, got %s", errParameter, v.Type())
}
