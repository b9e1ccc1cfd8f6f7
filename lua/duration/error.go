package duration

import (
	"fmt"

	"github.com/troupe-proxy/troupe/internal/suggest"
)

// Reason says why a value is not a duration.
type Reason int

// The reasons. All texts and numbers that are not durations end in one of them.
const (
	Empty        Reason = iota + 1 // nothing but blanks
	BadChar                        // a character that no duration holds
	NoNumber                       // a unit without a number before it
	NoUnit                         // a number in a string without a unit behind it
	UnknownUnit                    // letters that are no unit; case matters
	Negative                       // a number below zero
	NotFinite                      // not a number, or infinite
	TooFine                        // a fraction of a nanosecond
	TooLong                        // above what time.Duration holds, about 292 years
	NotADuration                   // neither a number nor a string
)

// maxShown is how many bytes of a value an error shows.
const maxShown = 64

// Error is the error of Parse, Seconds and FromLua.
type Error struct {
	// Text is the value as given; with NotADuration, the Lua type that it has.
	Text   string
	Reason Reason
	Unit   string // with UnknownUnit, the letters that are no unit, cut to 16
}

func (e *Error) Error() string {
	text := e.Text
	if len(text) > maxShown {
		text = text[:maxShown] + "..."
	}
	return fmt.Sprintf("%q is not a duration: %s", text, e.Why())
}

// Why is the reason as a clause without the value.
func (e *Error) Why() string {
	switch e.Reason {
	case Empty:
		return "it is empty"
	case BadChar:
		return "it has a character that does not belong there"
	case NoNumber:
		return "a number is missing before a unit"
	case NoUnit:
		return "a number in a string needs a unit"
	case UnknownUnit:
		return "unknown unit '" + e.Unit + "'" + suggest.Hint(e.Unit, unitNames())
	case Negative:
		return "a duration cannot be negative"
	case NotFinite:
		return "a duration must be a finite number"
	case TooFine:
		return "it is finer than a nanosecond"
	case NotADuration:
		return "it is neither a number of seconds nor text"
	case TooLong:
		return "it is longer than 292 years"
	}
	return "unknown reason"
}
