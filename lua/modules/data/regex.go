package data

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
	"github.com/dlclark/regexp2/syntax"
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const (
	maxPattern = 64 << 10 // bytes of a pattern
	// maxSubject is how many bytes a regular expression may look at: one that
	// backtracks can keep half a kilobyte for each.
	maxSubject = 128 << 10
	// longestMatch ends a match where the state has no earlier deadline.
	longestMatch = 5 * time.Second
)

// regex is a compiled pattern. It belongs to one state, since its time limit is a
// field of the expression.
type regex struct {
	expr  *regexp2.Regexp
	names []string // of the groups, by number; empty for those without
}

func regexModule() spec.Module {
	return module("kumo.regex", "Regular expressions in the syntax of the Rust crates regex and fancy-regex: as in Perl, with look-around and references to groups. Not taken are classes inside classes, the class operators && -- ~~, possessive quantifiers and \\K.",
		[]function{
			{
				name:    "compile",
				doc:     "Reads a pattern.",
				params:  params(param("pattern", "string", "the pattern; in a Lua string each backslash in it is written twice")),
				results: returns("kumo.Regex", "the expression"),
				do:      compileRegex,
			},
			{
				name:    "escape",
				doc:     "A pattern that matches a text and nothing else.",
				params:  params(param("text", "string", "the text")),
				results: returns("string", "the pattern"),
				do: func(c *call) int {
					text := c.text(1)
					c.room(2 * len(text))
					return c.string(escapePattern(text))
				},
			},
		}, regexClass().spec())
}

func escapePattern(text string) string {
	out := make([]byte, 0, len(text))
	for _, b := range []byte(text) {
		if isPatternSign(b) {
			out = append(out, '\\')
		}
		out = append(out, b)
	}
	return string(out)
}

func isPatternSign(b byte) bool {
	switch b {
	case '\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$', '#', '&', '-', '~':
		return true
	}
	return false
}

func compileRegex(c *call) int {
	pattern := c.text(1)
	if len(pattern) > maxPattern {
		c.bad(1, "longer than %d KiB", maxPattern>>10)
	}
	r, err := newRegex(pattern)
	if err != nil {
		c.bad(1, "not a regular expression: %s", err)
	}
	return c.push(newObject(c.L, r, "kumo.Regex", regexClass))
}

func newRegex(pattern string) (*regex, error) {
	t, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	expr, err := regexp2.Compile(t.pattern, regexp2.None)
	if err != nil {
		// Its own text shows the pattern as translated, which nobody has written.
		var bad *syntax.Error
		if errors.As(err, &bad) {
			err = errors.New(patternReason(bad))
		}
		return nil, err
	}
	return &regex{expr: expr, names: t.names}, nil
}

func patternReason(bad *syntax.Error) string {
	plain := syntax.Error{Code: bad.Code, Args: bad.Args}
	text := plain.Error()
	const before, after = "error parsing regexp: ", " in ``"
	return text[len(before) : len(text)-len(after)]
}

// matching is one use of an expression on one subject.
type matching struct {
	c       *call
	r       *regex
	subject []rune
	end     time.Time
}

// match prepares the subject, which is argument n.
func (r *regex) match(c *call, n int) *matching {
	subject := c.text(n)
	if len(subject) > maxSubject {
		c.bad(n, "longer than %d KiB", maxSubject>>10)
	}
	if !utf8.ValidString(subject) {
		c.bad(n, "not UTF-8")
	}
	end := time.Now().Add(longestMatch)
	if deadline, ok := c.ctx().Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	return &matching{c: c, r: r, subject: []rune(subject), end: end}
}

// next is the first match behind another, or the first of all; nil if there is none.
func (m *matching) next(after *regexp2.Match) *regexp2.Match {
	m.c.alive()
	m.r.expr.MatchTimeout = max(time.Until(m.end), 1)
	var found *regexp2.Match
	var err error
	if after == nil {
		found, err = m.r.expr.FindRunesMatch(m.subject)
	} else {
		found, err = m.r.expr.FindNextMatch(after)
	}
	// The error of the library holds the subject. There is one kind of them.
	if err != nil {
		m.c.fail("the expression took too long on this subject")
	}
	return found
}

// text is a stretch of the subject.
func (m *matching) text(from, to int) string { return string(m.subject[from:to]) }

// group is what a group has matched.
func (m *matching) group(found *regexp2.Match, number int) (text string, matched bool) {
	g := found.GroupByNumber(number)
	if g == nil || len(g.Captures) == 0 {
		return "", false
	}
	return m.text(g.Index, g.Index+g.Length), true
}

// captures is a match as a table: groups by number, zero being the whole match,
// and by name.
func (m *matching) captures(found *regexp2.Match) lua.LValue {
	t := m.c.L.NewTable()
	for number, name := range m.r.names {
		text, matched := m.group(found, number)
		if !matched {
			continue
		}
		t.RawSetInt(number, lua.LString(text))
		if name != "" {
			t.RawSetString(name, lua.LString(text))
		}
	}
	return t
}
