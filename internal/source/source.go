package source

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// Plumbing is whether an address is this machine's.
type Plumbing uint8

const (
	// PlumbingUnknown: the system does not say, and nobody has bound it yet.
	PlumbingUnknown Plumbing = iota
	// Plumbed: it is.
	Plumbed
	// Unplumbed: it is not, or cannot be used (yet), as IPv6 addresses that are being
	// probed for duplicates or are such.
	Unplumbed
	// Freebound: it is not, but the policy has it bound all the same, so that it
	// makes no difference.
	Freebound
)

var plumbingNames = [...]string{"unknown", "yes", "no", "freebind"}

func (p Plumbing) String() string { return plumbingNames[p] }

// Source is one address and what is counted of it. Its methods may be called from
// any goroutine and wait for nobody; all may be called on nil, and do nothing then.
type Source struct {
	addr netip.Addr
	// single: the policy names the address itself, and not only a network.
	single      atomic.Bool
	asked       atomic.Bool // somebody has tried to use it
	sessions    atomic.Int64
	dials       [16]atomic.Uint64 // by egress.Result
	greetings   [Classes]atomic.Uint64
	lastSuccess atomic.Int64 // Unix time in ns; 0: never
	refusals    refusals

	// When a bind found it unplumbed last, Unix time in ns; 0: it never did, or it
	// was bound since. bound: a bind has succeeded at some time.
	unboundAt atomic.Int64
	bound     atomic.Bool
}

// Address is its own, canonical: not IPv4-mapped, and without a zone.
func (s *Source) Address() netip.Addr { return s.addr }

// Leave ends a session that Table.Enter began.
func (s *Source) Leave() {
	if s != nil {
		s.sessions.Add(-1)
	}
}

// dialled counts how a dial from it ended.
func (s *Source) dialled(r egress.Result, now time.Time) {
	if s == nil {
		return
	}
	s.dials[r].Add(1)
	if r == egress.Connected {
		s.lastSuccess.Store(now.UnixNano())
	}
}

// absorb adds what was counted of another, which is not listed any more.
func (s *Source) absorb(other *Source) {
	for i := range s.dials {
		s.dials[i].Add(other.dials[i].Load())
	}
	for i := range s.greetings {
		s.greetings[i].Add(other.greetings[i].Load())
	}
}

// triedBind notes what a bind of it came to.
func (s *Source) triedBind(plumbed bool, now time.Time) {
	switch {
	case s == nil:
	case !plumbed:
		s.unboundAt.Store(now.UnixNano())
	default: // written seldom, since it is read by all who use the source
		if s.unboundAt.Load() != 0 {
			s.unboundAt.Store(0)
		}
		if !s.bound.Load() {
			s.bound.Store(true)
		}
	}
}

// byBinds is the plumbing as far as binds have shown it.
func (s *Source) byBinds() Plumbing {
	switch {
	case s == nil:
	case s.unboundAt.Load() != 0:
		return Unplumbed
	case s.bound.Load():
		return Plumbed
	}
	return PlumbingUnknown
}

// BindMemory is how long a source is passed by after a bind has found it
// unplumbed. Then it is tried again.
const BindMemory = 10 * time.Second

// unboundLately says whether a bind found it unplumbed a short while ago.
func (s *Source) unboundLately(now time.Time) bool {
	if s == nil {
		return false
	}
	at := s.unboundAt.Load()
	return at != 0 && now.Sub(time.Unix(0, at)) < BindMemory
}
