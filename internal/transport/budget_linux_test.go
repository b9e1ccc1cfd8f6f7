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
	n, err := newReactor(ReactorOptions{Loops: 1}, newBudget())
	if err != nil {
		t.Fatal(err)
	}
	r := newCrowd(t, n, true)
	const most, quota = 2, 1
	n.(*reactor).quota.limit = quota
	l, done := r.listener.(*epollListener).crew.loops[0], make(chan struct{})
	l.do(func() { defer close(done); l.pipes.most = most })
	wait(t, done, "the loop answers")
	all := r.stalled(crowdSize / 2)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(testPatience)
	for n.Figures().Pipes.Stalled < most {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("pipes: got %+v; want them stalled", n.Figures().Pipes)
		}
	}
	all = append(all, r.stalled(crowdSize/2)...)
	p := n.Figures().Pipes
	if got, want := p.Lent+p.Stalled, most+quota; got != want || p.Refused[ShortOfTurns] == 0 {
		t.Errorf("pipes out: got %+v; want %d, and refusals for want of turns", p, want)
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

// TestStalledPipeMoves: a pipe that moves again is one of those at work again, and
// leaves the quota to others.
func TestStalledPipeMoves(t *testing.T) {
	q := &pipeQuota{limit: 1}
	s := pipes{open: func() (*pipe, error) { return &pipe{r: -1, w: -1}, nil }, quota: q, most: 1}
	first := s.take(1)
	first.stall(1)
	if s.take(pipeStall) != nil {
		t.Error("before it has stalled for long: got another pipe; want none")
	}
	now := 1 + pipeStall + pipesLook
	second := s.take(now)
	if second == nil || q.used.Load() != 1 {
		t.Fatalf("once it has: got %v, %d of the quota; want another pipe and 1", second, q.used.Load())
	}
	second.stall(now)
	if s.take(now+2*pipeStall) != nil {
		t.Error("with the quota used up: got another pipe; want none")
	}
	s.moved(first)
	s.moved(second)
	if f := s.figures(now + 2*pipeStall); q.used.Load() != 0 || f.Stalled != 0 || f.Lent != 2 || f.Refused[ShortOfTurns] != 2 {
		t.Errorf("once both move: got %d of the quota, %+v; want none, 2 lent and 2 refusals", q.used.Load(), f)
	}
	s.give(first)
	s.give(second)
	if s.take(now) == nil {
		t.Error("when both are back: got none; want a pipe")
	}
}
