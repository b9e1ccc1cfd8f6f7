package policy

import "github.com/yuin/gopher-lua/ast"

// deepestNesting bounds how deep a syntax tree may be. Written by hand no policy
// gets near it; a long chain of elseif or of .. counts a level for each.
const deepestNesting = 5000

// walk shows every statement and expression of a tree to visit, the outer before
// the inner. It stops at the first node that is nested too deep and returns it.
func walk(tree syntaxTree, visit func(ast.PositionHolder)) (tooDeep ast.PositionHolder) {
	return descend(nodes(tree), 0, visit)
}

func descend(level []ast.PositionHolder, depth int, visit func(ast.PositionHolder)) ast.PositionHolder {
	for _, n := range level {
		if depth >= deepestNesting {
			return n
		}
		visit(n)
		if deep := descend(children(n), depth+1, visit); deep != nil {
			return deep
		}
	}
	return nil
}

// nodes brings statements or expressions into one kind of list. Expressions may
// be absent, such as the step of a for.
func nodes[T ast.PositionHolder](list []T) []ast.PositionHolder {
	var all []ast.PositionHolder
	for _, n := range list {
		if any(n) != nil {
			all = append(all, n)
		}
	}
	return all
}

func exprs(list ...ast.Expr) []ast.PositionHolder { return nodes(list) }

// children are the parts of a node in reading order, as far as a call may stand in them.
func children(n ast.PositionHolder) []ast.PositionHolder {
	switch n := n.(type) {
	case *ast.AssignStmt:
		return append(nodes(n.Lhs), nodes(n.Rhs)...)
	case *ast.LocalAssignStmt:
		return nodes(n.Exprs)
	case *ast.FuncCallStmt:
		return exprs(n.Expr)
	case *ast.DoBlockStmt:
		return nodes(n.Stmts)
	case *ast.WhileStmt:
		return append(exprs(n.Condition), nodes(n.Stmts)...)
	case *ast.RepeatStmt:
		return append(nodes(n.Stmts), exprs(n.Condition)...)
	case *ast.IfStmt:
		return append(append(exprs(n.Condition), nodes(n.Then)...), nodes(n.Else)...)
	case *ast.NumberForStmt:
		return append(exprs(n.Init, n.Limit, n.Step), nodes(n.Stmts)...)
	case *ast.GenericForStmt:
		return append(nodes(n.Exprs), nodes(n.Stmts)...)
	case *ast.FuncDefStmt:
		return exprs(n.Func)
	case *ast.ReturnStmt:
		return nodes(n.Exprs)
	case ast.Expr:
		return inExpr(n)
	}
	return nil
}

func inExpr(e ast.Expr) []ast.PositionHolder {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return append(exprs(e.Func, e.Receiver), nodes(e.Args)...)
	case *ast.FunctionExpr:
		return nodes(e.Stmts)
	case *ast.TableExpr:
		var all []ast.PositionHolder
		for _, field := range e.Fields {
			all = append(all, exprs(field.Key, field.Value)...)
		}
		return all
	case *ast.AttrGetExpr:
		return exprs(e.Object, e.Key)
	case *ast.LogicalOpExpr:
		return exprs(e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		return exprs(e.Lhs, e.Rhs)
	case *ast.StringConcatOpExpr:
		return exprs(e.Lhs, e.Rhs)
	case *ast.ArithmeticOpExpr:
		return exprs(e.Lhs, e.Rhs)
	case *ast.UnaryMinusOpExpr:
		return exprs(e.Expr)
	case *ast.UnaryNotOpExpr:
		return exprs(e.Expr)
	case *ast.UnaryLenOpExpr:
		return exprs(e.Expr)
	}
	return nil
}
