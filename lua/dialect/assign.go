package dialect

import (
	"github.com/yuin/gopher-lua/ast"
)

// localStatement reads what begins with local.
func (p *parser) localStatement() ast.Stmt {
	line := p.expect(kindLocal).line
	if p.tok.kind == kindFunction {
		begin := p.tok
		p.advance()
		name := p.variableName()
		p.declare(&name, regular)
		f := p.functionBody(&begin, false)
		s := localNode(line, engineName(name.text, true), f)
		s.SetLastLine(f.LastLine())
		return s
	}
	return p.localVariables(line)
}

// watch looks for a name in the functions of an expression that declares it.
type watch struct {
	name string
	used bool // as a variable from outside of the function
}

func (p *parser) localVariables(line int) ast.Stmt {
	s := &ast.LocalAssignStmt{Exprs: []ast.Expr{}}
	s.SetLine(line)
	var names []token
	var attributes []attribute
	for {
		name := p.variableName()
		names = append(names, name)
		attributes = append(attributes, p.attribute(&name))
		s.Names = append(s.Names, engineName(name.text, true))
		if !p.accept(kindComma) {
			break
		}
	}
	if p.accept(kindAssign) {
		outer := p.watch
		seen := &watch{name: names[0].text}
		p.watch = seen
		s.Exprs = p.expressions()
		p.watch = outer
		// Of a local that is one function the engine makes a local function,
		// which sees itself. A second value, dropped, keeps it from that.
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok && len(s.Names) == 1 && len(s.Exprs) == 1 && seen.used {
			s.Exprs = append(s.Exprs, nilNode(line))
		}
	}
	for i := range names {
		p.declare(&names[i], attributes[i])
	}
	return s
}

// attribute reads what may stand in <> after a local's name.
func (p *parser) attribute(name *token) attribute {
	if !p.accept(kindLess) {
		return regular
	}
	word := p.expect(kindName)
	p.expect(kindGreater)
	switch word.text {
	case "const":
		return constant
	case "close":
		p.refuseAt(&word, "variable '%s' cannot be <close> here: close it yourself, with pcall around what may fail", name.text)
	}
	p.refuseAt(&word, "unknown attribute '%s'", word.text)
	return regular
}

// expressionStatement reads an assignment or a call.
func (p *parser) expressionStatement() ast.Stmt {
	first := p.suffixed()
	if p.tok.kind == kindAssign || p.tok.kind == kindComma {
		return p.assignment(first)
	}
	if !first.call {
		p.refuse("syntax error")
	}
	s := &ast.FuncCallStmt{Expr: first.node}
	s.SetLine(first.node.Line())
	return s
}

func (p *parser) assignment(first operand) ast.Stmt {
	p.checkTarget(&first)
	targets := []ast.Expr{first.node}
	for p.accept(kindComma) {
		next := p.suffixed()
		p.checkTarget(&next)
		targets = append(targets, next.node)
	}
	p.expect(kindAssign)
	values := p.expressions()
	if len(targets) == 1 && len(values) == 1 {
		return p.assignOne(&first, values[0])
	}
	return assignMany(targets, values)
}

func (p *parser) checkTarget(o *operand) {
	if !o.target {
		p.refuse("syntax error")
	}
	if o.name.text != "" {
		p.assignable(&o.name)
	}
}

// assignOne is an assignment to one target, where one value is taken anyway.
//
// The engine evaluates some expressions in the register of the local they are
// assigned to. Of a call in parentheses the arguments may still be needed there;
// so the parentheses, which change nothing, go. An and or or leaves the old value
// there when an operand that is not the last decides; so it gets a register.
func (p *parser) assignOne(target *operand, value ast.Expr) ast.Stmt {
	line := target.node.Line()
	switch e := value.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = false
	case *ast.Comma3Expr:
		e.AdjustRet = false
	case *ast.LogicalOpExpr:
		if p.ownLocal(&target.name) {
			return assignMany([]ast.Expr{target.node}, []ast.Expr{value})
		}
	}
	return assignNode(line, target.node, value)
}

// assignMany is an assignment to several targets. The engine assigns some before
// it has read all, so that a, b = b, a loses a value. Here all is read into
// locals first, and then assigned from the last to the first as Lua does.
func assignMany(targets, values []ast.Expr) ast.Stmt {
	line := targets[0].Line()
	var list []ast.Stmt
	hold := func(e ast.Expr, name string) ast.Expr {
		switch e.(type) {
		case *ast.StringExpr, *ast.NumberExpr:
			return e
		}
		list = append(list, localNode(e.Line(), name, e))
		return ident(e.Line(), name)
	}
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = hiddenValue + itoa(i) + ")"
		if field, ok := target.(*ast.AttrGetExpr); ok {
			field.Object = hold(field.Object, hiddenObject+itoa(i)+")")
			field.Key = hold(field.Key, hiddenKey+itoa(i)+")")
		}
	}
	s := &ast.LocalAssignStmt{Names: names, Exprs: values}
	s.SetLine(line)
	list = append(list, s)
	for i := len(targets) - 1; i >= 0; i-- {
		list = append(list, assignNode(targets[i].Line(), targets[i], ident(targets[i].Line(), names[i])))
	}
	block := &ast.DoBlockStmt{Stmts: list}
	setLines(block, line, line)
	return block
}
