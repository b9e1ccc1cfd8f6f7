package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Failure is why a source has failed a probe. The set is closed, and the names are
// part of the public surface.
type Failure uint8

const (
	// None: it has not.
	None Failure = iota
	// Unplumbed: the source is no address of this host.
	Unplumbed
	// NoDestination: the destination has no address of the source's family.
	NoDestination
	// NotConnected: there was no connection.
	NotConnected
	// NoBanner: the destination said nothing in time, or nothing that begins with a
	// digit from 2 to 5 as SMTP has it.
	NoBanner
	// Refused: it answered with 4xx or 5xx.
	Refused
	// NotSeen: the web server did not say which address it sees.
	NotSeen
	// NotTried: the time for the whole probe was over before.
	NotTried
)

var failureNames = [...]string{"", "unplumbed", "no_destination", "not_connected", "no_banner", "refused", "not_seen", "not_tried"}

func (f Failure) String() string { return failureNames[f] }

// Certainty is an answer that may be missing.
type Certainty uint8

// Whether something is so.
const (
	Unknown Certainty = iota
	Yes
	No
)

var certaintyNames = [...]string{"unknown", "yes", "no"}

func (c Certainty) String() string { return certaintyNames[c] }

// Result is what came of one source.
type Result struct {
	Source  netip.Addr
	Plumbed Certainty
	// Routed: the kernel has a route from the source to the destination. Unknown when
	// the source cannot be bound.
	Routed      Certainty
	Destination netip.AddrPort // not valid: it has none of the family
	Connect     time.Duration  // 0: there was no connection
	Banner      string         // at most MostBanner bytes, without the last line's end
	Names       Names
	Seen        string // what the web server said, at most MostSeen bytes
	Failure     Failure
	Err         error // what there is to say about Failure; nil with None
}

// fail says why, unless there is an earlier reason.
func (r *Result) fail(f Failure, err error) {
	if r.Failure == None {
		r.Failure, r.Err = f, err
	}
}

// Names are what the DNS calls an address.
type Names struct {
	PTR []string // without the dot at the end; at most MostNames
	// Confirmed: one of them has the address.
	Confirmed bool
	// Err is why the names are not known; nil also if there are none.
	Err error
}

var (
	// ErrBusy says that another probe is under way.
	ErrBusy = errors.New("another probe is under way")

	errUnplumbed = errors.New("it is no address of this host")
	errNotTried  = errors.New("the time for the whole probe was over before")
	errSilent    = errors.New("it said nothing")
	errNoSMTP    = errors.New("this is no greeting of SMTP")
)

// RefusedError is a greeting that begins with 4 or 5.
type RefusedError struct{ Banner string }

func (e *RefusedError) Error() string { return "refused: " + e.Banner }

// DestinationError says that a destination cannot be had.
type DestinationError struct {
	Host string
	Err  error
}

func (e *DestinationError) Error() string { return fmt.Sprintf("%s: %v", e.Host, e.Err) }

// Unwrap lets errors.Is see what is behind it.
func (e *DestinationError) Unwrap() error { return e.Err }
