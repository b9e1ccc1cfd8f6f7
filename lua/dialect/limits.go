package dialect

// counts is what the parser counts in a function, because the engine's compiler
// does not bound it.
type counts struct {
	targets    int // places to jump to
	labelCount int // with those that the tree has and the chunk has not
	constants  int // numbers, strings and names of globals and fields
}

const (
	// mostTargets is how many places to jump to an instruction can tell apart.
	mostTargets = 1<<17 - 1
	// mostLabels bounds the compiler's time, which grows with the gotos for each.
	mostLabels = 1 << 10
	// mostLookups bounds the compiler's time, to some seconds: it looks for each
	// constant of a function among all that came before. It is reached by one
	// function with 46,000 constants.
	mostLookups = 1 << 30
)

// branches counts places to jump to.
func (p *parser) branches(n int) {
	p.fn.targets += n
	if p.fn.targets > mostTargets {
		p.refuseAt(&p.tok, "too many branches in %s", p.fn.title())
	}
}

// label counts a label.
func (p *parser) label() {
	p.branches(1)
	p.fn.labelCount++
	if p.fn.labelCount > mostLabels {
		p.refuseAt(&p.tok, "too many labels in %s (limit is %d)", p.fn.title(), mostLabels)
	}
}

// constant counts a constant.
func (p *parser) constant() {
	p.lookups += p.fn.constants
	p.fn.constants++
	if p.lookups > mostLookups {
		p.refuseAt(&p.tok, "too many constants in %s: keep data in a file", p.fn.title())
	}
}
