package transport

import (
	"sync/atomic"
	"time"
)

// activity is which side of a session sent the last byte, and when anything last
// moved, by a clock that its user has. The zero value says that nothing has. It is
// eight bytes, since there may be very many, and takes no lock: bytes are noted as
// they come.
type activity struct{ packed atomic.Int64 }

// Who sent the last byte, in the lowest bits of packed.
const (
	nobodySpoke int64 = iota
	clientSpoke       // and upstreamSpoke, in the order of the sides
	_
	speakers = 3
)

// note is told of bytes from a side. at is nanoseconds, more than 0.
func (a *activity) note(from Side, at int64) { a.packed.Store(at<<2 | clientSpoke + int64(from)) }

// touch is told of bytes that were handed on, or of another reason to begin anew
// with waiting. Should bytes come at that very moment, they are the newer news.
func (a *activity) touch(at int64) {
	was := a.packed.Load()
	a.packed.CompareAndSwap(was, at<<2|was&speakers)
}

// moved is when anything was noted last; 0: nothing was.
func (a *activity) moved() int64 { return a.packed.Load() >> 2 }

// read is who spoke last, and how long ago anything moved, as it looks at now.
func (a *activity) read(now int64) (from Side, ago time.Duration, ok bool) {
	packed := a.packed.Load()
	speaker := packed & speakers
	if speaker == nobodySpoke {
		return 0, 0, false
	}
	return Side(speaker - clientSpoke), time.Duration(max(now-packed>>2, 0)), true
}

// waited is the side that is waited for: the one that did not speak last, the
// upstream if nobody has.
func (a *activity) waited() Side {
	if from, _, ok := a.read(0); ok {
		return from.other()
	}
	return Upstream
}

// clock counts nanoseconds. It does not follow the time of day, which may be set.
type clock struct{ began time.Time }

func newClock() *clock { return &clock{began: time.Now()} }

// now is more than 0.
func (c *clock) now() int64 { return int64(time.Since(c.began)) + 1 }

// at is the time that the clock shows as n.
func (c *clock) at(n int64) time.Time { return c.began.Add(time.Duration(n - 1)) }
