package dialect

import (
	"strconv"
	"strings"
)

// Error is why a chunk was refused. It never shows what is written in a string:
// a policy may hold a password.
type Error struct {
	// Name is the name of the chunk, as given to Parse.
	Name string
	// Line is counted from 1. 0 is the chunk as a whole.
	Line int
	// Column is the byte in the line, counted from 1. 0 is unknown.
	Column int
	// Near is the token at the place, "<string>" for a string and "<eof>" for
	// the end of the chunk. Empty when the message needs none.
	Near string
	// Message is the complaint, as Lua 5.4 words it where it has one.
	Message string
}

// Error is "name:line: message near 'token'", as Lua words its errors.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Name)
	text.WriteByte(':')
	if e.Line > 0 {
		text.WriteString(strconv.Itoa(e.Line))
		text.WriteByte(':')
	}
	text.WriteByte(' ')
	text.WriteString(e.Message)
	switch e.Near {
	case "":
	case nearEnd, nearString:
		text.WriteString(" near " + e.Near)
	default:
		text.WriteString(" near '" + e.Near + "'")
	}
	return text.String()
}

// What stands in Near for tokens without a text to show.
const (
	nearEnd    = "<eof>"
	nearString = "<string>"
)
