package source

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// Class is how an upstream answered a connection, by the first line it sent.
type Class uint8

const (
	// Positive is a line that begins with 2, RFC 5321 section 4.2.1.
	Positive Class = iota
	// Transient is one that begins with 4.
	Transient
	// Permanent is one that begins with 5.
	Permanent
	// Silent is anything else, and nothing.
	Silent

	// Classes is how many there are.
	Classes
)

var classNames = [Classes]string{"2xx", "4xx", "5xx", "none"}

func (c Class) String() string { return classNames[c] }

// Refusal is what an upstream said when it did not want to talk to a source.
type Refusal struct {
	Class Class  // Transient or Permanent
	Text  string // at most MostRefusalText bytes of it
	At    time.Time
	From  netip.AddrPort
}

// MostRefusalText is how much is kept of what a receiver says, in bytes. A line of
// an answer has 512 at most, RFC 5321 section 4.5.3.1.5.
const MostRefusalText = 1024

// refusalCounts is for how long a refusal makes a source one to look at.
const refusalCounts = 24 * time.Hour

// refusalPause is the least time between two lines of a log about one source.
const refusalPause = time.Minute

// refusals are the last of each class, and what is told of them.
type refusals struct {
	transient, permanent atomic.Pointer[Refusal]
	told                 atomic.Int64 // Unix time in ns; 0: none was
	untold               atomic.Uint64
}

// Greeted counts how an upstream answered, by its first line, which is kept if it
// was a refusal. tell: it was one that a log had better have a line about, which is
// so once a minute for a source; untold is how many there were since the one before.
func (s *Source) Greeted(c Class, line string, from netip.AddrPort, at time.Time) (untold uint64, tell bool) {
	if s == nil {
		return 0, false
	}
	s.greetings[c].Add(1)
	if c != Transient && c != Permanent {
		return 0, false
	}
	text := strings.ToValidUTF8(line[:min(len(line), MostRefusalText)], "\uFFFD")
	return s.refusals.add(&Refusal{Class: c, Text: text, At: at, From: from})
}

func (r *refusals) add(one *Refusal) (untold uint64, tell bool) {
	last := &r.permanent
	if one.Class == Transient {
		last = &r.transient
	}
	last.Store(one)
	told := r.told.Load()
	if told != 0 && one.At.Sub(time.Unix(0, told)) < refusalPause || !r.told.CompareAndSwap(told, one.At.UnixNano()) {
		r.untold.Add(1)
		return 0, false
	}
	return r.untold.Swap(0), true
}

// last is the one to be shown: the last, but that of class 5xx while it counts.
// Receivers that put mail off, as many do all day, must not hide a block.
func (r *refusals) last(now time.Time) *Refusal {
	transient, permanent := r.transient.Load(), r.permanent.Load()
	switch {
	case transient == nil:
		return permanent
	case permanent == nil:
		return transient
	case now.Sub(permanent.At) < refusalCounts || permanent.At.After(transient.At):
		return permanent
	}
	return transient
}
