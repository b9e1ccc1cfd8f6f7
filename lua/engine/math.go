package engine

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) openMath(L *lua.LState) {
	library := m.library(L, "math", map[string]lua.LGFunction{
		"abs":        mathOf(math.Abs),
		"acos":       mathOf(math.Acos),
		"asin":       mathOf(math.Asin),
		"atan":       mathAtan,
		"ceil":       mathOf(func(x float64) float64 { return math.Ceil(x) + 0 }),
		"cos":        mathOf(math.Cos),
		"deg":        mathOf(func(x float64) float64 { return x * (180 / math.Pi) }),
		"exp":        mathOf(math.Exp),
		"floor":      mathOf(func(x float64) float64 { return math.Floor(x) + 0 }),
		"fmod":       mathFmod,
		"log":        mathLog,
		"max":        mathMax,
		"min":        mathMin,
		"modf":       mathModf,
		"rad":        mathOf(func(x float64) float64 { return x * (math.Pi / 180) }),
		"random":     m.mathRandom,
		"randomseed": m.mathRandomSeed,
		"sin":        mathOf(math.Sin),
		"sqrt":       mathOf(math.Sqrt),
		"tan":        mathOf(math.Tan),
		"tointeger":  mathToInteger,
		"type":       mathType,
		"ult":        mathUlt,
	})
	m.openOldMath(L, library)
	library.RawSetString("pi", lua.LNumber(math.Pi))
	library.RawSetString("huge", lua.LNumber(math.Inf(1)))
	// The whole numbers between these two are exact, which is what they are used
	// for. In the reference implementation they are 2^63-1 and -2^63, which a float
	// cannot tell from their neighbours.
	library.RawSetString("maxinteger", lua.LNumber(exactInteger))
	library.RawSetString("mininteger", lua.LNumber(-exactInteger))
	m.random = newGenerator()
}

func mathOf(f func(float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		L.Push(lua.LNumber(f(checkNumber(L, 1))))
		return 1
	}
}

func mathAtan(L *lua.LState) int {
	y, x := checkNumber(L, 1), 1.0
	if L.Get(2) != lua.LNil {
		x = checkNumber(L, 2)
	}
	L.Push(lua.LNumber(math.Atan2(y, x)))
	return 1
}

func mathFmod(L *lua.LState) int {
	x, y := checkNumber(L, 1), checkNumber(L, 2)
	if y == 0 && isWhole(x) {
		argError(L, 2, "zero")
	}
	L.Push(lua.LNumber(math.Mod(x, y)))
	return 1
}

func isWhole(x float64) bool {
	_, ok := toInteger(x)
	return ok
}

func mathLog(L *lua.LState) int {
	x := checkNumber(L, 1)
	if L.Get(2) == lua.LNil {
		L.Push(lua.LNumber(math.Log(x)))
		return 1
	}
	switch base := checkNumber(L, 2); base {
	case 2:
		L.Push(lua.LNumber(math.Log2(x)))
	case 10:
		L.Push(lua.LNumber(math.Log10(x)))
	default:
		L.Push(lua.LNumber(math.Log(x) / math.Log(base)))
	}
	return 1
}

func mathMax(L *lua.LState) int {
	return best(L, func(x, best float64) bool { return best < x })
}

func mathMin(L *lua.LState) int {
	return best(L, func(x, best float64) bool { return x < best })
}

func best(L *lua.LState, better func(x, than float64) bool) int {
	if L.GetTop() == 0 {
		argError(L, 1, "value expected")
	}
	result := checkNumber(L, 1)
	for i := 2; i <= L.GetTop(); i++ {
		if x := checkNumber(L, i); better(x, result) {
			result = x
		}
	}
	L.Push(lua.LNumber(result))
	return 1
}

func mathModf(L *lua.LState) int {
	x := checkNumber(L, 1)
	whole := math.Trunc(x) + 0 // whole numbers have no negative zero
	L.Push(lua.LNumber(whole))
	if math.IsInf(x, 0) {
		L.Push(lua.LNumber(0))
	} else {
		L.Push(lua.LNumber(x - whole))
	}
	return 2
}

// mathToInteger takes whole numbers of up to 64 bits, though only those up to 2^53
// are their own.
func mathToInteger(L *lua.LState) int {
	if n, ok := toNumber(checkAny(L, 1)); ok {
		if i, ok := toInteger(n); ok {
			L.Push(lua.LNumber(i))
			return 1
		}
	}
	L.Push(lua.LNil)
	return 1
}

// mathType calls whole numbers up to 2^53 integers, whatever made them.
func mathType(L *lua.LState) int {
	n, ok := checkAny(L, 1).(lua.LNumber)
	switch v := float64(n); {
	case !ok:
		L.Push(lua.LNil)
	case v == math.Trunc(v) && math.Abs(v) <= exactInteger:
		L.Push(lua.LString("integer"))
	default:
		L.Push(lua.LString("float"))
	}
	return 1
}

func mathUlt(L *lua.LState) int {
	L.Push(lua.LBool(uint64(checkInt(L, 1)) < uint64(checkInt(L, 2))))
	return 1
}
