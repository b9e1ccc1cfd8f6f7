package data

import (
	"strings"
	"unicode/utf8"
)

func wrapFunction() function {
	return function{
		name: "wrap",
		doc:  "Text as the value of a mail header: words in lines with CRLF between them, each line but the first with a tab before it. Widths are bytes, without the tab.",
		params: params(
			param("text", "string", "the text; all blanks in it count as one"),
			param("soft", "integer?", "where a line ends if there is a blank, 75 if absent"),
			param("hard", "integer?", "where a word is cut that is longer, 900 if absent"),
		),
		results: returns("string", "the lines"),
		do: func(c *call) int {
			w := wrapping{
				soft: c.optionalInteger(2, 1, maxBytes, 75),
				hard: c.optionalInteger(3, 1, maxBytes, 900),
			}
			for word := range strings.FieldsFuncSeq(c.text(1), isASCIISpace) {
				w.add(word)
			}
			w.end()
			return c.string(w.out.String())
		},
	}
}

// wrapping fills lines with words.
type wrapping struct {
	soft, hard int
	out, line  strings.Builder
}

func (w *wrapping) add(word string) {
	if w.line.Len()+len(word) < w.soft {
		if w.line.Len() > 0 {
			w.line.WriteByte(' ')
		}
		w.line.WriteString(word)
		return
	}
	w.end()
	if len(word) <= w.hard {
		w.line.WriteString(word)
		return
	}
	for len(word) > 0 {
		// Cut between characters: half of one is no text any more.
		_, size := utf8.DecodeRuneInString(word)
		w.line.WriteString(word[:size])
		word = word[size:]
		if w.line.Len() >= w.hard {
			w.end()
		}
	}
}

// end puts the line, if there is one, below those before.
func (w *wrapping) end() {
	if w.line.Len() == 0 {
		return
	}
	if w.out.Len() > 0 {
		w.out.WriteString("\r\n\t")
	}
	w.out.WriteString(w.line.String())
	w.line.Reset()
}
