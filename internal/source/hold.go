package source

import (
	"fmt"
	"net/netip"
	"time"
)

// Standing is what somebody has decided about a source.
type Standing uint8

const (
	// Serving: it may be used.
	Serving Standing = iota
	// Paused: it may not be used for a while.
	Paused
	// Draining: it may not be used any more. What uses it goes on.
	Draining
)

var standingNames = [...]string{"serving", "paused", "draining"}

func (s Standing) String() string { return standingNames[s] }

// ParseStanding is the reverse of String.
func ParseStanding(text string) (s Standing, ok bool) {
	for i, name := range standingNames {
		if name == text {
			return Standing(i), true
		}
	}
	return Serving, false
}

// MarshalText implements encoding.TextMarshaler, for another process.
func (s Standing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. The error names what was expected.
func (s *Standing) UnmarshalText(text []byte) error {
	parsed, ok := ParseStanding(string(text))
	if !ok {
		return fmt.Errorf("expected serving, paused or draining, got %.20q", text)
	}
	*s = parsed
	return nil
}

// Hold is what was decided about the addresses of a network. The zero value is that
// nothing was.
type Hold struct {
	Network netip.Prefix
	// Standing is Serving for an exception from a wider hold.
	Standing Standing
	Since    time.Time
	Until    time.Time // zero: until somebody resumes it
	Reason   string    // for people; may be empty
	By       string    // who asked for it
}

// over says whether its time is up.
func (h *Hold) over(now time.Time) bool { return !h.Until.IsZero() && !now.Before(h.Until) }
