package data

import (
	"strings"
	"unicode"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

func stringModule() spec.Module {
	m := module("kumo.string", "Strings without the patterns of the string library: what is sought is sought as it is written.", append([]function{
		replaceFunction(), replaceNFunction(),
		splitter("split", "The parts between separators.", false, false),
		splitter("splitn", "At most limit parts between separators; the last is the rest.", true, false),
		splitter("rsplit", "The parts between separators, from the end.", false, true),
		splitter("rsplitn", "At most limit parts between separators, from the end; the last is the rest.", true, true),
		fieldsFunction("split_whitespace", "The words between blanks, as Unicode has them.", unicode.IsSpace),
		fieldsFunction("split_ascii_whitespace", "The words between blanks, tabs, line feeds, form feeds and carriage returns.", isASCIISpace),
		tester("starts_with", "Whether a string begins with another.", strings.HasPrefix),
		tester("ends_with", "Whether a string ends with another.", strings.HasSuffix),
		trimmer("trim", "A string without the blanks at both ends, as Unicode has them.", strings.TrimSpace),
		trimmer("trim_start", "A string without the blanks at its beginning.",
			func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }),
		trimmer("trim_end", "A string without the blanks at its end.",
			func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) }),
		wrapFunction(),
	}, suffixFunctions()...))
	m.Refused = map[string]string{
		"eval_template":           "it would need a template language of its own; build the text with string.format",
		"normalize_smtp_response": "it belongs to the statistics of a mail server, and a proxy sees no SMTP responses",
	}
	return m
}

func isASCIISpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\f' || r == '\r'
}

func replaceFunction() function {
	return function{
		name: "replace",
		doc:  "A string with every occurrence of one text replaced by another. An empty text occurs before every character and at the end.",
		params: params(param("s", "string", "the string"), param("from", "string", "the text to replace"),
			param("to", "string", "the text to put in its place")),
		results: returns("string", "the string that results"),
		do:      func(c *call) int { return c.replace(c.text(1), c.text(2), c.text(3), -1) },
	}
}

func replaceNFunction() function {
	f := replaceFunction()
	f.name = "replacen"
	f.doc = "A string with the first occurrences of one text replaced by another."
	f.params = append(f.params, param("count", "integer", "how many to replace at most"))
	f.do = func(c *call) int {
		return c.replace(c.text(1), c.text(2), c.text(3), c.integer(4, 0, maxBytes))
	}
	return f
}

// replace looks at the length of the result before it is made.
func (c *call) replace(s, from, to string, count int) int {
	times := strings.Count(s, from)
	if count >= 0 {
		times = min(times, count)
	}
	c.room(len(s) + times*(len(to)-len(from)))
	return c.string(strings.Replace(s, from, to, count))
}

func fieldsFunction(name, doc string, blank func(rune) bool) function {
	return function{
		name: name, doc: doc,
		params:  params(param("s", "string", "the string")),
		results: returns("string[]", "the words"),
		do: func(c *call) int {
			var words []string
			for word := range strings.FieldsFuncSeq(c.text(1), blank) {
				words = c.another(words, word)
			}
			return c.list(words)
		},
	}
}

// another appends to a list as long as Lua can take it.
func (c *call) another(list []string, s string) []string {
	if len(list) >= value.MaxValues/2 {
		c.fail("the result would have more than %d parts", value.MaxValues/2)
	}
	return append(list, s)
}

func (c *call) list(list []string) int {
	t := c.L.CreateTable(len(list), 0)
	for i, s := range list {
		t.RawSetInt(i+1, lua.LString(s))
	}
	return c.push(t)
}

func tester(name, doc string, test func(s, part string) bool) function {
	return function{
		name: name, doc: doc,
		params:  params(param("s", "string", "the string"), param("part", "string", "the text to look for")),
		results: returns("boolean", "whether it is so"),
		do:      func(c *call) int { return c.push(lua.LBool(test(c.text(1), c.text(2)))) },
	}
}

func trimmer(name, doc string, trim func(string) string) function {
	return function{
		name: name, doc: doc,
		params:  params(param("s", "string", "the string")),
		results: returns("string", "the string without them"),
		do:      func(c *call) int { return c.string(trim(c.text(1))) },
	}
}
