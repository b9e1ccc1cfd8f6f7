package data

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

func suffixFunctions() []function {
	domain := params(param("domain", "string", "a domain name"))
	return []function{
		{
			name:    "psl_domain",
			doc:     "The part of a domain name that somebody registered, by the public suffix list: of 'www.example.co.uk' it is 'example.co.uk'.",
			params:  domain,
			results: returns("string?", "the part; nil if the name is no domain name, or a public suffix itself"),
			do:      func(c *call) int { return c.lastLabels(1) },
		},
		{
			name:    "psl_suffix",
			doc:     "The part of a domain name below which people register names, by the public suffix list: of 'www.example.co.uk' it is 'co.uk'.",
			params:  domain,
			results: returns("string?", "the part; nil if the name is no domain name"),
			do:      func(c *call) int { return c.lastLabels(0) },
		},
	}
}

// lastLabels returns the public suffix of a name and as many labels before it.
// They are those that were given, in their own letters and case.
func (c *call) lastLabels(more int) int {
	name := c.text(1)
	count := suffixLabels(name)
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	if count == 0 || count+more > len(labels) {
		return c.push(lua.LNil)
	}
	skip := 0
	for _, label := range labels[:len(labels)-count-more] {
		skip += len(label) + 1
	}
	return c.string(name[skip:])
}

// suffixLabels is how many labels the public suffix of a name has; zero if it is
// not a domain name.
func suffixLabels(name string) int {
	const longest = 1024 // bytes; no domain name in any spelling has more
	if len(name) > longest {
		return 0
	}
	ascii, err := idna.ToASCII(strings.ToLower(strings.TrimSuffix(name, ".")))
	if err != nil || ascii == "" || strings.HasPrefix(ascii, ".") || strings.HasSuffix(ascii, ".") || strings.Contains(ascii, "..") {
		return 0
	}
	suffix, _ := publicsuffix.PublicSuffix(ascii)
	return strings.Count(suffix, ".") + 1
}
