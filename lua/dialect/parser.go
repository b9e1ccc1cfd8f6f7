package dialect

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// deepestSyntax bounds how deep statements and expressions may stand in each
// other, as LUAI_MAXCCALLS does in Lua 5.4. It bounds the parser's stack.
const deepestSyntax = 200

// parser reads a chunk by recursive descent (Lua 5.4 manual, section 9). An
// error leaves it by panic with an *Error, which Parse catches.
type parser struct {
	lx      *lexer
	tok     token // the token to read next
	ahead   token // the one after it
	looked  bool  // ahead is filled
	depth   int   // of the statement or expression being read
	fn      *function
	watch   *watch // for the functions of the expression being read
	labels  int    // how many names were given to labels
	lookups int    // of constants, which the compiler will have to do
}

// Parse reads a chunk of Lua 5.4 and returns the tree of the same meaning for
// the compiler of gopher-lua, lines set as gopher-lua's own parser sets them.
// The name stands in errors. A byte order mark and a first line that begins
// with # are skipped. The error is an *Error. It keeps nothing of source.
//
// What it returns runs only in a state that Install was called for. Use
// CompileTree to compile it: lua.Compile knows fewer limits.
func Parse(name string, source []byte) (chunk []ast.Stmt, err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case *Error:
			chunk, err = nil, reason
		default:
			panic(reason)
		}
	}()
	p := &parser{lx: newLexer(name, source)}
	p.advance()
	chunk = p.main()
	if deep := tooDeep(chunk); deep != nil {
		return nil, &Error{Name: name, Line: deep.Line(), Message: fmt.Sprintf("expression or statement has more than %d levels", deepestTree)}
	}
	return chunk, nil
}

// main reads the whole chunk: the body of a function with variable arguments.
func (p *parser) main() []ast.Stmt {
	p.fn = &function{vararg: true}
	p.openBlock(false)
	chunk := p.statements()
	if p.tok.kind != kindEnd {
		p.expected(kindEnd)
	}
	p.closeBlock(nil)
	return chunk
}

// advance makes the next token the current one.
func (p *parser) advance() {
	if p.looked {
		p.tok, p.looked = p.ahead, false
		return
	}
	p.lx.next(&p.tok)
}

// peek is the kind of the token after the current one.
func (p *parser) peek() kind {
	if !p.looked {
		p.lx.next(&p.ahead)
		p.looked = true
	}
	return p.ahead.kind
}

// accept takes the current token if it is of the kind.
func (p *parser) accept(k kind) bool {
	if p.tok.kind != k {
		return false
	}
	p.advance()
	return true
}

// expect takes a token of the kind, or refuses the chunk.
func (p *parser) expect(k kind) token {
	t := p.tok
	if t.kind != k {
		p.expected(k)
	}
	p.advance()
	return t
}

// expectClosing takes the token that closes what begin opened, and returns its line.
func (p *parser) expectClosing(k kind, begin *token) int {
	if p.tok.kind != k && begin.line != p.tok.line {
		p.refuse("'%s' expected (to close '%s' at line %d)", k.spelling(), begin.kind.spelling(), begin.line)
	}
	return p.expect(k).line
}

func (p *parser) expected(k kind) {
	switch k {
	case kindName, kindEnd:
		p.refuse("%s expected", k.spelling())
	default:
		p.refuse("'%s' expected", k.spelling())
	}
}

// refuse refuses the chunk at the current token.
func (p *parser) refuse(format string, args ...any) {
	p.lx.fail(&p.tok, p.tok.near(), format, args...)
}

// refuseAt refuses the chunk at a token whose text the message names already.
func (p *parser) refuseAt(t *token, format string, args ...any) {
	p.lx.fail(t, "", format, args...)
}

// deeper is called where a statement or expression begins, leave where it ends.
func (p *parser) deeper() {
	p.depth++
	if p.depth > deepestSyntax {
		p.refuse("chunk has too many syntax levels (limit is %d)", deepestSyntax)
	}
}

func (p *parser) leave() { p.depth-- }

// variableName takes a name that is declared or used as a variable.
func (p *parser) variableName() token {
	t := p.expect(kindName)
	if t.text == "_ENV" {
		p.refuseAt(&t, "_ENV is not supported: the globals of a policy cannot be exchanged")
	}
	return t
}
