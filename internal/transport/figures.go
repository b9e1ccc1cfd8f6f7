package transport

import (
	"errors"
	"time"
)

// Figures are how a Network is at one moment, for those who operate it.
type Figures struct {
	// Held is how many bytes of memory hold what came from one side of a session
	// and what the other side's socket has not taken; HeldLimit is how many may,
	// but for a few that have to.
	Held, HeldLimit int64
	Pipes           Pipes
	// Loops are the event loops; there are none in a transport without any, or
	// before the first Listen.
	Loops []LoopFigures
}

// Pipes are those by which the kernel carries bulk, splice(2). Each that is open
// has two descriptors.
type Pipes struct {
	// Lent are at work for a burst, Stalled hold what a peer has not taken for a
	// second or more, Spare are empty and wait for the next burst.
	Lent, Stalled, Spare int
	// Refused counts the reads of bursts that were copied, since no pipe could be
	// had.
	Refused [Shortages]uint64
}

// Shortage is why no pipe could be had.
type Shortage uint8

const (
	// ShortOfTurns: as many are out as may be, because many peers do not read.
	ShortOfTurns Shortage = iota
	// ShortOfDescriptors: the process or the system may open no more files.
	ShortOfDescriptors
	// ShortOfPages: the system grants the user no pipe that is large enough to be
	// of use, fs.pipe-user-pages-soft in pipe(7).
	ShortOfPages
	// ShortOtherwise: the system has another reason.
	ShortOtherwise
	// Shortages is how many there are.
	Shortages
)

var shortageNames = [Shortages]string{"stalled", "descriptors", "pages", "other"}

func (s Shortage) String() string { return shortageNames[s] }

// LoopFigures are those of one event loop.
type LoopFigures struct {
	// Busy is for how long it has been at the events that it fetched last; 0: it
	// waits for some.
	Busy time.Duration
	Lag  Lag
}

// Lag is how long events and timers have waited for their loop, as far as any
// did: a round that finds work waiting counts as long as the one before it took,
// and a timer as long as it was late.
type Lag struct {
	Counts [len(LagBounds) + 1]uint64 // by bound, not added up; the last is of all that took longer
	Sum    time.Duration
}

// LagBounds are the upper bounds of the counts of a Lag.
var LagBounds = [...]time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond,
	100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}

func (b *budget) figures() Figures { return Figures{Held: b.held.Load(), HeldLimit: b.limit} }

// ErrStuck is an event loop that does not move.
var ErrStuck = errors.New("event loop does not move")
