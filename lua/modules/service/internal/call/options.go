package call

import (
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
)

// Options is a table of named settings, such as that of redis.open. Its methods
// raise when a value is not what they are asked for.
type Options struct {
	L        *lua.LState
	Function string // as errors name it
	Table    *lua.LTable
	within   string // the path to a table inside the argument, with a dot behind it
}

// Table reads argument n as a table with no other keys than those known. An
// absent argument is an empty table if nothing in it is required.
func Table(L *lua.LState, n int, function string, known ...string) Options {
	o := Options{L: L, Function: function}
	switch v := L.Get(n).(type) {
	case *lua.LTable:
		o.Table = v
	case *lua.LNilType:
		o.Table = L.NewTable()
	default:
		L.RaiseError("%s: expected a table of settings, got %s", function, v.Type())
	}
	o.only(known)
	return o
}

// Inner reads the table that stands at key, of which the same holds; ok is false
// when there is none.
func (o Options) Inner(key string, known ...string) (inner Options, ok bool) {
	switch v := o.Table.RawGetString(key).(type) {
	case *lua.LNilType:
		return Options{}, false
	case *lua.LTable:
		return o.At(key, v, known...), true
	default:
		o.Fail(key, "expected a table, got %s", v.Type())
	}
	return Options{}, false
}

// At reads a table inside this one, at a place that path names.
func (o Options) At(path string, t *lua.LTable, known ...string) Options {
	inner := Options{L: o.L, Function: o.Function, Table: t, within: o.within + path + "."}
	inner.only(known)
	return inner
}

func (o Options) only(known []string) {
	o.Table.ForEach(func(k, _ lua.LValue) {
		if name, ok := k.(lua.LString); !ok || !slices.Contains(known, string(name)) {
			o.L.RaiseError("%s: unknown key '%s%s'; expected %s", o.Function, o.within, k, strings.Join(known, ", "))
		}
	})
}

// Fail raises what is wrong with a key.
func (o Options) Fail(key, format string, args ...any) {
	o.L.RaiseError("%s: %s%s: %s", o.Function, o.within, key, fmt.Sprintf(format, args...))
}

// Has says whether the key has a value.
func (o Options) Has(key string) bool { return o.Table.RawGetString(key) != lua.LNil }

// String is a text, "" when absent.
func (o Options) String(key string) string {
	switch v := o.Table.RawGetString(key).(type) {
	case lua.LString:
		return string(v)
	case *lua.LNilType:
		return ""
	default:
		o.Fail(key, "expected a string, got %s", v.Type())
	}
	return ""
}

// Name is a text that must be there and not empty.
func (o Options) Name(key string) string {
	text := o.String(key)
	if text == "" {
		o.Fail(key, "expected a string that is not empty")
	}
	return text
}

// Bool is a boolean, false when absent.
func (o Options) Bool(key string) bool {
	switch v := o.Table.RawGetString(key).(type) {
	case lua.LBool:
		return bool(v)
	case *lua.LNilType:
	default:
		o.Fail(key, "expected true or false, got %s", v.Type())
	}
	return false
}

// Int is a whole number from low to high.
func (o Options) Int(key string, low, high, absent int) int {
	switch v := o.Table.RawGetString(key).(type) {
	case lua.LNumber:
		if v >= lua.LNumber(low) && v <= lua.LNumber(high) && v == lua.LNumber(int(v)) {
			return int(v)
		}
		o.Fail(key, "expected a whole number from %d to %d, got %v", low, high, v)
	case *lua.LNilType:
		return absent
	default:
		o.Fail(key, "expected a whole number, got %s", v.Type())
	}
	return absent
}

// Duration is a span of time: seconds, or a text such as "5 minutes".
func (o Options) Duration(key string, absent time.Duration) time.Duration {
	v := o.Table.RawGetString(key)
	if v == lua.LNil {
		return absent
	}
	d, err := duration.FromLua(v)
	if err != nil {
		o.Fail(key, "%s", err)
	}
	return d
}

// Strings is a list of texts, nil when absent; a text alone is a list of one.
func (o Options) Strings(key string) []string {
	switch v := o.Table.RawGetString(key).(type) {
	case *lua.LNilType:
		return nil
	case lua.LString:
		return []string{string(v)}
	case *lua.LTable:
		var all []string
		for i := range v.Len() {
			s, ok := v.RawGetInt(i + 1).(lua.LString)
			if !ok {
				o.Fail(fmt.Sprintf("%s[%d]", key, i+1), "expected a string")
			}
			all = append(all, string(s))
		}
		return all
	default:
		o.Fail(key, "expected a list of strings, got %s", v.Type())
	}
	return nil
}
