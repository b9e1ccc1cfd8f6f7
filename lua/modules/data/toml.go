package data

import (
	"bytes"
	"errors"

	"github.com/pelletier/go-toml/v2"

	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	// maxKeyParts bounds a dotted key, which the parser follows by recursion.
	maxKeyParts = 1000
	// maxTOMLKeys bounds the keys and tables of a text: the parser looks for each
	// through all that stand beside it.
	maxTOMLKeys = 16 << 10
)

func parseTOML(text []byte) (any, error) {
	if err := checkUTF8(text); err != nil {
		return nil, err
	}
	if err := checkTOML(text); err != nil {
		return nil, err
	}
	v := map[string]any{}
	if err := toml.Unmarshal(text, &v); err != nil {
		bad := &textError{err: err}
		var decode *toml.DecodeError
		if errors.As(err, &decode) {
			bad.line, bad.column = decode.Position()
		}
		return nil, bad
	}
	return v, nil
}

// checkTOML refuses what would take the parser more time, stack or memory than
// its size suggests.
func checkTOML(text []byte) error {
	values, keys, parts, fresh := 0, 0, 0, true
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' || c == '\'':
			i = afterTOMLString(text, i) - 1
		case c == '#':
			i += max(bytes.IndexByte(text[i:], '\n'), 1) - 1
		case c == '.':
			parts++
		case c == '=' || c == '[' && fresh: // a key, or the heading of a table
			keys, parts = keys+1, 0
		case c == ',' || c == '[' || c == '{':
			values, parts = values+1, 0
		case c == '\n':
			parts = 0
		}
		fresh = c == '\n' || fresh && (c == ' ' || c == '\t')
		switch {
		case parts > maxKeyParts:
			return at(text, i, errTooDeep)
		case keys > maxTOMLKeys:
			return at(text, i, errManyKeys)
		case values > value.MaxValues:
			return at(text, i, errTooMany)
		}
	}
	return nil
}

// afterTOMLString is the place behind the string that begins at i, of any of the
// four kinds.
func afterTOMLString(text []byte, i int) int {
	quote := text[i : i+1]
	long := bytes.Repeat(quote, 3)
	if bytes.HasPrefix(text[i:], long) {
		quote = long
	}
	for i += len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote[0] == '"':
			i++
		case bytes.HasPrefix(text[i:], quote):
			return i + len(quote)
		case text[i] == '\n' && len(quote) == 1:
			return i // no string goes on there; the parser will say so
		}
	}
	return len(text)
}
