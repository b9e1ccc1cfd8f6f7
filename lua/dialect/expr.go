package dialect

import (
	"github.com/yuin/gopher-lua/ast"
)

// operator is a binary operator: how strongly it binds what stands left and
// right of it (Lua 5.4 manual, section 3.4.8), and how it gets into the tree.
type operator struct {
	left, right int
	build       func(p *parser, symbol string, lhs, rhs ast.Expr) ast.Expr
}

// unaryPriority is how strongly not, #, - and ~ bind what follows.
const unaryPriority = 12

// binary is the operator of a token. A left of 0 is none.
func binary(k kind) operator {
	switch k {
	case kindOr:
		return operator{1, 1, (*parser).logical}
	case kindAnd:
		return operator{2, 2, (*parser).logical}
	case kindEqual, kindNotEqual, kindLess, kindGreater, kindLessEqual, kindGreaterEqual:
		return operator{3, 3, (*parser).relational}
	case kindPipe:
		return operator{4, 4, (*parser).intrinsic}
	case kindTilde:
		return operator{5, 5, (*parser).intrinsic}
	case kindAmpersand:
		return operator{6, 6, (*parser).intrinsic}
	case kindShiftLeft, kindShiftRight:
		return operator{7, 7, (*parser).intrinsic}
	case kindConcat:
		return operator{9, 8, (*parser).concat}
	case kindPlus, kindMinus:
		return operator{10, 10, (*parser).arithmetic}
	case kindStar, kindSlash:
		return operator{11, 11, (*parser).arithmetic}
	case kindPercent:
		return operator{11, 11, (*parser).modulo}
	case kindFloorDivide:
		return operator{11, 11, (*parser).intrinsic}
	case kindCaret:
		return operator{14, 13, (*parser).arithmetic}
	}
	return operator{}
}

// expression reads one expression.
func (p *parser) expression() ast.Expr { return p.subexpression(0) }

// subexpression reads an expression as far as its operators bind stronger than
// limit.
func (p *parser) subexpression(limit int) ast.Expr {
	p.deeper()
	lhs := p.unary()
	for {
		op := binary(p.tok.kind)
		if op.left <= limit {
			break
		}
		symbol := p.tok.kind.spelling()
		p.advance()
		lhs = op.build(p, symbol, lhs, p.subexpression(op.right))
	}
	p.leave()
	return lhs
}

func (p *parser) unary() ast.Expr {
	switch p.tok.kind {
	case kindNot:
		p.advance()
		return negate(p.subexpression(unaryPriority))
	case kindMinus:
		p.advance()
		return minus(p.subexpression(unaryPriority))
	case kindHash:
		p.advance()
		operand := p.subexpression(unaryPriority)
		e := &ast.UnaryLenOpExpr{Expr: operand}
		e.SetLine(operand.Line())
		return e
	case kindTilde:
		p.advance()
		operand := p.subexpression(unaryPriority)
		return callIntrinsic(operand.Line(), bitNot, operand)
	}
	return p.simple()
}

// minus is the negative of an expression. Zero has none: the engine keeps one
// constant for 0 and -0.0, so one of them would turn into the other.
func minus(operand ast.Expr) ast.Expr {
	if n, ok := operand.(*ast.NumberExpr); ok && n.Value == "0" {
		return n
	}
	e := &ast.UnaryMinusOpExpr{Expr: operand}
	e.SetLine(operand.Line())
	return e
}

func (p *parser) arithmetic(symbol string, lhs, rhs ast.Expr) ast.Expr {
	e := &ast.ArithmeticOpExpr{Operator: symbol, Lhs: lhs, Rhs: rhs}
	e.SetLine(lhs.Line())
	return e
}

// modulo is %, which the engine has right but for a divisor of zero.
func (p *parser) modulo(symbol string, lhs, rhs ast.Expr) ast.Expr {
	if divisor, ok := numeric(rhs); ok && divisor != 0 {
		return p.arithmetic(symbol, lhs, rhs)
	}
	return p.intrinsic(symbol, lhs, rhs)
}

