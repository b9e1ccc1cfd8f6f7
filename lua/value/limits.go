package value

import "fmt"

const (
	// MaxDepth is how many tables may stand inside one another.
	MaxDepth = 100
	// MaxValues is how many values one conversion may meet, a table counting as
	// eight for the memory it takes, and one that is reached twice as two. It
	// bounds time and memory at well below a second and some hundred MB.
	MaxValues = 1 << 20
	tableCost = 8
)

const (
	maxExact    = 1 << 53 // the integers that float64 tells apart end here
	maxGaps     = 1024    // empty places that a marked list may have
	maxPathText = 64      // bytes of one key that an error shows
)

// Reason says why a value cannot be converted.
type Reason int

// The reasons.
const (
	Unconvertible Reason = iota + 1 // a function, coroutine, channel or userdata; a Go type without a Lua form
	Cycle                           // a table that holds itself
	TooDeep                         // more than MaxDepth tables inside one another
	TooMany                         // more than MaxValues values
	BadKey                          // a key that is neither a string nor an integer
	DoubleKey                       // two keys with the same text, such as 1 and "1"
)

// Error is the error of ToGo, Share and TryFromGo. The last names no path.
type Error struct {
	// Path leads from the outermost value to the one at fault, such as
	// "servers[2].port". Empty means the outermost itself.
	Path   string
	Reason Reason
	Type   string // with Unconvertible and BadKey, the Lua or Go type
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.why()
	}
	return "at " + e.Path + ": " + e.why()
}

func (e *Error) why() string {
	switch e.Reason {
	case Unconvertible:
		return "a " + e.Type + " is not plain data; expected nil, a boolean, a number, a string or a table of these"
	case Cycle:
		return "the table holds itself"
	case TooDeep:
		return fmt.Sprintf("more than %d tables stand inside one another", MaxDepth)
	case TooMany:
		return fmt.Sprintf("more than %d values", MaxValues)
	case BadKey:
		return "a " + e.Type + " is a key; expected strings or integers"
	case DoubleKey:
		return "an integer key and a string key have the same text"
	}
	return "unknown reason"
}
