package dialect

import (
	"github.com/yuin/gopher-lua/ast"
)

// table reads a table constructor.
func (p *parser) table() ast.Expr {
	begin := p.expect(kindOpenBrace)
	t := &ast.TableExpr{Fields: []*ast.Field{}}
	t.SetLine(begin.line)
	for p.tok.kind != kindCloseBrace {
		t.Fields = append(t.Fields, p.field())
		if !p.accept(kindComma) && !p.accept(kindSemicolon) {
			break
		}
	}
	p.expectClosing(kindCloseBrace, &begin)
	e := inBatches(t)
	if last := len(t.Fields) - 1; last > 0 && t.Fields[last].Key != nil {
		// The engine takes it for many values and stores what it finds behind
		// the positional fields.
		single(t.Fields[last].Value)
	}
	return e
}

func (p *parser) field() *ast.Field {
	switch {
	case p.tok.kind == kindName && p.peek() == kindAssign:
		name := p.expect(kindName)
		p.constant()
		p.expect(kindAssign)
		return &ast.Field{Key: stringNode(name.line, name.text), Value: p.expression()}
	case p.tok.kind == kindOpenBracket:
		p.advance()
		key := p.expression()
		p.expect(kindCloseBracket)
		p.expect(kindAssign)
		return &ast.Field{Key: key, Value: p.expression()}
	}
	return &ast.Field{Value: p.expression()}
}

// The engine stores positional fields in batches. It loses count when a field
// with a key, or a last field of many values, follows on a full batch, and after
// mostBatches.
const (
	batch       = 50
	mostBatches = 511
)

// inBatches works around that: from where the count would be lost, fields get
// their position as a key, and a last field of many values is added by a call.
func inBatches(t *ast.TableExpr) ast.Expr {
	last := len(t.Fields) - 1
	if last < batch {
		return t
	}
	positional, from := 0, -1
	for i, f := range t.Fields {
		full := positional > 0 && positional%batch == 0
		many := i == last && f.Key == nil && isMany(f.Value)
		if full && (f.Key != nil || many || positional == batch*mostBatches) {
			from = positional
			break
		}
		if f.Key == nil {
			positional++
		}
	}
	if from < 0 {
		return t
	}
	return withKeys(t, from-1)
}

// withKeys gives the positional fields after the first keep ones their keys.
func withKeys(t *ast.TableExpr, keep int) ast.Expr {
	last := t.Fields[len(t.Fields)-1]
	many := last.Key == nil && isMany(last.Value)
	if many {
		t.Fields = t.Fields[:len(t.Fields)-1]
	}
	positional := 0
	for _, f := range t.Fields {
		if f.Key != nil {
			continue
		}
		positional++
		if positional > keep {
			f.Key = numberNode(f.Value.Line(), itoa(positional))
		}
	}
	if !many {
		return t
	}
	return callIntrinsic(t.Line(), tableTail, t, numberNode(t.Line(), itoa(positional)), last.Value)
}
