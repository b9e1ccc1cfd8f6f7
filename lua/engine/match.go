package engine

import (
	"context"
	"fmt"
)

const (
	// maxCaptures is how many captures a pattern may have (LUA_MAXCAPTURES).
	maxCaptures = 32
	// maxMatchDepth is how deep the matcher calls itself (MAXCCALLS).
	maxMatchDepth = 200
	// stepsPerCheck is how many steps of the matcher go by between two looks at the
	// context: a tenth of a millisecond.
	stepsPerCheck = 4096
)

const (
	// captureUnclosed is the length of a capture whose ")" is yet to come.
	captureUnclosed = -1
	// capturePosition is the length of a capture "()".
	capturePosition = -2
)

type capture struct{ start, length int }

// matcher matches one pattern of the language against one subject (manual, 6.4.1).
// It raises a patternError by panic for a malformed pattern, and contextError when
// the context ends, since backtracking can take exponential time.
type matcher struct {
	ctx      context.Context
	subject  string
	pattern  string
	captures [maxCaptures]capture
	level    int
	depth    int
	steps    int
}

type patternError string

type contextError struct{ err error }

// reset makes the matcher ready for the next start position.
func (m *matcher) reset() { m.level, m.depth = 0, maxMatchDepth }

// step counts work and looks at the context now and then.
func (m *matcher) step() {
	if m.steps++; m.steps < stepsPerCheck {
		return
	}
	m.steps = 0
	if m.ctx == nil {
		return
	}
	if err := m.ctx.Err(); err != nil {
		panic(contextError{err})
	}
}

func malformed(format string, args ...any) {
	panic(patternError(fmt.Sprintf(format, args...)))
}

// match tries the pattern from p on at position s of the subject. It returns the
// end of the match, or -1.
func (m *matcher) match(s, p int) int {
	if m.depth--; m.depth == 0 {
		malformed("pattern too complex")
	}
	defer func() { m.depth++ }()
	for p < len(m.pattern) {
		m.step()
		switch c := m.pattern[p]; {
		case c == '(':
			if p+1 < len(m.pattern) && m.pattern[p+1] == ')' {
				return m.startCapture(s, p+2, capturePosition)
			}
			return m.startCapture(s, p+1, captureUnclosed)
		case c == ')':
			return m.endCapture(s, p+1)
		case c == '$' && p+1 == len(m.pattern):
			if s == len(m.subject) {
				return s
			}
			return -1
		case c == '%' && p+1 < len(m.pattern):
			switch next := m.pattern[p+1]; {
			case next == 'b':
				if s = m.matchBalance(s, p+2); s < 0 {
					return -1
				}
				p += 4
				continue
			case next == 'f':
				if p = m.matchFrontier(s, p+2); p < 0 {
					return -1
				}
				continue
			case isDigit(next):
				if s = m.matchCapture(s, next); s < 0 {
					return -1
				}
				p += 2
				continue
			}
		}
		var end bool
		if s, p, end = m.matchItem(s, p); end {
			return s
		}
	}
	return s
}

// matchItem matches one character class with what repeats it. When that decides
// the whole match, end is true and s the result.
func (m *matcher) matchItem(s, p int) (_, _ int, end bool) {
	ep := m.classEnd(p)
	suffix := byte(0)
	if ep < len(m.pattern) {
		suffix = m.pattern[ep]
	}
	switch suffix {
	case '*':
		return m.maxExpand(s, p, ep), 0, true
	case '+':
		if !m.single(s, p, ep) {
			return -1, 0, true
		}
		return m.maxExpand(s+1, p, ep), 0, true
	case '-':
		return m.minExpand(s, p, ep), 0, true
	case '?':
		if m.single(s, p, ep) {
			if r := m.match(s+1, ep+1); r >= 0 {
				return r, 0, true
			}
		}
		return s, ep + 1, false
	}
	if !m.single(s, p, ep) {
		return -1, 0, true
	}
	return s + 1, ep, false
}

// maxExpand takes as many as there are, then gives back one by one.
func (m *matcher) maxExpand(s, p, ep int) int {
	n := 0
	for m.single(s+n, p, ep) {
		n++
		m.step()
	}
	for ; n >= 0; n-- {
		m.step()
		if r := m.match(s+n, ep+1); r >= 0 {
			return r
		}
	}
	return -1
}

// minExpand takes as few as it can.
func (m *matcher) minExpand(s, p, ep int) int {
	for {
		m.step()
		if r := m.match(s, ep+1); r >= 0 {
			return r
		}
		if !m.single(s, p, ep) {
			return -1
		}
		s++
	}
}

func (m *matcher) startCapture(s, p, what int) int {
	if m.level >= maxCaptures {
		malformed("too many captures")
	}
	m.captures[m.level] = capture{s, what}
	m.level++
	r := m.match(s, p)
	if r < 0 {
		m.level--
	}
	return r
}

func (m *matcher) endCapture(s, p int) int {
	i := m.level - 1
	for ; i >= 0; i-- {
		if m.captures[i].length == captureUnclosed {
			break
		}
	}
	if i < 0 {
		malformed("invalid pattern capture")
	}
	m.captures[i].length = s - m.captures[i].start
	r := m.match(s, p)
	if r < 0 {
		m.captures[i].length = captureUnclosed
	}
	return r
}

// matchBalance is %bxy.
func (m *matcher) matchBalance(s, p int) int {
	if p+1 >= len(m.pattern) {
		malformed("malformed pattern (missing arguments to '%%b')")
	}
	if s >= len(m.subject) || m.subject[s] != m.pattern[p] {
		return -1
	}
	open, shut := m.pattern[p], m.pattern[p+1]
	for depth, i := 1, s+1; i < len(m.subject); i++ {
		m.step()
		switch m.subject[i] {
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		case open:
			depth++
		}
	}
	return -1
}

// matchFrontier is %f[set]: it returns the pattern position after it, or -1.
func (m *matcher) matchFrontier(s, p int) int {
	if p >= len(m.pattern) || m.pattern[p] != '[' {
		malformed("missing '[' after '%%f' in pattern")
	}
	ep := m.classEnd(p)
	before, here := byte(0), byte(0)
	if s > 0 {
		before = m.subject[s-1]
	}
	if s < len(m.subject) {
		here = m.subject[s]
	}
	if !m.inSet(before, p, ep-1) && m.inSet(here, p, ep-1) {
		return ep
	}
	return -1
}

// matchCapture is %1 and so on.
func (m *matcher) matchCapture(s int, digit byte) int {
	i := int(digit) - '1'
	if i < 0 || i >= m.level || m.captures[i].length == captureUnclosed {
		malformed("invalid capture index %%%d", i+1)
	}
	c := m.captures[i]
	if c.length == capturePosition {
		// A position has no text; nothing is that long in the reference either.
		return -1
	}
	text := m.subject[c.start : c.start+c.length]
	m.steps += len(text) / 16
	if len(m.subject)-s >= len(text) && m.subject[s:s+len(text)] == text {
		return s + len(text)
	}
	return -1
}
