package engine

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringGsub is string.gsub: the result is no longer than the limit.
func (m *machine) stringGsub(L *lua.LState) int {
	subject, pattern := checkString(L, 1), checkString(L, 2)
	replacement := L.Get(3)
	switch r := replacement.(type) {
	case lua.LNumber:
		replacement = lua.LString(formatNumber(r))
	case lua.LString, *lua.LTable, *lua.LFunction:
	default:
		typeError(L, 3, "string/function/table")
	}
	limit := optInt(L, 4, int64(len(subject))+1)
	anchor := 0
	if strings.HasPrefix(pattern, "^") {
		anchor = 1
	}
	g := gsub{machine: m, matcher: newMatcher(L, subject, pattern), replacement: replacement}
	n := g.run(L, anchor, limit)
	L.Push(lua.LString(g.out.String()))
	L.Push(lua.LNumber(n))
	return 2
}

// gsub is one run of string.gsub.
type gsub struct {
	*machine
	matcher     *matcher
	replacement lua.LValue
	out         strings.Builder
}

func (g *gsub) run(L *lua.LState, anchor int, limit int64) (replaced int64) {
	subject := g.matcher.subject
	s, last := 0, -1
	for replaced < limit {
		end := g.matcher.try(L, s, anchor)
		switch {
		case end >= 0 && end != last:
			replaced++
			g.write(L, g.replace(L, s, end))
			s, last = end, end
		case s < len(subject):
			g.matcher.tick(L)
			g.write(L, subject[s:s+1])
			s++
		default:
			return replaced
		}
		if anchor == 1 {
			break
		}
	}
	g.write(L, subject[s:])
	return replaced
}

func (g *gsub) write(L *lua.LState, text string) {
	if g.out.Len()+len(text) > g.options.Memory {
		g.refuseLong(L)
	}
	g.out.WriteString(text)
}

// replace is what takes the place of a match.
func (g *gsub) replace(L *lua.LState, start, end int) string {
	whole := g.matcher.subject[start:end]
	var value lua.LValue
	switch r := g.replacement.(type) {
	case lua.LString:
		return g.expand(L, string(r), start, end)
	case *lua.LTable:
		value = L.GetTable(r, g.matcher.value(L, 0, start, end))
	case *lua.LFunction:
		L.Push(r)
		n := g.matcher.pushCaptures(L, start, end, true)
		g.callback(L, n, 1)
		value = L.Get(-1)
		L.Pop(1)
	}
	switch value := value.(type) {
	case lua.LString:
		return string(value)
	case lua.LNumber:
		return formatNumber(value)
	}
	if lua.LVAsBool(value) {
		raisef(L, "invalid replacement value (a %s)", typeName(L, value))
	}
	return whole
}

// expand fills the captures into a replacement string.
func (g *gsub) expand(L *lua.LState, text string, start, end int) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out.WriteByte(text[i])
			continue
		}
		i++
		switch {
		case i < len(text) && text[i] == '%':
			out.WriteByte('%')
		case i < len(text) && text[i] == '0':
			out.WriteString(g.matcher.subject[start:end])
		case i < len(text) && isDigit(text[i]):
			switch v := g.matcher.value(L, int(text[i]-'1'), start, end).(type) {
			case lua.LString:
				out.WriteString(string(v))
			case lua.LNumber:
				out.WriteString(formatNumber(v))
			}
		default:
			raisef(L, "invalid use of '%%' in replacement string")
		}
		if out.Len() > g.options.Memory {
			g.refuseLong(L)
		}
	}
	return out.String()
}
