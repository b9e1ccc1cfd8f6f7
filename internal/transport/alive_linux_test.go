package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestAlive: a loop that hangs is named, and nobody else is; one that moves again
// answers again.
func TestAlive(t *testing.T) {
	n := reactorOn(t, newBudget())
	if err := n.Alive(context.Background()); err != nil {
		t.Errorf("without a listener: got %v; want nil, there are no loops", err)
	}
	r := newCrowd(t, n, true)
	if err := n.Alive(context.Background()); err != nil {
		t.Errorf("all move: got %v; want nil", err)
	}
	second := r.listener.(*epollListener).crew.loops[1]
	hangs, release := make(chan struct{}), make(chan struct{})
	second.do(func() { close(hangs); <-release })
	wait(t, hangs, "the loop hangs")
	for range 3 { // asked again and again, it has one answer to give
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		err := n.Alive(ctx)
		cancel()
		if !errors.Is(err, ErrStuck) || !strings.Contains(err.Error(), "loop 2 of 2") || strings.Contains(err.Error(), "loop 1") {
			t.Errorf("the second hangs: got %v; want ErrStuck of loop 2 alone", err)
		}
	}
	if f := n.Figures(); f.Loops[1].Busy == 0 {
		t.Error("busy: got 0 of a loop that hangs; want more")
	}
	if beat := second.ask(); beat != second.ask() {
		t.Error("wake-ups: got two out at once; want one, however often it is asked")
	}
	close(release)
	if err := n.Alive(context.Background()); err != nil {
		t.Errorf("it moves again: got %v; want nil", err)
	}
}

// TestLag: what waits behind a long turn is late, and is counted as such.
func TestLag(t *testing.T) {
	r := newReactorRig(t, true)
	s := r.relayed()
	waiting := make(chan struct{})
	r.loop.do(func() {
		s.conn.SetTimer(time.Millisecond)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for start := r.loop.now(); r.loop.now()-start < moment(30*time.Millisecond); {
			<-tick.C
		}
		close(waiting)
	})
	wait(t, waiting, "the long turn is over")
	r.onLoop(func() {}) // a round more, in which the timer is due
	r.onLoop(func() {})
	f := r.loop.figures()
	var late uint64
	for i, n := range f.Lag.Counts {
		if i > 2 { // more than 20 ms
			late += n
		}
	}
	if late == 0 || f.Lag.Sum < 20*time.Millisecond {
		t.Errorf("lag: got %+v; want something that waited more than 20 ms", f.Lag)
	}
	s.part(t)
}
