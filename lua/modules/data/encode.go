package data

import (
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func encodeModule() spec.Module {
	var functions []function
	for _, n := range notations() {
		functions = append(functions, n.encoder(), n.decoder())
	}
	functions = append(functions, charsetDecode(), charsetEncode())
	return module("kumo.encode", "Bytes as text and back, and text in other character sets.", functions)
}

func (n notation) encoder() function {
	return function{
		name:    n.name + "_encode",
		doc:     "Bytes as " + n.doc + ".",
		params:  params(param("data", "string", "the bytes")),
		results: returns("string", "their text"),
		do: func(c *call) int {
			data := c.text(1)
			c.room(n.length(len(data)))
			return c.string(n.encode([]byte(data)))
		},
	}
}

func (n notation) decoder() function {
	f := function{
		name:    n.name + "_decode",
		doc:     "The bytes that were written as " + n.doc + ".",
		params:  params(param("text", "string", "the text")),
		results: returns("string", "the bytes"),
	}
	if n.padded {
		f.doc += " Padding at the end may be there or not."
	}
	f.do = func(c *call) int {
		text := c.text(1)
		if n.padded {
			text = strings.TrimRight(text, "=")
		}
		data, err := n.decode(text)
		if err != nil {
			c.bad(1, "%s", err)
		}
		// The decoders of Go let pass line breaks, and bits behind the last byte: two
		// texts for the same bytes, where somebody may take texts for identities.
		if n.name != "hex" && strings.TrimRight(n.encode(data), "=") != text {
			c.bad(1, "not in the form that the encoder writes")
		}
		return c.string(string(data))
	}
	return f
}

func charsetDecode() function {
	return function{
		name: "charset_decode",
		doc:  "Text in a character set as UTF-8. It raises an error when the bytes are not text in it, and also when the text holds U+FFFD, the mark of a character that was lost before.",
		params: params(
			param("charset", "string", "a name of the WHATWG encoding standard, such as 'iso-8859-1' or 'shift_jis'"),
			param("data", "string", "the bytes"),
		),
		results: returns("string", "the text in UTF-8"),
		do: func(c *call) int {
			charset, data := c.charset(1), c.text(2)
			text, err := charset.NewDecoder().String(data)
			if err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
				c.bad(2, "not text in that character set")
			}
			return c.string(text)
		},
	}
}

func charsetEncode() function {
	return function{
		name: "charset_encode",
		doc:  "UTF-8 text in a character set.",
		params: params(
			param("charset", "string", "a name of the WHATWG encoding standard, such as 'iso-8859-1' or 'shift_jis'"),
			param("text", "string", "text in UTF-8"),
			param("ignore_errors", "boolean?", "write a substitute for a character that the set does not have, which is what happens unless this is false; then it is an error"),
		),
		results: returns("string", "the bytes"),
		do: func(c *call) int {
			charset, text := c.charset(1), c.text(2)
			if !utf8.ValidString(text) {
				c.bad(2, "not UTF-8")
			}
			encoder := charset.NewEncoder()
			if c.get(3) != lua.LFalse {
				encoder = encoding.ReplaceUnsupported(encoder)
			}
			data, err := encoder.String(text)
			if err != nil {
				c.bad(2, "the character set does not have all its characters")
			}
			return c.string(data)
		},
	}
}

// charset is the character set that an argument names.
func (c *call) charset(n int) encoding.Encoding {
	charset, err := htmlindex.Get(c.text(n))
	// The standard maps what must not be decoded to a set that decodes nothing.
	if err != nil || charset == encoding.Replacement {
		c.bad(n, "no such character set; expected a name of the WHATWG encoding standard, such as 'utf-8' or 'iso-8859-1'")
	}
	return charset
}