func (p *parser) intrinsic(symbol string, lhs, rhs ast.Expr) ast.Expr {
	return callIntrinsic(lhs.Line(), binaryIntrinsic(symbol), lhs, rhs)
}

func (p *parser) relational(symbol string, lhs, rhs ast.Expr) ast.Expr {
	p.branches(1)
	e := &ast.RelationalOpExpr{Operator: symbol, Lhs: lhs, Rhs: rhs}
	e.SetLine(lhs.Line())
	return e
}

// simple reads an expression without operators.
func (p *parser) simple() ast.Expr {
	t := p.tok
	var e ast.Expr
	switch t.kind {
	case kindNumber:
		p.constant()
		e = &ast.NumberExpr{Value: t.text}
	case kindString:
		p.constant()
		e = &ast.StringExpr{Value: t.text}
	case kindNil:
		e = &ast.NilExpr{}
	case kindTrue:
		e = &ast.TrueExpr{}
	case kindFalse:
		e = &ast.FalseExpr{}
	case kindDots:
		if !p.fn.vararg {
			p.refuse("cannot use '...' outside a vararg function")
		}
		e = &ast.Comma3Expr{}
	case kindOpenBrace:
		return p.table()
	case kindFunction:
		p.advance()
		f := p.functionBody(&t, false)
		f.SetLine(t.line)
		return f
	default:
		return p.suffixed().node
	}
	e.SetLine(t.line)
	p.advance()
	return e
}

// operand is an expression as it stands before a suffix or =.
type operand struct {
	node ast.Expr
	// name is the variable when the expression is one, for the check of
	// constants.
	name token
	// target says that it can be assigned to, call that it is a statement.
	target, call bool
}

// primary reads a variable or an expression in parentheses.
func (p *parser) primary() operand {
	t := p.tok
	switch t.kind {
	case kindName:
		name := p.variableName()
		return operand{node: p.use(&name), name: name, target: true}
	case kindOpenParen:
		p.advance()
		e := p.expression()
		p.expectClosing(kindCloseParen, &t)
		if call, ok := e.(*ast.FuncCallExpr); !ok || call.AdjustRet || isIntrinsic(e) {
			e.SetLine(t.line) // as the engine's parser does, but for a call
		}
		single(e)
		return operand{node: e}
	}
	p.refuse("unexpected symbol")
	return operand{}
}

// suffixed reads a primary expression and all fields, indexes and calls after it.
func (p *parser) suffixed() operand {
	o := p.primary()
	for {
		switch p.tok.kind {
		case kindDot:
			p.advance()
			name := p.expect(kindName)
			p.constant()
			o = index(o.node, stringNode(name.line, name.text))
		case kindOpenBracket:
			p.advance()
			key := p.expression()
			p.expect(kindCloseBracket)
			o = index(o.node, key)
		case kindColon:
			p.advance()
			method := p.expect(kindName)
			p.constant()
			o = p.call(&ast.FuncCallExpr{Receiver: o.node, Method: method.text}, o.node.Line())
		case kindOpenParen, kindString, kindOpenBrace:
			o = p.call(&ast.FuncCallExpr{Func: o.node}, o.node.Line())
		default:
			return o
		}
	}
}

func index(object, key ast.Expr) operand {
	e := &ast.AttrGetExpr{Object: object, Key: key}
	e.SetLine(object.Line())
	return operand{node: e, target: true}
}

// call reads the arguments of a call.
func (p *parser) call(e *ast.FuncCallExpr, line int) operand {
	t := p.tok
	switch t.kind {
	case kindString, kindOpenBrace:
		e.Args = []ast.Expr{p.simple()}
	case kindOpenParen:
		p.advance()
		e.Args = []ast.Expr{}
		if p.tok.kind != kindCloseParen {
			e.Args = p.expressions()
		}
		p.expectClosing(kindCloseParen, &t)
	default:
		p.refuse("function arguments expected")
	}
	e.SetLine(line)
	return operand{node: e, call: true}
}

// expressions reads one or more expressions with commas between.
func (p *parser) expressions() []ast.Expr {
	list := []ast.Expr{p.expression()}
	for p.accept(kindComma) {
		list = append(list, p.expression())
	}
	return list
}
