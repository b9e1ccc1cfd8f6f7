package pool

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

// state is one value of the pool and what is known of it.
type state[S any] struct {
	value S
	born  time.Time
	uses  int64
	epoch uint64
}

// sweepEvery is how often spare states are looked through for those that are
// too old, as in KumoMTA.
const sweepEvery = 30 * time.Second

// take gives a spare state, or builds one. The one used last is the first to be
// lent: it is warm, and those that are not needed grow old.
func (p *Pool[S]) take(ctx context.Context) (*state[S], error) {
	for {
		s, epoch := p.takeOne()
		if s == nil {
			return p.build(ctx, epoch)
		}
		if p.usable(s, epoch) {
			return s, nil
		}
		p.discard([]*state[S]{s})
	}
}

func (p *Pool[S]) takeOne() (s *state[S], epoch uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.spare); n > 0 {
		s = p.spare[n-1]
		p.spare[n-1] = nil
		p.spare = p.spare[:n-1]
		p.options.Meter.spare.Add(-1)
	}
	return s, p.epoch
}

// usable says whether a state may serve one more call.
func (p *Pool[S]) usable(s *state[S], epoch uint64) bool {
	l := p.options.Limits
	return s.epoch == epoch && s.uses < max(l.maxUses.Load(), 1) &&
		time.Since(s.born) < time.Duration(l.maxAge.Load())
}

func (p *Pool[S]) build(ctx context.Context, epoch uint64) (*state[S], error) {
	began := time.Now()
	value, err := p.options.Build(ctx)
	p.options.Meter.event(Building).took(time.Since(began))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBuild, err)
	}
	p.options.Meter.loads.Add(1)
	p.options.Meter.states.Add(1)
	return &state[S]{value: value, born: began, epoch: epoch}, nil
}

// put gives a state back that served a call well.
func (p *Pool[S]) put(s *state[S]) {
	s.uses++
	p.mu.Lock()
	room := !p.closed && len(p.spare) < p.room() && p.usable(s, p.epoch)
	if room {
		p.spare = append(p.spare, s)
		p.options.Meter.spare.Add(1)
		if p.sweep == nil {
			p.sweep = time.AfterFunc(sweepEvery, p.sweepSpare)
		}
	}
	collect := p.collectNow()
	p.mu.Unlock()
	if !room {
		p.discard([]*state[S]{s})
	}
	if collect {
		runtime.GC()
	}
}

func (p *Pool[S]) room() int {
	return int(min(int64(p.options.Size), p.options.Limits.maxSpare.Load()))
}

// collectNow says whether this put is one that collects garbage.
func (p *Pool[S]) collectNow() bool {
	percent := p.options.Limits.gcPercent.Load()
	if percent <= 0 || rand.Int64N(100) >= percent || time.Since(p.collected) < time.Second {
		return false
	}
	p.collected = time.Now()
	return true
}

// sweepSpare drops the spare states that nobody has needed for too long.
func (p *Pool[S]) sweepSpare() {
	p.mu.Lock()
	var old []*state[S]
	p.spare = slices.DeleteFunc(p.spare, func(s *state[S]) bool {
		if p.usable(s, p.epoch) {
			return false
		}
		old = append(old, s)
		return true
	})
	if surplus := len(p.spare) - p.room(); surplus > 0 {
		old = append(old, p.spare[:surplus]...)
		p.spare = slices.Delete(p.spare, 0, surplus)
	}
	p.options.Meter.spare.Add(-int64(len(old)))
	p.sweep = nil
	if len(p.spare) > 0 {
		p.sweep = time.AfterFunc(sweepEvery, p.sweepSpare)
	}
	p.mu.Unlock()
	p.discard(old)
}

// takeSpare empties the spare states, under the lock; the caller discards them.
func (p *Pool[S]) takeSpare() []*state[S] {
	all := p.spare
	p.spare = nil
	p.options.Meter.spare.Add(-int64(len(all)))
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
	return all
}

// discard frees states. A panic over one of them must not cost the others, nor
// the goroutine of a timer.
func (p *Pool[S]) discard(all []*state[S]) {
	for _, s := range all {
		p.options.Meter.states.Add(-1)
		_ = protect(func() error { p.options.Close(s.value); return nil })
	}
}
