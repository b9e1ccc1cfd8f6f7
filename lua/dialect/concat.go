package dialect

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

const (
	// mostJoined is how many strings of any length one instruction may join: what it
	// builds before it is looked at is at most that many times the longest string.
	mostJoined = 8
	// shortText is how many bytes written out in the chunk may be added to one
	// string without a look. Who adds so little at a time copies all of it each
	// time, and runs out of time before the string has grown by much.
	shortText = 1 << 10
)

// concat is "..". The engine bounds no string, and one that is doubled fills the
// memory between two looks at it, so the length of a result is checked.
func (p *parser) concat(_ string, lhs, rhs ast.Expr) ast.Expr {
	if open := unchecked(rhs); open != nil && operands(open).joined < mostJoined {
		rhs = open // one chain, with one check
	}
	e := &ast.StringConcatOpExpr{Lhs: lhs, Rhs: rhs}
	e.SetLine(lhs.Line())
	if w := operands(e); w.joined < 2 && w.text <= shortText {
		return e
	}
	return callIntrinsic(lhs.Line(), checkedLength, e)
}

// unchecked is the concatenation whose check an expression is, unless that is in
// parentheses; else nil.
func unchecked(e ast.Expr) ast.Expr {
	call, ok := e.(*ast.FuncCallExpr)
	if !ok || call.AdjustRet || len(call.Args) != 1 || !isIntrinsic(e) {
		return nil
	}
	if inner, ok := call.Args[0].(*ast.StringConcatOpExpr); ok {
		return inner
	}
	return nil
}

// weight is what one concatenation joins: strings of any length, and bytes that
// the chunk has written out.
type weight struct{ joined, text int }

func operands(e ast.Expr) weight {
	switch e := e.(type) {
	case *ast.StringConcatOpExpr:
		left, right := operands(e.Lhs), operands(e.Rhs)
		return weight{left.joined + right.joined, left.text + right.text}
	case *ast.StringExpr:
		return weight{text: len(e.Value)}
	case *ast.NumberExpr:
		return weight{text: len(e.Value)}
	}
	return weight{joined: 1}
}

// checkLength refuses a string that is longer than any may be.
func (r runtime) checkLength(L *lua.LState, v lua.LValue) lua.LValue {
	if text, ok := v.(lua.LString); ok && len(text) > r.longest {
		L.RaiseError("string longer than %d bytes", r.longest)
	}
	return v
}
