package pool

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Building is the event under which the building of states is timed, by the
// name that KumoMTA gives it.
const Building = "context-creation"

// Meter has the figures of any number of pools. It outlives them, so that a
// counter does not fall when a policy is loaded anew. Its methods may be called
// from any goroutine.
type Meter struct {
	states, spare, abandoned, waiting atomic.Int64
	loads, refused, dropped           atomic.Uint64

	mu     sync.RWMutex
	events map[string]*eventMeter
	timers map[string]*eventMeter // by label
}

// NewMeter has all figures at zero.
func NewMeter() *Meter {
	return &Meter{events: make(map[string]*eventMeter), timers: make(map[string]*eventMeter)}
}

// eventMeter counts the calls of one event.
type eventMeter struct {
	started, failed atomic.Uint64
	count           atomic.Uint64
	nanoseconds     atomic.Uint64
	buckets         [len(bounds)]atomic.Uint64 // each without those below it
}

// bounds are the upper bounds of the latency buckets in seconds. The lowest are
// there because a handler that compares strings takes microseconds.
var bounds = [...]float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Snapshot is what a Meter has counted at one moment.
type Snapshot struct {
	States    int64  // that exist: lent, spare or abandoned
	Spare     int64  // that wait for a call
	Abandoned int64  // whose call outlived its deadline and has not returned
	Waiting   int64  // calls that wait for their turn
	Loads     uint64 // states ever built
	Refused   uint64 // calls that found no state in time
	Dropped   uint64 // calls that nobody waits for and that were never made
	Events    map[string]Event
	Timers    map[string]Event // what scripts have timed themselves, by label
}

// Event is what a Meter has counted for one event.
type Event struct {
	Started uint64
	Failed  uint64
	// Count calls took Seconds together; Buckets are cumulative, by upper bound
	// in seconds.
	Count   uint64
	Seconds float64
	Buckets map[float64]uint64
}

// Snapshot reads all figures. They are not of quite the same moment.
func (m *Meter) Snapshot() Snapshot {
	s := Snapshot{
		States: m.states.Load(), Spare: m.spare.Load(), Abandoned: m.abandoned.Load(), Waiting: m.waiting.Load(),
		Loads: m.loads.Load(), Refused: m.refused.Load(), Dropped: m.dropped.Load(),
		Events: make(map[string]Event),
	}
	s.Timers = make(map[string]Event)
	m.mu.RLock()
	defer m.mu.RUnlock()
	for name, e := range m.events {
		s.Events[name] = e.snapshot()
	}
	for label, e := range m.timers {
		s.Timers[label] = e.snapshot()
	}
	return s
}

func (e *eventMeter) snapshot() Event {
	s := Event{
		Started: e.started.Load(), Failed: e.failed.Load(),
		Seconds: time.Duration(e.nanoseconds.Load()).Seconds(), Buckets: make(map[float64]uint64, len(bounds)),
	}
	var below uint64
	for i, bound := range bounds {
		below += e.buckets[i].Load()
		s.Buckets[bound] = below
	}
	// Read last: a bucket above the count of all would be no histogram.
	s.Count = max(e.count.Load(), below)
	return s
}

// event is the page of one event. Events are those that a policy has handlers
// for, so that there are few.
func (m *Meter) event(name string) *eventMeter {
	return m.page(m.events, label(name), math.MaxInt)
}

// label is a name as the label of a metric: that is UTF-8, and two must not become one
// there.
func label(name string) string { return strings.ToValidUTF8(name, "?") }

// mostTimers is how many labels of timers are told apart. Scripts make labels at
// run time; those beyond count as one.
const (
	mostTimers   = 100
	longestTimer = 100 // bytes of a label
	otherTimer   = "other"
)

// Timed counts a time that a script has taken, under a label of its own.
func (m *Meter) Timed(name string, took time.Duration) {
	name = label(name)
	if len(name) > longestTimer {
		name = otherTimer
	}
	m.page(m.timers, name, mostTimers).took(took)
}

// page is that of a name, or of the others when there are too many names.
func (m *Meter) page(book map[string]*eventMeter, name string, most int) *eventMeter {
	m.mu.RLock()
	e := book[name]
	m.mu.RUnlock()
	if e != nil {
		return e
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(book) >= most {
		name = otherTimer
	}
	if e = book[name]; e == nil {
		e = &eventMeter{}
		book[name] = e
	}
	return e
}

func (e *eventMeter) took(d time.Duration) {
	e.nanoseconds.Add(uint64(d))
	e.count.Add(1)
	for i, bound := range bounds {
		if d.Seconds() <= bound {
			e.buckets[i].Add(1)
			return
		}
	}
}

// Drop counts a call that is not made because too many wait already.
func (m *Meter) Drop() { m.dropped.Add(1) }
