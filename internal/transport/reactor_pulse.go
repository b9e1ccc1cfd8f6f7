//go:build linux

package transport

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// pulse is what others may see of how a loop moves. It writes a word when it
// begins to wait and one when it ends, and the clock is one that it reads anyhow.
type pulse struct {
	busy   atomic.Int64  // the moment of the events at hand; 0: it waits for some
	beat   chan struct{} // closed by the answer to a wake-up; nil: none is out; guarded by the loop's mu
	counts [len(LagBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

// late notes that something has waited for the loop.
func (p *pulse) late(by moment) {
	i := 0
	for i < len(LagBounds) && time.Duration(by) > LagBounds[i] {
		i++
	}
	p.counts[i].Add(1)
	p.sum.Add(int64(by))
}

// begin is the start of a round. found: there was work when the loop looked, and
// so it may have waited for all of the round before.
func (l *loop) begin(found bool) {
	now := l.now()
	if found {
		l.pulse.late(now - l.tick)
	}
	l.tick = now
	l.pulse.busy.Store(int64(now))
}

// figures may be called by any goroutine.
func (l *loop) figures() LoopFigures {
	var f LoopFigures
	if since := l.pulse.busy.Load(); since != 0 {
		f.Busy = time.Duration(max(l.now()-moment(since), 0))
	}
	for i := range f.Lag.Counts {
		f.Lag.Counts[i] = l.pulse.counts[i].Load()
	}
	f.Lag.Sum = time.Duration(l.pulse.sum.Load())
	return f
}

// ask posts a wake-up and returns what its answer closes. There is one at a time,
// however many ask a loop that does not answer.
func (l *loop) ask() <-chan struct{} {
	l.mu.Lock()
	beat := l.pulse.beat
	if beat != nil {
		l.mu.Unlock()
		return beat
	}
	beat = make(chan struct{})
	l.pulse.beat = beat
	l.mu.Unlock()
	l.do(l.answer)
	return beat
}

// answer is the job of a wake-up.
func (l *loop) answer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.pulse.beat)
	l.pulse.beat = nil
}

// borrow returns the loops at work, in use by the caller until it calls dismiss;
// nil: there are none.
func (r *reactor) borrow() *crew {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.crew == nil || !r.crew.join() {
		return nil
	}
	return r.crew
}

// Alive implements Network.
func (r *reactor) Alive(ctx context.Context) error {
	w := r.borrow()
	if w == nil {
		return nil
	}
	defer w.dismiss()
	beats := make([]<-chan struct{}, len(w.loops))
	for i, l := range w.loops {
		beats[i] = l.ask()
	}
	var stuck []error
	for i, beat := range beats {
		if !awaitBeat(ctx, beat) {
			stuck = append(stuck, fmt.Errorf("%w: loop %d of %d, at the same events for %v",
				ErrStuck, i+1, len(w.loops), w.loops[i].figures().Busy.Round(time.Millisecond)))
		}
	}
	return errors.Join(stuck...)
}

// awaitBeat says whether a loop has answered; what has happened counts, also when
// ctx has ended meanwhile.
func awaitBeat(ctx context.Context, beat <-chan struct{}) bool {
	select {
	case <-beat:
		return true
	case <-ctx.Done():
	}
	select {
	case <-beat:
		return true
	default:
		return false
	}
}

// Figures implements Network.
func (r *reactor) Figures() Figures {
	f := r.budget.figures()
	w := r.borrow()
	if w == nil {
		return f
	}
	defer w.dismiss()
	for _, l := range w.loops {
		f.Loops = append(f.Loops, l.figures())
		p := l.pipes.figures(l.now())
		f.Pipes.Lent += p.Lent
		f.Pipes.Stalled += p.Stalled
		f.Pipes.Spare += p.Spare
		for i, n := range p.Refused {
			f.Pipes.Refused[i] += n
		}
	}
	return f
}
