package transport

import (
	"sync/atomic"
	"time"
)

// activity is which side of a session sent the last byte, and when, by a clock
// that its user has. The zero value says that neither has. It is eight bytes,
// since there may be very many, and takes no lock: bytes are noted as they come.
type activity struct{ packed atomic.Int64 }

// note is told of bytes from a side. at is nanoseconds, more than 0.
func (a *activity) note(from Side, at int64) { a.packed.Store(at<<1 | int64(from)) }

// read is what was noted last, as it looks at now.
func (a *activity) read(now int64) (from Side, ago time.Duration, ok bool) {
	packed := a.packed.Load()
	if packed == 0 {
		return 0, 0, false
	}
	return Side(packed & 1), time.Duration(max(now-packed>>1, 0)), true
}

// clock counts nanoseconds. It does not follow the time of day, which may be set.
type clock struct{ began time.Time }

func newClock() *clock { return &clock{began: time.Now()} }

// now is more than 0.
func (c *clock) now() int64 { return int64(time.Since(c.began)) + 1 }
