package data

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

func serdeModule() spec.Module {
	return module("kumo.serde", "Lua values as JSON, TOML and YAML, and back.", serdeFunctions())
}

// format is a text format for values.
type format struct {
	name  string // as in the names of the functions
	title string // as in a sentence
	note  string // what the documentation says about reading it
	limit int    // bytes that a text may have
	// parse reads a text. Its error is a *textError.
	parse func(text []byte) (any, error)
}

func formats() []format {
	return []format{
		{"json", "JSON", "Comments are allowed, as //, /* */ and #. null becomes nil. An integer beyond 2^53 becomes its decimal text.", maxBytes, parseJSON},
		{"toml", "TOML", "Dates and times become text. An integer beyond 2^53 becomes its decimal text.", 1 << 20, parseTOML},
		{"yaml", "YAML", "The text is one document. Dates and times remain text, and keys become text. An integer beyond 2^53 becomes its decimal text.", 1 << 20, parseYAML},
	}
}

func serdeFunctions() []function {
	var functions []function
	for _, f := range formats() {
		functions = append(functions, f.load(), f.parser())
	}
	return append(functions,
		encoder("json_encode", "A value as JSON in one line. An empty table is {}, unless it came out of a parser as a list. A number that is not finite is null.",
			func(c *call) int { return c.string(c.json(1, false)) }),
		encoder("json_encode_pretty", "A value as JSON on many lines, with the keys in order.",
			func(c *call) int { return c.string(c.json(1, true)) }),
		encoder("toml_encode", "A table as TOML.",
			func(c *call) int { return c.string(c.toml(1, tomlStyle{})) }),
		encoder("toml_encode_pretty", "A table as TOML, with each element of a list on a line of its own.",
			func(c *call) int { return c.string(c.toml(1, tomlStyle{longLists: true})) }),
		encoder("toml_encode_pretty_compact", "A table as TOML, with empty tables as {} in their place.",
			func(c *call) int { return c.string(c.toml(1, tomlStyle{inlineEmpty: true})) }),
		encoder("yaml_encode", "A value as YAML.",
			func(c *call) int { return c.string(c.yaml(1)) }),
	)
}

func encoder(name, doc string, do func(c *call) int) function {
	return function{
		name: name, doc: doc + " Functions and objects cannot be written, nor strings that are not UTF-8.",
		params:  params(param("value", "any", "what to write")),
		results: returns("string", "the text"),
		do:      do,
	}
}

func (f format) parser() function {
	return function{
		name:    f.name + "_parse",
		doc:     "Reads " + f.title + ". " + f.note + " The error names the line.",
		params:  params(param("text", "string", "the text")),
		results: returns("any", "what it says"),
		do: func(c *call) int {
			text := c.text(1)
			if len(text) > f.limit {
				c.bad(1, "longer than %d MiB", f.limit>>20)
			}
			v, err := f.parse([]byte(text))
			if err != nil {
				c.bad(1, "not valid %s: %s", f.title, err)
			}
			return c.value(v)
		},
	}
}

func (f format) load() function {
	return function{
		name:    f.name + "_load",
		doc:     "Reads a file with " + f.title + ". " + f.note + " The error names the file and the line.",
		params:  params(param("path", "string", "the file; a relative path begins at the working directory")),
		results: returns("any", "what it says"),
		do: func(c *call) int {
			c.alive()
			path := c.text(1)
			text, err := readFile(path, f.limit)
			if err != nil {
				c.fail("%s", err)
			}
			v, err := f.parse(text)
			if bad := (*textError)(nil); errors.As(err, &bad) {
				bad.path = path
			}
			if err != nil {
				c.fail("not valid %s: %s", f.title, err)
			}
			return c.value(v)
		},
	}
}

// value returns plain Go to Lua.
func (c *call) value(v any) int {
	made, err := value.TryFromGo(c.L, v)
	if err != nil {
		c.fail("%s", err)
	}
	return c.push(made)
}

// plain is an argument as plain Go that a text format can hold, of at most so many
// values.
func (c *call) plain(n, most int) any {
	v, err := value.ToGo(c.get(n))
	if err == nil {
		err = printable(v, most)
	}
	if err != nil {
		c.bad(n, "%s", err)
	}
	return v
}

var errNotRegular = errors.New("not a regular file")

// readFile reads a file that has no more than limit bytes. The error names it.
func readFile(path string, limit int) ([]byte, error) {
	// To open a named pipe would wait for somebody to write into it.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(text) > limit {
		return nil, &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("longer than %d MiB", limit>>20)}
	}
	return text, nil
}
