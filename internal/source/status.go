package source

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// Status is a source as it was at some moment.
type Status struct {
	Address  netip.Addr
	Known    bool // the policy names it, or a small network that it is in
	Plumbing Plumbing
	Hold     Hold // that counts for it; zero: none
	Sessions int64
	Dials    []uint64 // by egress.Result
	// Greetings are how upstreams answered, by Class.
	Greetings   [Classes]uint64
	LastSuccess time.Time // of a dial; zero: never
	// Refusal is the last; one of class 5xx for a day, whatever came after. Nil: none.
	Refusal *Refusal
	// Missed: it is not plumbed, though somebody counts on it: the policy names the
	// address itself, or somebody has asked for it.
	Missed bool
}

// Statuses are all sources, by their addresses.
func (t *Table) Statuses(now time.Time) []Status {
	known := *t.known.Load()
	held := t.holds.Load()
	listed := t.Listed()
	all := make([]Status, 0, len(listed))
	for _, s := range listed {
		one := s.status(now)
		one.Known = known[s.addr] == s
		one.Plumbing = t.Plumbing(s)
		one.Hold = held.of(s.addr, now)
		one.Missed = one.Plumbing == Unplumbed && (s.single.Load() || s.asked.Load())
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Status) int { return a.Address.Compare(b.Address) })
	return all
}

func (s *Source) status(now time.Time) Status {
	one := Status{
		Address: s.addr, Sessions: s.sessions.Load(), Dials: make([]uint64, len(egress.Results())), Refusal: s.refusals.last(now),
	}
	for i := range one.Dials {
		one.Dials[i] = s.dials[i].Load()
	}
	for i := range one.Greetings {
		one.Greetings[i] = s.greetings[i].Load()
	}
	if at := s.lastSuccess.Load(); at != 0 {
		one.LastSuccess = time.Unix(0, at)
	}
	return one
}

// Status is that of one source as far as it is counted. It is the zero Status on nil.
func (s *Source) Status(now time.Time) Status {
	if s == nil {
		return Status{}
	}
	return s.status(now)
}

// Paused says whether a pause counts for it. A drain is none.
func (s *Status) Paused() bool { return s.Hold.Standing == Paused }

// Tried is how many dials had an outcome that says something about source and
// destination, and how many of them connected.
func (s *Status) Tried() (connected, tried uint64) {
	for i, n := range s.Dials {
		switch egress.Result(i) {
		case egress.ClientLeft, egress.Aborted, egress.Denied, egress.NameNotFound, egress.ResolveFailed:
		default:
			tried += n
		}
	}
	return s.Dials[egress.Connected], tried
}

// Trouble ranks sources by how much somebody had better look at them, the largest
// first. Refusals come first, since a block costs the most; then addresses that are
// missed; then what somebody has held back, and dials that fail.
func (s *Status) Trouble(now time.Time) int64 {
	rank := int64(0)
	refused := s.Refusal != nil && now.Sub(s.Refusal.At) < refusalCounts
	switch {
	case refused && s.Refusal.Class == Permanent:
		rank = 5
	case s.Missed:
		rank = 4
	case refused:
		rank = 3
	case s.Hold.Standing != Serving:
		rank = 2
	}
	connected, tried := s.Tried()
	return rank*1_000_000 + share(tried-connected, tried)*1000 + share(s.Greetings[Permanent]+s.Greetings[Transient], s.greeted())
}

func (s *Status) greeted() (all uint64) {
	for _, n := range s.Greetings {
		all += n
	}
	return all
}

// share is a part of a whole in thousandths, at most 999.
func share(part, whole uint64) int64 {
	return int64(min(part*1000/cmp.Or(whole, 1), 999))
}
