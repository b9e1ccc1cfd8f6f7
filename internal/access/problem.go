package access

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with rules.
type Problem struct {
	// Key leads to the value, such as acl."http_listener"[1].identity, counted from
	// one; empty for the whole.
	Key string
	// Line of the file, from one; 0 when there is no file.
	Line int
	// Why says what was expected and what was got.
	Why string
}

// Problems is the error about rules: at least one Problem, in the order in which
// they stand there.
type Problems struct {
	// Name of the file or source; empty when there is none.
	Name string
	List []Problem
}

// mostProblems is how many are reported: a file may be long, and of another form.
const mostProblems = 10

// Error is a line for each problem.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		var b strings.Builder
		if p.Name != "" {
			b.WriteString(p.Name)
			if one.Line > 0 {
				fmt.Fprintf(&b, ":%d", one.Line)
			}
			b.WriteString(": ")
		}
		if one.Key != "" {
			b.WriteString(one.Key + ": ")
		}
		b.WriteString(one.Why)
		lines[i] = b.String()
	}
	return strings.Join(lines, "\n")
}
