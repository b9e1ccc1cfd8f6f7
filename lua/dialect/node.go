package dialect

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// Locals that stand in the tree and not in the chunk. No name of a chunk has a
// parenthesis.
const (
	hiddenJump   = "(jump)"
	hiddenNever  = "(never)"
	hiddenValue  = "(value "
	hiddenObject = "(object "
	hiddenKey    = "(key "
)

func itoa(n int) string { return strconv.Itoa(n) }

func setLines(n ast.PositionHolder, first, last int) {
	n.SetLine(first)
	n.SetLastLine(last)
}

func ident(line int, name string) *ast.IdentExpr {
	e := &ast.IdentExpr{Value: name}
	e.SetLine(line)
	return e
}

func nilNode(line int) ast.Expr {
	e := &ast.NilExpr{}
	e.SetLine(line)
	return e
}

func numberNode(line int, text string) ast.Expr {
	e := &ast.NumberExpr{Value: text}
	e.SetLine(line)
	return e
}

func stringNode(line int, text string) ast.Expr {
	e := &ast.StringExpr{Value: text}
	e.SetLine(line)
	return e
}

// localNode is the declaration of one local.
func localNode(line int, name string, value ast.Expr) *ast.LocalAssignStmt {
	s := &ast.LocalAssignStmt{Names: []string{name}, Exprs: []ast.Expr{value}}
	s.SetLine(line)
	return s
}

// assignNode is an assignment to one target.
func assignNode(line int, target, value ast.Expr) *ast.AssignStmt {
	s := &ast.AssignStmt{Lhs: []ast.Expr{target}, Rhs: []ast.Expr{value}}
	s.SetLine(line)
	return s
}

// isMany reports whether an expression may have any number of values.
func isMany(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

// single makes an expression have one value, as parentheses do.
func single(e ast.Expr) {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
}

// numeric is the value of an expression that is a number written out, with a
// sign or not.
func numeric(e ast.Expr) (value float64, ok bool) {
	switch e := e.(type) {
	case *ast.NumberExpr:
		value, err := strconv.ParseFloat(e.Value, 64)
		return value, err == nil
	case *ast.UnaryMinusOpExpr:
		value, ok := numeric(e.Expr)
		return -value, ok
	}
	return 0, false
}
