package data

import (
	"strings"
	"unicode/utf8"
)

// splitter is one of the four ways to split at a text.
func splitter(name, doc string, limited, fromEnd bool) function {
	f := function{
		name:    name,
		doc:     doc + " An empty separator stands before every character and at the end.",
		results: returns("string[]", "the parts"),
	}
	f.params = params(param("s", "string", "the string"))
	if limited {
		f.params = append(f.params, param("limit", "integer", "how many parts at most"))
	}
	f.params = append(f.params, param("separator", "string", "the text between the parts"))
	f.do = func(c *call) int {
		s, limit := c.text(1), -1
		if limited {
			limit = c.integer(2, 0, maxBytes)
		}
		cut := cutFirst
		if fromEnd {
			cut = cutLast
		}
		return c.list(c.split(s, c.text(len(f.params)), limit, cut))
	}
	return f
}

// cutter takes the next part off a string. Fresh says that nothing was taken off
// yet, without which an empty separator would be found at the same place for ever.
type cutter func(s, separator string, fresh bool) (part, rest string, found bool)

func (c *call) split(s, separator string, limit int, cut cutter) []string {
	var parts []string
	for limit < 0 || len(parts) < limit-1 {
		part, rest, found := cut(s, separator, len(parts) == 0)
		if !found {
			break
		}
		parts, s = c.another(parts, part), rest
	}
	if limit == 0 {
		return parts
	}
	return c.another(parts, s)
}

func cutFirst(s, separator string, fresh bool) (part, rest string, found bool) {
	switch {
	case separator != "":
		return strings.Cut(s, separator)
	case fresh:
		return "", s, true
	case s == "":
		return "", "", false
	}
	_, size := utf8.DecodeRuneInString(s)
	return s[:size], s[size:], true
}

func cutLast(s, separator string, fresh bool) (part, rest string, found bool) {
	switch {
	case separator != "":
		i := strings.LastIndex(s, separator)
		if i < 0 {
			return s, "", false
		}
		return s[i+len(separator):], s[:i], true
	case fresh:
		return "", s, true
	case s == "":
		return "", "", false
	}
	_, size := utf8.DecodeLastRuneInString(s)
	return s[len(s)-size:], s[:len(s)-size], true
}
