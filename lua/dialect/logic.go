package dialect

import "github.com/yuin/gopher-lua/ast"

// truth is what a constant counts as in a condition. known is false for what is
// not a constant.
func truth(e ast.Expr) (value, known bool) {
	switch e.(type) {
	case *ast.NilExpr, *ast.FalseExpr:
		return false, true
	case *ast.TrueExpr, *ast.NumberExpr, *ast.StringExpr:
		return true, true
	}
	return false, false
}

// logical is and, or. A constant on the left decides at once: in the engine's
// code it would be a jump, see padding.
func (p *parser) logical(symbol string, lhs, rhs ast.Expr) ast.Expr {
	if value, known := truth(lhs); known {
		if value == (symbol == "or") {
			return lhs
		}
		single(rhs)
		return rhs
	}
	p.branches(5)
	e := &ast.LogicalOpExpr{Operator: symbol, Lhs: lhs, Rhs: rhs}
	e.SetLine(lhs.Line())
	return e
}

// negate is not, decided at once for a constant.
func negate(operand ast.Expr) ast.Expr {
	var e ast.Expr
	switch value, known := truth(operand); {
	case !known:
		e = &ast.UnaryNotOpExpr{Expr: operand}
	case value:
		e = &ast.FalseExpr{}
	default:
		e = &ast.TrueExpr{}
	}
	e.SetLine(operand.Line())
	return e
}

// condition is an expression as the condition of a statement. One that is never
// true is written so that its code does not begin with a jump, see padding.
func condition(e ast.Expr) ast.Expr {
	value, known := truth(e)
	if !known || value {
		return e
	}
	yes := &ast.TrueExpr{}
	yes.SetLine(e.Line())
	never := &ast.UnaryNotOpExpr{Expr: yes}
	never.SetLine(e.Line())
	return never
}
