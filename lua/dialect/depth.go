package dialect

import "github.com/yuin/gopher-lua/ast"

// deepestTree bounds how many levels a tree has. A chain of elseif, or of
// operators that bind to the left, has a level for each; the compiler calls
// itself for each level, and a stack that overflows in Go ends the process.
const deepestTree = 5000

// tooDeep returns the first node that is nested too deep, nil if none is.
func tooDeep(chunk []ast.Stmt) ast.PositionHolder {
	d := depth{}
	d.statements(chunk)
	return d.found
}

// depth walks a tree down to the bound.
type depth struct {
	level int
	found ast.PositionHolder
}

// enter counts a level. It is false when there is nothing more to look at.
func (d *depth) enter(n ast.PositionHolder) bool {
	if d.found != nil {
		return false
	}
	if d.level >= deepestTree {
		d.found = n
		return false
	}
	d.level++
	return true
}

func (d *depth) statements(list []ast.Stmt) {
	for _, s := range list {
		d.statement(s)
	}
}

func (d *depth) expressions(list []ast.Expr) {
	for _, e := range list {
		d.expression(e)
	}
}

func (d *depth) statement(s ast.Stmt) {
	if !d.enter(s) {
		return
	}
	switch s := s.(type) {
	case *ast.AssignStmt:
		d.expressions(s.Lhs)
		d.expressions(s.Rhs)
	case *ast.LocalAssignStmt:
		d.expressions(s.Exprs)
	case *ast.FuncCallStmt:
		d.expression(s.Expr)
	case *ast.DoBlockStmt:
		d.statements(s.Stmts)
	case *ast.WhileStmt:
		d.expression(s.Condition)
		d.statements(s.Stmts)
	case *ast.RepeatStmt:
		d.statements(s.Stmts)
		d.expression(s.Condition)
	case *ast.IfStmt:
		d.expression(s.Condition)
		d.statements(s.Then)
		d.statements(s.Else)
	case *ast.NumberForStmt:
		d.expression(s.Init)
		d.expression(s.Limit)
		d.expression(s.Step)
		d.statements(s.Stmts)
	case *ast.GenericForStmt:
		d.expressions(s.Exprs)
		d.statements(s.Stmts)
	case *ast.FuncDefStmt:
		d.expression(s.Name.Func)
		d.expression(s.Name.Receiver)
		d.expression(s.Func)
	case *ast.ReturnStmt:
		d.expressions(s.Exprs)
	}
	d.level--
}

// expression takes nil for an expression that is absent.
func (d *depth) expression(e ast.Expr) {
	if e == nil || !d.enter(e) {
		return
	}
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		d.expression(e.Func)
		d.expression(e.Receiver)
		d.expressions(e.Args)
	case *ast.FunctionExpr:
		d.statements(e.Stmts)
	case *ast.TableExpr:
		for _, field := range e.Fields {
			d.expression(field.Key)
			d.expression(field.Value)
		}
	case *ast.AttrGetExpr:
		d.expression(e.Object)
		d.expression(e.Key)
	case *ast.LogicalOpExpr:
		d.expression(e.Lhs)
		d.expression(e.Rhs)
	case *ast.RelationalOpExpr:
		d.expression(e.Lhs)
		d.expression(e.Rhs)
	case *ast.StringConcatOpExpr:
		d.expression(e.Lhs)
		d.expression(e.Rhs)
	case *ast.ArithmeticOpExpr:
		d.expression(e.Lhs)
		d.expression(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		d.expression(e.Expr)
	case *ast.UnaryNotOpExpr:
		d.expression(e.Expr)
	case *ast.UnaryLenOpExpr:
		d.expression(e.Expr)
	}
	d.level--
}
