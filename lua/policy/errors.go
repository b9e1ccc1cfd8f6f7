package policy

import (
	"slices"
	"strings"
)

// Error is one thing that is wrong with a policy.
type Error struct {
	// Position is where: the line of the key when the parameters are written out
	// in the call, else the line of the call. Line is 0 when it concerns the file
	// as a whole, or a flag.
	Position Position
	// Function is the Lua function that refused, as the policy spells it, or the
	// flag; empty for errors of the language and of the file.
	Function string
	// Key is the parameter, for instance "tcp_keepalive.time", or empty.
	Key string
	// Msg says what was expected and what was got. It never holds a secret.
	Msg string
	// Traceback is the Lua call stack of a runtime error, or empty.
	Traceback string
	// Err is the cause when there is one, such as fs.ErrNotExist or
	// context.DeadlineExceeded.
	Err error
}

// Error is file:line, the function and the message, and below them the traceback.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Position.String())
	b.WriteString(": ")
	if e.Function != "" {
		b.WriteString(e.Function)
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	if e.Traceback != "" {
		b.WriteString("\n")
		b.WriteString(e.Traceback)
	}
	return b.String()
}

// Unwrap gives the cause, so that errors.Is sees it.
func (e *Error) Unwrap() error { return e.Err }

// Errors is what every failed load returns: at least one Error, in the order of
// the file. errors.As finds the first *Error in it, errors.Is looks at all.
type Errors []*Error

// Error is one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single errors to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// mistakes gathers what is wrong in one call, so that all of it is reported at
// once and in the order in which it is written.
type mistakes struct {
	list []mistake
}

// mistake is an Error and its place among the keys of the call; -1 comes first.
type mistake struct {
	err *Error
	seq int
}

func (m *mistakes) add(err *Error, seq int) { m.list = append(m.list, mistake{err, seq}) }

// errors returns nil when there was no mistake.
func (m *mistakes) errors() Errors {
	slices.SortStableFunc(m.list, func(a, b mistake) int { return a.seq - b.seq })
	var all Errors
	for _, one := range m.list {
		all = append(all, one.err)
	}
	return all
}
