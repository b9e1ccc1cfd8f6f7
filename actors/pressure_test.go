package actors

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// anyMemory is a memory of which the test says how full it is.
type anyMemory struct {
	mu          sync.Mutex
	held, limit uint64
	garbage     uint64 // of held; what Renew finds
	renewed     int
}

func (m *anyMemory) Read() (held, limit uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held, m.limit
}

func (m *anyMemory) Renew() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.renewed++
	m.held -= m.garbage
	m.garbage = 0
}

// hold says how much is held, and how much of that is garbage that nobody knows of.
func (m *anyMemory) hold(held, garbage uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held, m.garbage = held, garbage
}

// TestShortOfMemory: new clients are turned away, sessions go on, the status says
// so, and when there is memory again all is as before.
func TestShortOfMemory(t *testing.T) {
	u := startUpstream(t)
	var log journal
	m := &anyMemory{held: 500, limit: 1000}
	tr := startTree(t, func(s *setup) { s.memory, s.log = m, log.logger() })
	inside := tr.mustOpen(u.addr)
	m.hold(990, 0)
	eventually(t, "the status to say so", func() bool { return !tr.status().Accepting })
	for range 3 {
		tr.wantTurnedAway()
	}
	tr.wantFailed(ReasonMemoryPressure, 3)
	must(t, inside.echo("inside"))
	if s := tr.status(); s.Drained || !strings.Contains(s.Failure, "990 of 1000 bytes") {
		t.Errorf("status is %+v; want it to say how much is held", s)
	}
	g := gather(t, tr.reg)
	if up, short, held := g.sum("proxy_listener_up"), g.sum("proxy_memory_pressure"), g.sum("proxy_memory_held_bytes"); up != 0 || short != 1 || held != 990 {
		t.Errorf("up %v, pressure %v, held %v; want 0, 1 and 990", up, short, held)
	}
	m.hold(890, 0)
	eventually(t, "the status to be well", func() bool { return tr.status().Accepting })
	must(t, errors.Join(tr.mustOpen(u.addr).finish(), inside.finish()))
	if info, warn := log.count(`level=INFO msg="there is memory again`), log.count(`level=WARN msg="memory is short`); info != 1 || warn != 1 {
		t.Errorf("%d lines say that it began and %d that it is over; want one each", warn, info)
	}
	tr.wantVacant()
}

// newPressure is one that nobody runs.
func newPressure(m *anyMemory) *pressure {
	return &pressure{memory: m, log: slog.New(slog.DiscardHandler), now: new(atomic.Pointer[pressed]), held: new(atomic.Uint64)}
}

// TestPressureBeginsAndEnds: it does not begin for garbage, does not end as soon as
// it might begin again, and is judged anew though nobody collects garbage.
func TestPressureBeginsAndEnds(t *testing.T) {
	m := &anyMemory{limit: 1000}
	p := newPressure(m)
	now := time.Now()
	for i, step := range []struct {
		after         time.Duration
		held, garbage uint64
		want          bool
		renewed       int
	}{
		{0, 949, 0, false, 0},
		{0, 960, 20, false, 1}, // it is 940
		{0, 960, 0, true, 2},
		{0, 940, 0, true, 2},
		{0, 900, 0, true, 2},
		{0, 899, 0, false, 2},
		{0, 949, 0, false, 2},
		{0, 950, 0, true, 3},
		{pressureRenew - 1, 980, 200, true, 3},
		{1, 980, 200, false, 4},
	} {
		m.hold(step.held, step.garbage)
		now = now.Add(step.after)
		p.look(now)
		if short := p.now.Load() != nil; short != step.want || m.renewed != step.renewed {
			t.Errorf("step %d: short %v, %d times looked for garbage; want %v and %d", i, short, m.renewed, step.want, step.renewed)
		}
	}
}

// TestNoLimitNoPressure: without a limit there is none, and one that is taken away
// ends it.
func TestNoLimitNoPressure(t *testing.T) {
	m := &anyMemory{limit: 100, held: 1 << 40}
	p := newPressure(m)
	p.look(time.Now())
	if p.now.Load() == nil {
		t.Error("there is no pressure far beyond the limit")
	}
	m.limit = 0
	p.look(time.Now())
	if p.now.Load() != nil {
		t.Error("there is pressure without a limit")
	}
}

func (m *anyMemory) renewals() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.renewed
}
