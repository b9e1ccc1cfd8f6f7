package dialect

import (
	"github.com/yuin/gopher-lua/ast"
)

// mostLocals is how many locals may be active in a function, as in Lua 5.4.
const mostLocals = 200

// attribute is what stands in <> after a local's name.
type attribute uint8

const (
	regular attribute = iota
	constant
)

// function is what the parser knows of a function whose body it reads.
type function struct {
	outer  *function
	vararg bool
	line   int // where it begins, 0 for the chunk
	counts
	active []variable
	blocks []block
	labels []label
	jumps  []*jump // those whose label was not seen yet
	watch  *watch  // for the local that the function may become, nil for none
}

// variable is a local in scope.
type variable struct {
	name      string
	attribute attribute
	block     int // index of its block in the function
}

// block is a block that is open.
type block struct {
	loop        bool
	captured    bool // a function in it uses a local of it
	firstActive int  // index of its first local
	firstLabel  int
	firstJump   int
}

func (p *parser) openBlock(loop bool) {
	f := p.fn
	f.blocks = append(f.blocks, block{
		loop:        loop,
		firstActive: len(f.active),
		firstLabel:  len(f.labels),
		firstJump:   len(f.jumps),
	})
}

// declare brings a local into scope.
func (p *parser) declare(name *token, a attribute) { p.declareHidden(name, name.text, a) }

// declareHidden is declare for a local that the text does not name where it
// stands, such as self. An error points at the token.
func (p *parser) declareHidden(at *token, name string, a attribute) {
	f := p.fn
	if len(f.active) >= mostLocals {
		p.refuseAt(at, "too many local variables (limit is %d) in %s", mostLocals, f.title())
	}
	f.active = append(f.active, variable{name: name, attribute: a, block: len(f.blocks) - 1})
}

// find is the local of that name in scope, and the function that has it. Both
// are nil for a global.
func (p *parser) find(name string) (*variable, *function) {
	for f := p.fn; f != nil; f = f.outer {
		for i := len(f.active) - 1; i >= 0; i-- {
			if f.active[i].name == name {
				return &f.active[i], f
			}
		}
	}
	return nil, nil
}

// use is the expression for a variable that is read or assigned to.
func (p *parser) use(name *token) *ast.IdentExpr {
	v, f := p.find(name.text)
	if v == nil {
		p.constant()
		p.checkArg(name)
	}
	if v != nil && f != p.fn {
		f.blocks[v.block].captured = true
	}
	for inner := p.fn; inner != f; inner = inner.outer {
		if inner.watch != nil && inner.watch.name == name.text {
			inner.watch.used = true
		}
	}
	e := &ast.IdentExpr{Value: engineName(name.text, v != nil)}
	e.SetLine(name.line)
	return e
}

// ownLocal reports whether a variable is a local of the function being read. A
// token without text is none.
func (p *parser) ownLocal(name *token) bool {
	if name.text == "" {
		return false
	}
	_, f := p.find(name.text)
	return f == p.fn
}

// assignable refuses to assign to a constant.
func (p *parser) assignable(name *token) {
	if v, _ := p.find(name.text); v != nil && v.attribute != regular {
		p.refuseAt(name, "attempt to assign to const variable '%s'", name.text)
	}
}

// engineName is what a variable is called in the tree. The engine gives each
// function with ... a local arg of its own, as Lua 5.0 did, so a policy's local
// of that name needs another.
func engineName(name string, local bool) string {
	if local && name == "arg" {
		return "(arg)"
	}
	return name
}

// checkArg refuses the global arg where the engine's own local hides it.
func (p *parser) checkArg(name *token) {
	if name.text != "arg" {
		return
	}
	for f := p.fn; f.outer != nil; f = f.outer {
		if f.vararg {
			p.refuseAt(name, "the global 'arg' cannot be used in a function with '...': keep it in a local outside")
		}
	}
}

// title names the function in a message.
func (f *function) title() string {
	if f.outer == nil {
		return "main function"
	}
	return "function at line " + itoa(f.line)
}
