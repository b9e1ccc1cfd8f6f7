package dialect

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// label is a label that can be jumped to from where the parser is.
type label struct {
	name   string
	line   int
	engine string // its name in the tree, which no other label has
	active int    // how many locals are in scope there
}

// jump is a break, or a goto whose label was not seen yet.
//
// It stands in the tree as a block, which is filled when the label is known.
type jump struct {
	at       token // the label's name of a goto, the word break of a break
	loop     bool  // a break
	node     *ast.DoBlockStmt
	active   int  // how many locals are in scope where it goes, as far as known
	captured bool // it leaves a block with a local that a function uses
}

// newJump adds a jump to those that wait for their label.
func (p *parser) newJump(at token, line int, loop bool) *ast.DoBlockStmt {
	p.branches(1)
	j := &jump{at: at, loop: loop, node: &ast.DoBlockStmt{}, active: len(p.fn.active)}
	setLines(j.node, line, line)
	p.fn.jumps = append(p.fn.jumps, j)
	return j.node
}

// breakStatement reads a break.
func (p *parser) breakStatement() ast.Stmt {
	at := p.expect(kindBreak)
	return p.newJump(at, at.line, true)
}

// gotoStatement reads a goto.
func (p *parser) gotoStatement() ast.Stmt {
	line := p.expect(kindGoto).line
	name := p.expect(kindName)
	p.branches(1)
	for i := range p.fn.labels {
		if l := &p.fn.labels[i]; l.name == name.text {
			node := &ast.DoBlockStmt{Stmts: jumpTo(line, l.engine, p.skipped(&name, l))}
			setLines(node, line, line)
			return node
		}
	}
	return p.newJump(name, line, false)
}

// skipped is the name of a local that a goto back to a label leaves, declared
// in the block of that label: the engine must know it as used by a function, so
// that each round has variables of its own. Empty when there is none.
func (p *parser) skipped(at *token, l *label) string {
	f := p.fn
	inBlock := len(f.blocks) - 1
	for inBlock > 0 && f.blocks[inBlock].firstLabel > f.labelIndex(l) {
		inBlock--
	}
	if f.blocks[inBlock].captured {
		return "" // it knows already
	}
	hidden := false
	for _, v := range f.active[l.active:] {
		if v.block != inBlock {
			continue
		}
		if found, _ := p.find(v.name); found.block == inBlock {
			return engineName(v.name, true)
		}
		hidden = true
	}
	if hidden {
		p.refuseAt(at, "goto '%s' jumps back over locals that all have namesakes here: rename one", at.text)
	}
	return ""
}

func (f *function) labelIndex(l *label) int {
	for i := range f.labels {
		if &f.labels[i] == l {
			return i
		}
	}
	return -1
}

// labelStatement reads a label. Labels and semicolons that follow are read
// first: with nothing after them in the block, no local is in scope at it.
func (p *parser) labelStatement() []ast.Stmt {
	line := p.expect(kindDoubleColon).line
	name := p.expect(kindName)
	p.expect(kindDoubleColon)
	f := p.fn
	for i := range f.labels {
		if f.labels[i].name == name.text {
			p.refuseAt(&name, "label '%s' already defined on line %d", name.text, f.labels[i].line)
		}
	}
	// It counts as seen for what follows, so that a second one is refused.
	f.labels = append(f.labels, label{name: name.text, line: line, engine: p.labelName(), active: len(f.active)})
	own := len(f.labels) - 1
	list := []ast.Stmt{labelNode(line, f.labels[own].engine)}
	for p.tok.kind == kindSemicolon || p.tok.kind == kindDoubleColon {
		list = p.statement(list)
	}
	l := &f.labels[own]
	b := &f.blocks[len(f.blocks)-1]
	if p.blockEnds() && p.tok.kind != kindUntil {
		l.active = b.firstActive
	}
	p.land(l, b.firstJump)
	return list
}

