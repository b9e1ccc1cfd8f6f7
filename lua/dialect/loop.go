package dialect

import (
	"github.com/yuin/gopher-lua/ast"
)

// forStatement reads either kind of for.
func (p *parser) forStatement() ast.Stmt {
	begin := p.expect(kindFor)
	p.branches(4)
	name := p.variableName()
	switch p.tok.kind {
	case kindAssign:
		return p.numericFor(&begin, &name)
	case kindComma, kindIn:
		return p.genericFor(&begin, &name)
	}
	p.refuse("'=' or 'in' expected")
	return nil
}

func (p *parser) numericFor(begin, name *token) ast.Stmt {
	p.expect(kindAssign)
	s := &ast.NumberForStmt{Name: engineName(name.text, true), Init: p.expression()}
	p.expect(kindComma)
	s.Limit = p.expression()
	if p.accept(kindComma) {
		s.Step = p.expression()
		if step, ok := numeric(s.Step); !ok || step == 0 {
			s.Step = callIntrinsic(s.Step.Line(), forStep, s.Step)
		}
	}
	p.checkStart(name, s)
	p.forBody(begin, []token{*name}, &s.Stmts, s)
	return p.closeBlock(s)
}

// checkStart refuses a loop whose first value the engine would miss: it begins a
// step before and adds the step, which can round.
func (p *parser) checkStart(name *token, s *ast.NumberForStmt) {
	start, ok := numeric(s.Init)
	step := 1.0
	if s.Step != nil {
		var fixed bool
		step, fixed = numeric(s.Step)
		ok = ok && fixed
	}
	if ok && start-step+step != start {
		p.refuseAt(name, "for loop from %v by %v would round its first value: count in integers and divide", start, step)
	}
}

func (p *parser) genericFor(begin, name *token) ast.Stmt {
	names := []token{*name}
	for p.accept(kindComma) {
		names = append(names, p.variableName())
	}
	p.expect(kindIn)
	s := &ast.GenericForStmt{Exprs: p.iterator(p.expressions())}
	for i := range names {
		s.Names = append(s.Names, engineName(names[i].text, true))
	}
	p.forBody(begin, names, &s.Stmts, s)
	return p.closeBlock(s)
}

// iterator is the list of expressions of a generic for, as one call that returns
// three values. The engine does not set those that are not given, and drops some
// that are. A fourth is one to close after the loop, which is not supported and
// refused when the loop begins. A call of pairs or ipairs needs none of this.
func (p *parser) iterator(list []ast.Expr) []ast.Expr {
	if call, ok := list[0].(*ast.FuncCallExpr); ok && len(list) == 1 && !call.AdjustRet {
		name, ok := call.Func.(*ast.IdentExpr)
		if ok && (name.Value == "pairs" || name.Value == "ipairs") {
			return list
		}
	}
	return []ast.Expr{callIntrinsic(list[0].Line(), forValues, list...)}
}

// forBody reads from do to end, in a block with the loop's variables that is
// left open.
func (p *parser) forBody(begin *token, names []token, body *[]ast.Stmt, s ast.Stmt) {
	p.expect(kindDo)
	p.openBlock(true)
	for i := range names {
		p.declare(&names[i], regular)
	}
	*body = p.statements()
	setLines(s, begin.line, p.expectClosing(kindEndWord, begin))
}
