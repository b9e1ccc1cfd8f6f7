package dialect

import (
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// intrinsic is something that Lua 5.4 has in its virtual machine and the engine
// does not. In the tree it is a call of a number; see Install.
type intrinsic uint8

const (
	floorDivide intrinsic = iota
	modulo
	bitAnd
	bitOr
	bitXor
	shiftLeft
	shiftRight
	bitNot
	forStep
	forValues
	tableTail
	checkedLength
)

// binaryIntrinsic is the intrinsic of an operator.
func binaryIntrinsic(symbol string) intrinsic {
	switch symbol {
	case "//":
		return floorDivide
	case "%":
		return modulo
	case "&":
		return bitAnd
	case "|":
		return bitOr
	case "~":
		return bitXor
	case "<<":
		return shiftLeft
	}
	return shiftRight
}

// codeBits is the number that stands for the first intrinsic, as bits; the next
// ones follow. It is about 1e-301, and no policy calls such a number by chance.
const codeBits = 0x0177_65E2_7C0D_E000

// code is the number that stands for an intrinsic.
func (i intrinsic) code() lua.LNumber {
	return lua.LNumber(math.Float64frombits(codeBits + uint64(i)))
}

// callIntrinsic is the call of an intrinsic in the tree.
func callIntrinsic(line int, i intrinsic, args ...ast.Expr) ast.Expr {
	code := strconv.FormatFloat(float64(i.code()), 'g', -1, 64)
	e := &ast.FuncCallExpr{Func: numberNode(line, code), Args: args}
	e.SetLine(line)
	return e
}

// isIntrinsic reports whether an expression is the call of an intrinsic: no
// chunk can call a number that is written out.
func isIntrinsic(e ast.Expr) bool {
	call, ok := e.(*ast.FuncCallExpr)
	if !ok {
		return false
	}
	_, ok = call.Func.(*ast.NumberExpr)
	return ok
}

// Install gives a state what compiled chunks need beyond the engine. Call it
// once per state, before a chunk runs; the threads of the state share it. To build
// a string of more than longest bytes with ".." is an error.
//
// It sets a metatable for numbers, with __call alone: an operator that the
// engine lacks is compiled to the call of a number that stands for it. Unlike a
// global or an upvalue this needs no room in a function, works in any
// environment, and is out of a policy's sight: getmetatable(1) is false. To call
// any other number is the error that it is in Lua.
func Install(L *lua.LState, longest int) {
	numbers := L.NewTable()
	numbers.RawSetString("__call", L.NewFunction(runtime{longest}.call))
	numbers.RawSetString("__metatable", lua.LFalse)
	L.SetMetatable(lua.LNumber(0), numbers)
}

// runtime is what compiled chunks call in one state.
type runtime struct{ longest int }

// call is __call of numbers. The first argument is the number.
func (r runtime) call(L *lua.LState) int {
	code, _ := L.Get(1).(lua.LNumber)
	i := intrinsic(math.Float64bits(float64(code)) - codeBits)
	if i.code() != code {
		L.RaiseError("attempt to call a number value")
	}
	switch i {
	case checkedLength:
		L.Push(r.checkLength(L, L.Get(2)))
	case floorDivide, modulo:
		L.Push(arithmetic(L, i, L.Get(2), L.Get(3)))
	case bitAnd, bitOr, bitXor, shiftLeft, shiftRight:
		L.Push(bitwise(L, i, L.Get(2), L.Get(3)))
	case bitNot:
		L.Push(bitwise(L, i, L.Get(2), L.Get(2)))
	case forStep:
		L.Push(checkStep(L, L.Get(2)))
	case forValues:
		return checkIterator(L)
	case tableTail:
		L.Push(appendTail(L))
	default:
		L.RaiseError("attempt to call a number value")
	}
	return 1
}

// checkStep is the step of a numeric for.
func checkStep(L *lua.LState, step lua.LValue) lua.LValue {
	switch n, ok := step.(lua.LNumber); {
	case !ok:
		L.RaiseError("bad 'for' step (number expected, got %s)", typeName(L, step))
	case n == 0:
		L.RaiseError("'for' step is zero")
	}
	return step
}

// checkIterator returns the three values that a generic for begins with.
func checkIterator(L *lua.LState) int {
	if lua.LVAsBool(L.Get(5)) {
		L.RaiseError("the closing value of a generic 'for' is not supported: close it after the loop")
	}
	L.SetTop(4)
	return 3
}

// appendTail adds values to a table after its first n: the last field of a
// constructor that has many values.
func appendTail(L *lua.LState) lua.LValue {
	t, n := L.CheckTable(2), L.CheckInt(3)
	for i := 4; i <= L.GetTop(); i++ {
		t.RawSetInt(n+i-3, L.Get(i))
	}
	return t
}