// land completes the jumps to a label from the block it stands in.
func (p *parser) land(l *label, first int) {
	f := p.fn
	waiting := f.jumps[:first]
	for _, j := range f.jumps[first:] {
		if j.loop || j.at.text != l.name {
			waiting = append(waiting, j)
			continue
		}
		if j.active < l.active {
			p.refuseAt(&j.at, "<goto %s> at line %d jumps into the scope of local '%s'", l.name, j.at.line, f.active[j.active].name)
		}
		j.node.Stmts = jumpTo(j.node.Line(), l.engine, "")
	}
	f.jumps = waiting
}

// closeBlock ends the innermost block. A loop's own statement is given, and
// what stands for it in the tree is returned.
func (p *parser) closeBlock(loop ast.Stmt) ast.Stmt {
	f := p.fn
	b := f.blocks[len(f.blocks)-1]
	f.blocks = f.blocks[:len(f.blocks)-1]
	f.active = f.active[:b.firstActive]
	f.labels = f.labels[:b.firstLabel]
	for _, j := range f.jumps[b.firstJump:] {
		j.active = min(j.active, b.firstActive)
		j.captured = j.captured || b.captured
	}
	switch {
	case b.loop:
		return p.breaks(loop, b.firstJump)
	case len(f.blocks) == 0 && len(f.jumps) > 0:
		p.nowhere(f.jumps[0])
	}
	return loop
}

// nowhere refuses a jump without a label.
func (p *parser) nowhere(j *jump) {
	if j.loop {
		p.refuseAt(&j.at, "break outside loop at line %d", j.at.line)
	}
	p.refuseAt(&j.at, "no visible label '%s' for <goto> at line %d", j.at.text, j.at.line)
}

// breaks completes the breaks of a loop.
//
// The engine's own break leaves variables of the blocks inside the loop open
// that functions use, and they then share what comes to stand in their place.
// Its goto closes them, so such a break becomes one, to a label after the loop.
func (p *parser) breaks(loop ast.Stmt, first int) ast.Stmt {
	f := p.fn
	waiting := f.jumps[:first]
	after := ""
	for _, j := range f.jumps[first:] {
		line := j.node.Line()
		switch {
		case !j.loop:
			waiting = append(waiting, j)
		case !j.captured:
			j.node.Stmts = []ast.Stmt{padding(line), breakNode(line)}
		default:
			if after == "" {
				after = p.labelName()
			}
			j.node.Stmts = jumpTo(line, after, "")
		}
	}
	f.jumps = waiting
	if after == "" {
		return loop
	}
	around := &ast.DoBlockStmt{Stmts: []ast.Stmt{loop, labelNode(loop.LastLine(), after)}}
	setLines(around, loop.Line(), loop.LastLine())
	return around
}

// jumpTo is the block of a goto.
//
// The engine's goto closes every variable of the function that is used by
// another function, those that stay in scope too, unless the block it leaves
// has such a variable. So it leaves a block that has one: a local that a
// function uses which never runs. The name, if any, is of another local to mark
// so.
func jumpTo(line int, label, also string) []ast.Stmt {
	uses := []ast.Expr{ident(line, hiddenJump)}
	if also != "" {
		uses = append(uses, ident(line, also))
	}
	result := &ast.ReturnStmt{Exprs: uses}
	result.SetLine(line)
	never := &ast.FunctionExpr{ParList: &ast.ParList{Names: []string{}}, Stmts: []ast.Stmt{result}}
	setLines(never, line, line)
	target := &ast.GotoStmt{Label: label}
	target.SetLine(line)
	return []ast.Stmt{padding(line), target, localNode(line, hiddenNever, never)}
}

// padding is a statement without effect. The engine's compiler mistakes where a
// backward jump goes when the instruction there is a jump too, as it is for a
// loop that begins with break, so no jump comes first.
func padding(line int) ast.Stmt { return localNode(line, hiddenJump, nilNode(line)) }

// labelName is a name for a label that no other one of the chunk has.
func (p *parser) labelName() string {
	p.label()
	p.labels++
	return "(label " + strconv.Itoa(p.labels) + ")"
}

func labelNode(line int, name string) ast.Stmt {
	l := &ast.LabelStmt{Name: name}
	l.SetLine(line)
	return l
}

func breakNode(line int) ast.Stmt {
	b := &ast.BreakStmt{}
	b.SetLine(line)
	return b
}
