package dialect

import (
	"github.com/yuin/gopher-lua/ast"
)

// blockEnds reports whether no statement of the block can follow.
func (p *parser) blockEnds() bool {
	switch p.tok.kind {
	case kindElse, kindElseif, kindEndWord, kindEnd, kindUntil:
		return true
	}
	return false
}

// statements reads up to the end of a block. A return ends it.
func (p *parser) statements() []ast.Stmt {
	list := []ast.Stmt{}
	for !p.blockEnds() {
		last := p.tok.kind == kindReturn
		list = p.statement(list)
		if last {
			break
		}
	}
	return list
}

// scoped reads the statements of a block of its own.
func (p *parser) scoped() []ast.Stmt {
	p.openBlock(false)
	list := p.statements()
	p.closeBlock(nil)
	return list
}

// statement reads a statement and appends what stands for it.
func (p *parser) statement(list []ast.Stmt) []ast.Stmt {
	p.deeper()
	defer p.leave()
	switch p.tok.kind {
	case kindSemicolon:
		p.advance()
		return list
	case kindIf:
		return append(list, p.ifStatement())
	case kindWhile:
		return append(list, p.whileStatement())
	case kindDo:
		return append(list, p.doStatement())
	case kindFor:
		return append(list, p.forStatement())
	case kindRepeat:
		return append(list, p.repeatStatement())
	case kindFunction:
		return append(list, p.functionStatement())
	case kindLocal:
		return append(list, p.localStatement())
	case kindDoubleColon:
		return append(list, p.labelStatement()...)
	case kindReturn:
		return append(list, p.returnStatement())
	case kindBreak:
		return append(list, p.breakStatement())
	case kindGoto:
		return append(list, p.gotoStatement())
	}
	return append(list, p.expressionStatement())
}

func (p *parser) doStatement() ast.Stmt {
	begin := p.expect(kindDo)
	s := &ast.DoBlockStmt{Stmts: p.scoped()}
	setLines(s, begin.line, p.expectClosing(kindEndWord, &begin))
	return s
}

// ifStatement reads an if with all its branches: each elseif is an if in the
// else of the one before.
func (p *parser) ifStatement() ast.Stmt {
	begin := p.expect(kindIf)
	first := p.branch(begin.line)
	last := first
	for p.tok.kind == kindElseif {
		line := p.tok.line
		p.advance()
		next := p.branch(line)
		last.Else = []ast.Stmt{next}
		last = next
	}
	if p.accept(kindElse) {
		last.Else = p.scoped()
	}
	first.SetLastLine(p.expectClosing(kindEndWord, &begin))
	return first
}

// branch reads a condition, then, and the block.
func (p *parser) branch(line int) *ast.IfStmt {
	p.branches(4)
	s := &ast.IfStmt{Condition: condition(p.expression())}
	s.SetLine(line)
	p.expect(kindThen)
	s.Then = p.scoped()
	return s
}

func (p *parser) whileStatement() ast.Stmt {
	begin := p.expect(kindWhile)
	p.branches(4)
	s := &ast.WhileStmt{Condition: condition(p.expression())}
	p.expect(kindDo)
	p.openBlock(true)
	s.Stmts = p.statements()
	setLines(s, begin.line, p.expectClosing(kindEndWord, &begin))
	return p.closeBlock(s)
}

// repeatStatement reads a repeat. Its condition sees the locals of the block.
func (p *parser) repeatStatement() ast.Stmt {
	begin := p.expect(kindRepeat)
	p.branches(4)
	p.openBlock(true)
	s := &ast.RepeatStmt{Stmts: p.statements()}
	p.expectClosing(kindUntil, &begin)
	s.Condition = condition(p.expression())
	setLines(s, begin.line, s.Condition.Line())
	return p.closeBlock(s)
}

// functionStatement reads function a.b.c:d() end.
func (p *parser) functionStatement() ast.Stmt {
	begin := p.expect(kindFunction)
	t := p.variableName()
	name := &ast.FuncName{Func: p.use(&t)}
	plain := true
	for p.accept(kindDot) {
		key := p.expect(kindName)
		p.constant()
		field := &ast.AttrGetExpr{Object: name.Func, Key: stringNode(key.line, key.text)}
		field.SetLine(key.line)
		name.Func, plain = field, false
	}
	if p.accept(kindColon) {
		name.Method = p.expect(kindName).text
		p.constant()
		name.Receiver, name.Func, plain = name.Func, nil, false
	}
	if plain {
		p.assignable(&t)
	}
	s := &ast.FuncDefStmt{Name: name, Func: p.functionBody(&begin, name.Method != "")}
	setLines(s, begin.line, s.Func.LastLine())
	return s
}

// functionBody reads a function from its parameters on. Its line is that of the
// parenthesis, as the engine's parser has it in statements.
func (p *parser) functionBody(begin *token, method bool) *ast.FunctionExpr {
	fn := &function{outer: p.fn, line: begin.line, watch: p.watch}
	p.fn, p.watch = fn, nil
	p.openBlock(false)
	if method {
		p.declareHidden(begin, "self", regular)
	}
	f := &ast.FunctionExpr{ParList: &ast.ParList{Names: []string{}}}
	open := p.expect(kindOpenParen)
	p.parameters(f.ParList)
	p.expect(kindCloseParen)
	fn.vararg = f.ParList.HasVargs
	f.Stmts = p.statements()
	setLines(f, open.line, p.expectClosing(kindEndWord, begin))
	p.closeBlock(nil)
	p.fn, p.watch = fn.outer, fn.watch
	return f
}

func (p *parser) parameters(list *ast.ParList) {
	if p.tok.kind == kindCloseParen {
		return
	}
	for {
		if p.accept(kindDots) {
			list.HasVargs = true
			return
		}
		if p.tok.kind != kindName {
			p.refuse("<name> or '...' expected")
		}
		name := p.variableName()
		p.declare(&name, regular)
		list.Names = append(list.Names, engineName(name.text, true))
		if !p.accept(kindComma) {
			return
		}
	}
}

// returnStatement reads a return.
func (p *parser) returnStatement() ast.Stmt {
	s := &ast.ReturnStmt{}
	s.SetLine(p.expect(kindReturn).line)
	if !p.blockEnds() && p.tok.kind != kindSemicolon {
		s.Exprs = p.expressions()
	}
	p.accept(kindSemicolon)
	return s
}
