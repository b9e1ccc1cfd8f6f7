package engine

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// openOldMath adds what 5.3 took out of the library and 5.4 is still built with.
func (m *machine) openOldMath(L *lua.LState, library *lua.LTable) {
	for name, function := range map[string]lua.LGFunction{
		"cosh":  mathOf(math.Cosh),
		"frexp": mathFrexp,
		"ldexp": mathLdexp,
		"log10": mathOf(math.Log10),
		"pow":   mathPow,
		"sinh":  mathOf(math.Sinh),
		"tanh":  mathOf(math.Tanh),
	} {
		library.RawSetString(name, L.NewFunction(function))
	}
}

func mathFrexp(L *lua.LState) int {
	fraction, exponent := math.Frexp(checkNumber(L, 1))
	L.Push(lua.LNumber(fraction))
	L.Push(lua.LNumber(exponent))
	return 2
}

func mathLdexp(L *lua.LState) int {
	x, e := checkNumber(L, 1), checkInt(L, 2)
	// Beyond these the result is the same: nothing, or infinite.
	L.Push(lua.LNumber(math.Ldexp(x, int(max(min(e, 5000), -5000)))))
	return 1
}

func mathPow(L *lua.LState) int {
	L.Push(lua.LNumber(math.Pow(checkNumber(L, 1), checkNumber(L, 2))))
	return 1
}
