package pool

import (
	"sync/atomic"
	"time"
)

// Limits say how long states are kept for the next call. They are shared by the
// pools of one policy and may be changed at any time, from any goroutine; what
// is kept is held to them when it is lent or given back.
type Limits struct {
	maxAge    atomic.Int64
	maxUses   atomic.Int64
	maxSpare  atomic.Int64
	gcPercent atomic.Int64
}

// NewLimits are KumoMTA's: a state is used for at most 300 s and 1024 calls, up
// to 8192 are kept spare, and none is collected when it is given back. A pool
// never keeps more than it has room for.
func NewLimits() *Limits {
	l := &Limits{}
	l.SetMaxAge(300 * time.Second)
	l.SetMaxUses(1024)
	l.SetMaxSpare(8192)
	return l
}

// SetMaxAge bounds the time from a state's building to its last lending.
func (l *Limits) SetMaxAge(d time.Duration) { l.maxAge.Store(int64(d)) }

// SetMaxUses bounds how many calls a state serves. Below 1 counts as 1.
func (l *Limits) SetMaxUses(n int64) { l.maxUses.Store(n) }

// SetMaxSpare bounds how many states each pool keeps for later; 0 keeps none.
func (l *Limits) SetMaxSpare(n int64) { l.maxSpare.Store(n) }

// SetGCOnPut is the chance, in percent, that garbage is collected when a state
// is given back. Garbage is the process's and not a state's, so a pool collects
// at most once a second however high the chance.
func (l *Limits) SetGCOnPut(percent int64) { l.gcPercent.Store(percent) }
