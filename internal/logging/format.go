package logging

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// stamp is the time of a record: UTC, to the microsecond.
const stamp = "2006-01-02T15:04:05.000000Z"

// event is what a record says besides its attributes.
type event struct {
	when    time.Time // zero is not printed
	level   slog.Level
	target  string // empty is not printed
	message string
	pc      uintptr
}

// format is how records look. Its methods append to b and keep nothing, so
// that one value serves all loggers.
type format interface {
	// head is all that stands before the attributes.
	head(b []byte, e event) []byte
	// attr is one attribute; nothing if it is empty, or a group with none in it.
	// prefix is the groups it is in, each with a dot, for a format that
	// writes them into the key.
	attr(b []byte, prefix string, a slog.Attr) []byte
	// open and close stand around a group, for a format that nests them.
	open(b []byte, group string) []byte
	close(b []byte) []byte
	// tail ends the record.
	tail(b []byte, e event) []byte
}

func newFormat(name string, color bool) (format, error) {
	switch name {
	case "", "full", "compact":
		return textFormat{color: color}, nil
	case "pretty":
		return prettyFormat{textFormat{color: color}}, nil
	case "json":
		return jsonFormat{}, nil
	}
	return nil, fmt.Errorf("%w '%s', expected full, compact, pretty or json", ErrFormat, escaped(name))
}

// appendEscaped appends s with what can't be printed written as Go escapes it,
// so that a line stays a line and no byte from outside drives a terminal.
// A backslash stays as it is: a line is for reading, not for parsing back.
func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, '\\', 'x', hexDigit(s[i]>>4), hexDigit(s[i]))
		case unicode.IsPrint(r):
			b = append(b, s[i:i+size]...)
		default:
			quoted := strconv.QuoteRune(r)
			b = append(b, quoted[1:len(quoted)-1]...)
		}
		i += size
	}
	return b
}

func escaped(s string) string { return string(appendEscaped(nil, s)) }

func hexDigit(n byte) byte { return "0123456789abcdef"[n&0xf] }
