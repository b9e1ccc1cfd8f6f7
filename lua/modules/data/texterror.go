package data

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// textError says where in a text something is wrong. It holds nothing of the text.
type textError struct {
	path         string // empty for a text that is no file
	line, column int    // from 1; column 0 is unknown, and so is line 0
	err          error
}

func (e *textError) Unwrap() error { return e.err }

func (e *textError) Error() string {
	switch {
	case e.line == 0 && e.path == "":
		return e.err.Error()
	case e.line == 0:
		return e.path + ": " + e.err.Error()
	case e.path == "" && e.column == 0:
		return fmt.Sprintf("line %d: %s", e.line, e.err)
	case e.path == "":
		return fmt.Sprintf("line %d, column %d: %s", e.line, e.column, e.err)
	case e.column == 0:
		return fmt.Sprintf("%s:%d: %s", e.path, e.line, e.err)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.path, e.line, e.column, e.err)
}

// What is wrong with a text besides what the libraries say.
var (
	errNotUTF8     = errors.New("not UTF-8")
	errOpenComment = errors.New("a comment begins here and does not end")
	errTrailing    = errors.New("more text behind the end of the value")
	errTooMany     = errors.New("more values than Lua can take")
	errTooDeep     = errors.New("nested too deep")
	errSecondText  = errors.New("a second document begins; expected one")
	errDoubleKey   = errors.New("the key is there already")
	errKeyKind     = errors.New("a key must be text, a number, a boolean or null")
	errMergeKind   = errors.New("only mappings can be merged")
	errManyKeys    = fmt.Errorf("more than %d keys and tables", maxTOMLKeys)
	errOwnAlias    = errors.New("an alias stands for something that it is a part of")
)

// at is an error at a byte of the text, counted from zero.
func at(text []byte, offset int, err error) *textError {
	before := text[:max(0, min(offset, len(text)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return &textError{
		line:   bytes.Count(before, []byte{'\n'}) + 1,
		column: utf8.RuneCount(before[start:]) + 1,
		err:    err,
	}
}

// checkUTF8 finds the first byte that is not UTF-8.
func checkUTF8(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size <= 1 {
			return at(text, i, errNotUTF8)
		}
		i += size
	}
}
