package data

import (
	"strings"

	"github.com/dlclark/regexp2"
	lua "github.com/yuin/gopher-lua"
)

func regexClass() class[*regex] {
	haystack := param("subject", "string", "the text to look at, UTF-8 of at most 128 KiB")
	replacement := param("replacement", "string", "the text to put in; $1, $name and ${name} in it stand for groups, $$ for a dollar sign")
	return class[*regex]{
		name: "kumo.Regex",
		doc:  "A regular expression. A method that takes too long on a subject raises an error.",
		methods: []method[*regex]{
			{"captures", "The groups of the first match: by number, 0 being the whole match, and by name. A group that took no part is absent.",
				params(haystack), returns("table<integer|string, string>?", "the groups; nil without a match"), regexCaptures},
			{"is_match", "Whether the expression matches anywhere.",
				params(haystack), returns("boolean", "whether it does"), regexIsMatch},
			{"find", "The first match.",
				params(haystack), returns("string?", "the text that matched; nil without a match"), regexFind},
			{"find_all", "All matches, which do not overlap.",
				params(haystack), returns("string[]", "the texts that matched"), regexFindAll},
			{"replace", "The subject with the first match replaced.",
				params(haystack, replacement), returns("string", "the text that results"),
				func(c *call, r *regex) int { return r.replace(c, 2, 1) }},
			{"replace_all", "The subject with all matches replaced.",
				params(haystack, replacement), returns("string", "the text that results"),
				func(c *call, r *regex) int { return r.replace(c, 2, 0) }},
			{"replacen", "The subject with the first matches replaced.",
				params(haystack, param("limit", "integer", "how many to replace at most; 0 for all"), replacement),
				returns("string", "the text that results"),
				func(c *call, r *regex) int { return r.replace(c, 3, c.integer(2, 0, maxSubject)) }},
			{"split", "The parts of the subject between the matches.",
				params(haystack), returns("string[]", "the parts"), regexSplit},
		},
	}
}

func regexCaptures(c *call, r *regex) int {
	m := r.match(c, 1)
	found := m.next(nil)
	if found == nil {
		return c.push(lua.LNil)
	}
	return c.push(m.captures(found))
}

func regexIsMatch(c *call, r *regex) int {
	return c.push(lua.LBool(r.match(c, 1).next(nil) != nil))
}

func regexFind(c *call, r *regex) int {
	m := r.match(c, 1)
	found := m.next(nil)
	if found == nil {
		return c.push(lua.LNil)
	}
	return c.string(m.text(found.Index, found.Index+found.Length))
}

func regexFindAll(c *call, r *regex) int {
	m := r.match(c, 1)
	var all []string
	for found := m.next(nil); found != nil; found = m.next(found) {
		all = c.another(all, m.text(found.Index, found.Index+found.Length))
	}
	return c.list(all)
}

func regexSplit(c *call, r *regex) int {
	m := r.match(c, 1)
	var parts []string
	last := 0
	for found := m.next(nil); found != nil; found = m.next(found) {
		parts = c.another(parts, m.text(last, found.Index))
		last = found.Index + found.Length
	}
	return c.list(c.another(parts, m.text(last, len(m.subject))))
}

// replace puts the replacement, which is argument n, for the first matches; for
// all if limit is zero.
func (r *regex) replace(c *call, n, limit int) int {
	m := r.match(c, 1)
	parts := r.replacement(c.text(n))
	var out strings.Builder
	last, count := 0, 0
	for found := m.next(nil); found != nil; found = m.next(found) {
		out.WriteString(m.text(last, found.Index))
		m.expand(&out, parts, found)
		c.room(out.Len())
		last = found.Index + found.Length
		if count++; count == limit {
			break
		}
	}
	out.WriteString(m.text(last, len(m.subject)))
	return c.string(out.String())
}

// part is a piece of a replacement: a group if it names one, or text.
type part struct {
	text  string
	group int // -1 for text
}

// replacement reads the text that is put for a match, as the crate regex does: a
// name is as long as it can be, a group that does not exist is empty text, and a
// dollar sign before anything else is itself.
func (r *regex) replacement(text string) []part {
	var parts []part
	literal := func(s string) { parts = append(parts, part{text: s, group: -1}) }
	for {
		before, after, found := strings.Cut(text, "$")
		literal(before)
		if !found {
			return parts
		}
		name, rest := groupName(after)
		switch {
		case strings.HasPrefix(after, "$"):
			literal("$")
			rest = after[1:]
		case name == "":
			literal("$")
			rest = after
		default:
			if number, ok := r.numberOf(name); ok {
				parts = append(parts, part{group: number})
			}
		}
		text = rest
	}
}

// groupName is the name at the beginning of a text, in braces or not.
func groupName(text string) (name, rest string) {
	if strings.HasPrefix(text, "{") {
		if name, rest, closed := strings.Cut(text[1:], "}"); closed {
			return name, rest
		}
		return "", text
	}
	rest = strings.TrimLeftFunc(text, isWordRune)
	return text[:len(text)-len(rest)], rest
}

func isWordRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (m *matching) expand(out *strings.Builder, parts []part, found *regexp2.Match) {
	for _, p := range parts {
		if p.group < 0 {
			out.WriteString(p.text)
		} else if text, matched := m.group(found, p.group); matched {
			out.WriteString(text)
		}
		m.c.room(out.Len())
	}
}
