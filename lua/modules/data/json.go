package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/troupe-proxy/troupe/lua/value"
)

func parseJSON(text []byte) (any, error) {
	if err := checkUTF8(text); err != nil {
		return nil, err
	}
	stripped, err := stripComments(text)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(stripped))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, jsonError(stripped, err)
	}
	end := int(d.InputOffset())
	if rest := bytes.TrimLeft(stripped[end:], " \t\r\n"); len(rest) > 0 {
		return nil, at(stripped, len(stripped)-len(rest), errTrailing)
	}
	return v, nil
}

func jsonError(text []byte, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		// Offset counts the byte at fault too.
		return at(text, int(syntax.Offset)-1, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return at(text, len(text), io.ErrUnexpectedEOF)
	}
	return &textError{err: err}
}

// stripComments is the text with blanks in place of comments, so that all else
// stays where it was. It refuses what would become more values than Lua takes,
// before memory is spent on them.
func stripComments(text []byte) ([]byte, error) {
	out := bytes.Clone(text)
	values := 0
	for i := 0; i < len(out); {
		switch c := out[i]; {
		case c == '"':
			i = afterString(out, i)
			continue
		case c == '/' && i+1 < len(out) && out[i+1] == '*':
			length := bytes.Index(out[i+2:], []byte("*/"))
			if length < 0 {
				return nil, at(text, i, errOpenComment)
			}
			i = blank(out, i, i+2+length+2)
			continue
		case c == '#', c == '/' && i+1 < len(out) && out[i+1] == '/':
			length := bytes.IndexByte(out[i:], '\n')
			if length < 0 {
				length = len(out) - i
			}
			i = blank(out, i, i+length)
			continue
		case c == ',' || c == '[' || c == '{':
			if values++; values > value.MaxValues {
				return nil, at(text, i, errTooMany)
			}
		}
		i++
	}
	return out, nil
}

// afterString is the place behind the string that begins at i.
func afterString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// blank overwrites a stretch, but for its line breaks, and returns its end.
func blank(text []byte, from, to int) int {
	for i := from; i < to; i++ {
		if text[i] != '\n' {
			text[i] = ' '
		}
	}
	return to
}

// json is an argument as JSON.
func (c *call) json(n int, pretty bool) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if pretty {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(jsonReady(c.plain(n, value.MaxValues))); err != nil {
		c.bad(n, "%s", err)
	}
	text := strings.TrimSuffix(out.String(), "\n")
	c.room(len(text))
	return text
}

// jsonReady is v with nil for the numbers that JSON lacks, as KumoMTA writes them,
// and with an exponent for whole numbers beyond 2^53, which read back would else
// be integers that Lua cannot hold. It changes v, which belongs to the caller.
func jsonReady(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		if v == math.Trunc(v) {
			return json.Number(strconv.FormatFloat(v, 'e', -1, 64))
		}
	case []any:
		for i := range v {
			v[i] = jsonReady(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = jsonReady(v[name])
		}
	}
	return v
}
