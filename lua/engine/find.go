package engine

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// newMatcher compiles nothing: patterns are short and matched as they stand.
func newMatcher(L *lua.LState, subject, pattern string) *matcher {
	return &matcher{ctx: L.Context(), subject: subject, pattern: pattern}
}

// guard turns a panic of the matcher into the error of a Lua function. It is
// deferred by whoever calls match.
func guard(L *lua.LState) {
	switch reason := recover().(type) {
	case nil:
	case patternError:
		raisef(L, "%s", string(reason))
	case contextError:
		throw(L, position(L, 1)+reason.err.Error())
	default:
		panic(reason)
	}
}

// try is match at one position, for callers that run Lua code in between and so
// must not defer guard around all of it.
func (m *matcher) try(L *lua.LState, s, p int) int {
	defer guard(L)
	m.reset()
	return m.match(s, p)
}

// tick is step for those callers.
func (m *matcher) tick(L *lua.LState) {
	defer guard(L)
	m.step()
}

// search tries all positions from s on, or only s when the pattern is anchored.
func (m *matcher) search(L *lua.LState, s int) (start, end int) {
	defer guard(L)
	p := 0
	if strings.HasPrefix(m.pattern, "^") {
		p = 1
	}
	for ; s <= len(m.subject); s++ {
		m.reset()
		m.step()
		if e := m.match(s, p); e >= 0 {
			return s, e
		}
		if p == 1 {
			break
		}
	}
	return -1, -1
}

// value is capture i, or the whole match when the pattern has none and i is 0.
func (m *matcher) value(L *lua.LState, i, start, end int) lua.LValue {
	if i >= m.level {
		if i != 0 {
			raisef(L, "invalid capture index %%%d", i+1)
		}
		return lua.LString(m.subject[start:end])
	}
	switch c := m.captures[i]; c.length {
	case capturePosition:
		return lua.LNumber(c.start + 1)
	case captureUnclosed:
		raisef(L, "unfinished capture")
		return nil
	default:
		return lua.LString(m.subject[c.start : c.start+c.length])
	}
}

// pushCaptures pushes all captures; the whole match stands for none if wanted.
func (m *matcher) pushCaptures(L *lua.LState, start, end int, whole bool) int {
	n := m.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		L.Push(m.value(L, i, start, end))
	}
	return n
}

// startAt makes a position counted from either end one from the start, 0-based and
// at least 0.
func startAt(i int64, length int) int {
	switch {
	case i > 0:
		return int(min(i-1, int64(length)+1))
	case i == 0 || i < -int64(length):
		return 0
	}
	return length + int(i)
}

const specials = "^$*+?.([%-"

func stringFind(L *lua.LState) int  { return findOrMatch(L, true) }
func stringMatch(L *lua.LState) int { return findOrMatch(L, false) }

func findOrMatch(L *lua.LState, find bool) int {
	subject, pattern := checkString(L, 1), checkString(L, 2)
	init := startAt(optInt(L, 3, 1), len(subject))
	if init > len(subject) {
		L.Push(lua.LNil)
		return 1
	}
	if find && (lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(pattern, specials)) {
		i := strings.Index(subject[init:], pattern)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(init + i + 1))
		L.Push(lua.LNumber(init + i + len(pattern)))
		return 2
	}
	m := newMatcher(L, subject, pattern)
	start, end := m.search(L, init)
	if start < 0 {
		L.Push(lua.LNil)
		return 1
	}
	if !find {
		return m.pushCaptures(L, start, end, true)
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	return 2 + m.pushCaptures(L, start, end, false)
}

// stringGmatch returns an iterator. An anchor has no meaning here: "^" matches
// itself.
func stringGmatch(L *lua.LState) int {
	subject, pattern := checkString(L, 1), checkString(L, 2)
	position := startAt(optInt(L, 3, 1), len(subject))
	last := -1
	m := newMatcher(L, subject, pattern)
	L.Push(L.NewFunction(func(L *lua.LState) int {
		m.ctx = L.Context()
		for ; position <= len(subject); position++ {
			m.tick(L)
			if end := m.try(L, position, 0); end >= 0 && end != last {
				start := position
				position, last = end, end
				return m.pushCaptures(L, start, end, true)
			}
		}
		return 0
	}))
	return 1
}
