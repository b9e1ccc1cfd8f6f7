package dialect

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// events are the metamethods of the operators (Lua 5.4 manual, section 2.4).
var events = [...]string{
	floorDivide: "__idiv", modulo: "__mod", bitAnd: "__band", bitOr: "__bor",
	bitXor: "__bxor", shiftLeft: "__shl", shiftRight: "__shr", bitNot: "__bnot",
}

// arithmetic is // or %. A string that is a numeral counts as the number.
func arithmetic(L *lua.LState, op intrinsic, a, b lua.LValue) lua.LValue {
	x, ok1 := a.(lua.LNumber)
	y, ok2 := b.(lua.LNumber)
	if !ok1 || !ok2 {
		if result, ok := metamethod(L, op, a, b); ok {
			return result
		}
		x = operandNumber(L, a)
		y = operandNumber(L, b)
	}
	if op == modulo {
		return remainder(L, float64(x), float64(y))
	}
	return quotient(L, float64(x), float64(y))
}

// quotient is x // y. The engine cannot tell 1 from 1.0: an integral x divided
// by zero is an error as for Lua's integers, any other x as for its floats.
func quotient(L *lua.LState, x, y float64) lua.LNumber {
	a, ok1 := exact(x)
	b, ok2 := exact(y)
	switch {
	case ok1 && y == 0:
		L.RaiseError("attempt to divide by zero")
	case ok1 && ok2:
		q := a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			q--
		}
		return lua.LNumber(q)
	}
	return lua.LNumber(math.Floor(x / y))
}

// remainder is x % y, with the sign of y. For zero see quotient.
func remainder(L *lua.LState, x, y float64) lua.LNumber {
	if _, ok := exact(x); ok && y == 0 {
		L.RaiseError("%s", "attempt to perform 'n%0'")
	}
	r := math.Mod(x, y)
	if r > 0 && y < 0 || r < 0 && y > 0 {
		r += y
	}
	return lua.LNumber(r)
}

// exact is the integer that a number is, up to 2^53.
func exact(x float64) (int64, bool) {
	if x == math.Trunc(x) && math.Abs(x) <= largestExact {
		return int64(x), true
	}
	return 0, false
}

// operandNumber is an operand of arithmetic as a number.
func operandNumber(L *lua.LState, v lua.LValue) lua.LNumber {
	switch v := v.(type) {
	case lua.LNumber:
		return v
	case lua.LString:
		if n, ok := parseNumeral(string(v)); ok {
			return lua.LNumber(n)
		}
	}
	L.RaiseError("attempt to perform arithmetic on a %s value", typeName(L, v))
	return 0
}

// parseNumeral reads a number in a string as Lua does: with white space around
// it, a sign, and not the words that Go knows for numbers.
func parseNumeral(s string) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	digits := strings.TrimLeft(s, "+-")
	hex := len(digits) > 1 && digits[0] == '0' && digits[1]|0x20 == 'x'
	letters := "eE"
	if hex {
		letters = "xXpPaAbBcCdDeEfF"
		if !strings.ContainsAny(digits, "pP") {
			s += "p0"
		}
	}
	if strings.Trim(digits, "0123456789.+-"+letters) != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(n, 0) {
		return 0, false
	}
	return n, true
}

// bitwise is an operator on bits. Integers are 64 bits wide as in Lua, and the
// engine holds them up to 2^53 on either side of zero.
func bitwise(L *lua.LState, op intrinsic, a, b lua.LValue) lua.LValue {
	x, ok1 := a.(lua.LNumber)
	y, ok2 := b.(lua.LNumber)
	if !ok1 || !ok2 {
		if result, ok := metamethod(L, op, a, b); ok {
			return result
		}
		culprit := a
		if ok1 {
			culprit = b
		}
		L.RaiseError("attempt to perform bitwise operation on a %s value", typeName(L, culprit))
	}
	result := bits(op, operandInteger(L, x), operandInteger(L, y))
	if result > largestExact || result < -largestExact {
		L.RaiseError("result of a bitwise operation is beyond 2^53, where integers are not exact")
	}
	return lua.LNumber(result)
}

func bits(op intrinsic, x, y int64) int64 {
	switch op {
	case bitAnd:
		return x & y
	case bitOr:
		return x | y
	case bitXor:
		return x ^ y
	case bitNot:
		return ^x
	case shiftRight:
		return shift(x, -y)
	}
	return shift(x, y)
}

// shift shifts to the left, or for a negative count to the right, and fills with
// zeros. Go has no limit to a count, and Lua has none either.
func shift(x, count int64) int64 {
	if count < 0 {
		return int64(uint64(x) >> uint64(-count))
	}
	return x << uint64(count)
}

// operandInteger is an operand of a bitwise operator as an integer.
func operandInteger(L *lua.LState, n lua.LNumber) int64 {
	i, ok := exact(float64(n))
	switch {
	case ok:
	case float64(n) == math.Trunc(float64(n)) && math.Abs(float64(n)) < 1<<63:
		L.RaiseError("operand of a bitwise operation is beyond 2^53, where integers are not exact")
	default:
		L.RaiseError("number has no integer representation")
	}
	return i
}

// metamethod calls what one of the operands has for the operator, the first if
// both have.
func metamethod(L *lua.LState, op intrinsic, a, b lua.LValue) (lua.LValue, bool) {
	handler := L.GetMetaField(a, events[op])
	if handler == lua.LNil {
		handler = L.GetMetaField(b, events[op])
	}
	if handler == lua.LNil {
		return nil, false
	}
	L.Push(handler)
	L.Push(a)
	L.Push(b)
	L.Call(2, 1)
	result := L.Get(-1)
	L.Pop(1)
	return result, true
}

// typeName is how a message names the type of a value.
func typeName(L *lua.LState, v lua.LValue) string {
	if name, ok := L.GetMetaField(v, "__name").(lua.LString); ok {
		return string(name)
	}
	return v.Type().String()
}
