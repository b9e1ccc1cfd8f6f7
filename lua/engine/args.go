package engine

import (
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// argError raises "bad argument #n to 'name' (message)" for argument n of the
// running Go function.
func argError(L *lua.LState, n int, message string) {
	f := current(L)
	if m := of(L); m.isPass(f) && f.parent().ok() {
		f = f.parent()
	}
	kind, name := callName(f)
	if kind == "method" {
		if n--; n == 0 {
			raisef(L, "calling '%s' on bad self (%s)", name, message)
		}
	}
	if name == "" {
		name = of(L).globalName(f.function())
	}
	if name == "" {
		name = "?"
	}
	raisef(L, "bad argument #%d to '%s' (%s)", n, name, message)
}

// typeError raises that argument n is not what was wanted.
func typeError(L *lua.LState, n int, want string) {
	argError(L, n, want+" expected, got "+argType(L, n))
}

// argType names the type of argument n, "no value" when it is absent.
func argType(L *lua.LState, n int) string {
	if n > L.GetTop() {
		return "no value"
	}
	return typeName(L, L.Get(n))
}

// typeName is the type of a value, or what its metatable calls itself in __name.
func typeName(L *lua.LState, v lua.LValue) string {
	if name, ok := L.GetMetaField(v, "__name").(lua.LString); ok {
		return string(name)
	}
	return typeOf(v)
}

func typeOf(v lua.LValue) string { return v.Type().String() }

func checkAny(L *lua.LState, n int) lua.LValue {
	if n > L.GetTop() {
		argError(L, n, "value expected")
	}
	return L.Get(n)
}

func checkTable(L *lua.LState, n int) *lua.LTable {
	table, ok := L.Get(n).(*lua.LTable)
	if !ok {
		typeError(L, n, "table")
	}
	return table
}

func checkFunction(L *lua.LState, n int) *lua.LFunction {
	fn, ok := L.Get(n).(*lua.LFunction)
	if !ok {
		typeError(L, n, "function")
	}
	return fn
}

// checkString takes a string or a number.
func checkString(L *lua.LState, n int) string {
	switch v := L.Get(n).(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return formatNumber(v)
	}
	typeError(L, n, "string")
	return ""
}

func optString(L *lua.LState, n int, otherwise string) string {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkString(L, n)
}

// checkNumber takes a number or a string that reads as one.
func checkNumber(L *lua.LState, n int) float64 {
	v, ok := toNumber(L.Get(n))
	if !ok {
		typeError(L, n, "number")
	}
	return v
}

// checkInt takes a number without a fraction.
func checkInt(L *lua.LState, n int) int64 {
	v := checkNumber(L, n)
	i, ok := toInteger(v)
	if !ok {
		argError(L, n, "number has no integer representation")
	}
	return i
}

func optInt(L *lua.LState, n int, otherwise int64) int64 {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkInt(L, n)
}

// toInteger is the whole number a float stands for. 2^63 itself, which
// math.maxinteger would be in the reference implementation, counts as the largest.
func toInteger(v float64) (int64, bool) {
	switch {
	case v != math.Trunc(v) || math.IsInf(v, 0):
		return 0, false
	case v == 1<<63:
		return math.MaxInt64, true
	case v < -1<<63 || v > 1<<63:
		return 0, false
	}
	return int64(v), true
}

// checkOption takes one of the given words and returns which.
func checkOption(L *lua.LState, n int, otherwise string, options ...string) int {
	word := otherwise
	if otherwise == "" || L.Get(n) != lua.LNil {
		word = checkString(L, n)
	}
	for i, option := range options {
		if option == word {
			return i
		}
	}
	argError(L, n, fmt.Sprintf("invalid option '%s'", word))
	return 0
}
