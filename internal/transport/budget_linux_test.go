package transport

import (
	"testing"
	"time"
)

const (
	crowdSize   = 12
	crowdBudget = 4 * smallBuffer
)

func smallBudget() *budget { return &budget{limit: crowdBudget} }

func reactorOn(t *testing.T, shared *budget) Network {
	t.Helper()
	n, err := newReactor(ReactorOptions{Loops: 2}, shared)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestBudget: many clients that never read cost no more memory than the budget;
// a session beside them goes on; when they read again, they get all of it.
func TestBudget(t *testing.T) {
	goroutines := func(plain bool) func(*testing.T, *budget) Network {
		return func(_ *testing.T, b *budget) Network { return newGoroutines(Options{PlainSockets: plain}, b) }
	}
	for _, c := range []struct {
		name   string
		open   func(*testing.T, *budget) Network
		splice bool
		over   int64 // what may be held beyond the budget
	}{
		{"reactor", reactorOn, true, smallBuffer},
		{"reactor without splice", reactorOn, false, smallBuffer},
		{"goroutines", goroutines(false), true, crowdSize * tinyBuffer},
		{"package net", goroutines(true), true, crowdSize * tinyBuffer},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.open(t, smallBudget())
			r := newCrowd(t, n, c.splice)
			all := r.stalled(crowdSize)
			f := n.Figures()
			if f.Held == 0 && !c.splice || f.Held > f.HeldLimit+c.over {
				t.Errorf("held of %d stalled sessions: got %d bytes; want some, at most %d and %d more", crowdSize, f.Held, f.HeldLimit, c.over)
			}
			r.brisk(2 << 20)
			r.recover(all)
			if f := n.Figures(); f.Held != 0 {
				t.Errorf("held when all have ended: got %d bytes; want none", f.Held)
			}
		})
	}
}

// TestFewPipes: the pipes of clients that never read are bounded. A stalled one
// makes room for another while the quota lasts, a session beside them is copied,
// and what the pipes held is not lost.
func TestFewPipes(t *testing.T) {
	n := reactorOn(t, newBudget())
	r := newCrowd(t, n, true)
	const most, quota = 1, 2 // for each of two loops, and for both
	n.(*reactor).quota.limit = quota
	for _, l := range r.listener.(*epollListener).crew.loops {
		done := make(chan struct{})
		l.do(func() { defer close(done); l.pipes.most = most })
		wait(t, done, "the loop answers")
	}
	all := r.stalled(crowdSize / 2)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(testPatience)
	for n.Figures().Pipes.Stalled < min(2*most, quota) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("pipes: got %+v; want them stalled", n.Figures().Pipes)
		}
	}
	all = append(all, r.stalled(crowdSize/2)...)
	p := n.Figures().Pipes
	if got, want := p.Lent+p.Stalled, 2*most+quota; got > want || p.Refused[ShortOfTurns] == 0 {
		t.Errorf("pipes out: got %+v; want at most %d, and refusals for want of turns", p, want)
	}
	r.brisk(8 << 20)
	r.recover(all)
	p = n.Figures().Pipes
	if p.Lent != 0 || p.Stalled != 0 || n.(*reactor).quota.used.Load() != 0 {
		t.Errorf("pipes out when all have ended: got %+v, %d of the quota; want none", p, n.(*reactor).quota.used.Load())
	}
}

// TestLargeBuffers: directions that stall with one are bounded too.
func TestLargeBuffers(t *testing.T) {
	b := newBuffers(newBudget())
	var out []*buffer
	large := 0
	for range 2 * largeLent {
		one := b.get(largeBuffer)
		if len(one.space) == largeBuffer {
			large++
		}
		out = append(out, one)
	}
	if large != largeLent {
		t.Errorf("large buffers out: got %d; want %d", large, largeLent)
	}
	for _, one := range out {
		one.free()
	}
	if one := b.get(largeBuffer); len(one.space) != largeBuffer || b.budget.held.Load() != largeBuffer {
		t.Errorf("after all came back: got %d bytes of room, %d held; want %d and %d", len(one.space), b.budget.held.Load(), largeBuffer, largeBuffer)
	}
}
