package pool

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// call is one run of a function on a state.
type call[S any] struct {
	pool *Pool[S]
	ctx  context.Context
	f    func(context.Context, S) error
	err  error         // valid once done is closed
	done chan struct{} // closed when f has returned in time
	// settled by whoever is first: the goroutine that has finished, or the caller
	// who waits no longer.
	settled atomic.Bool
}

func (p *Pool[S]) do(ctx context.Context, f func(context.Context, S) error) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer func() { <-p.slots }()
	if !p.begin() {
		return ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if p.options.Deadline > 0 {
		timed, stop := context.WithTimeoutCause(ctx, p.options.Deadline, ErrDeadline)
		defer stop()
		ctx = timed
	}
	w := p.watchdog.enter(cancel)
	defer p.watchdog.leave(w)

	c := &call[S]{pool: p, ctx: ctx, f: f, done: make(chan struct{})}
	go c.run()
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	if c.abandon() {
		return context.Cause(ctx)
	}
	<-c.done // it has finished this moment
	return c.err
}

// lastWords is how long a call whose context has ended may take to say where it
// was. Lua code notices within microseconds; a library function may never.
const lastWords = 50 * time.Millisecond

// abandon gives the call up whose context has ended, unless it returns now.
func (c *call[S]) abandon() bool {
	patience := time.NewTimer(lastWords)
	defer patience.Stop()
	select {
	case <-c.done:
		return false
	case <-patience.C:
	}
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	if !c.settled.CompareAndSwap(false, true) {
		return false
	}
	c.pool.abandoned++
	c.pool.options.Meter.abandoned.Add(1)
	return true
}

// begin books the goroutine of a call, unless the pool is closed.
func (p *Pool[S]) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.running++
	return true
}

// ended is the last thing that the goroutine of a call does.
func (p *Pool[S]) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if p.closed && p.running == 0 {
		close(p.gone)
	}
}

// run is the goroutine of a call.
func (c *call[S]) run() {
	defer c.pool.ended()
	var s *state[S]
	err := protect(func() (err error) {
		if s, err = c.pool.take(c.ctx); err != nil {
			return err
		}
		return c.f(c.ctx, s.value)
	})
	inTime := c.settled.CompareAndSwap(false, true)
	switch {
	case s == nil:
	case inTime && err == nil:
		// Given back before the caller goes on, who may need it for the next call.
		c.pool.put(s)
	default:
		c.pool.discard([]*state[S]{s})
	}
	if !inTime {
		c.pool.returned()
		return
	}
	c.err = c.blame(err)
	close(c.done)
}

// blame makes sure that an error which came of the context's end is known by its
// cause, whatever words it was given.
func (c *call[S]) blame(err error) error {
	if cause := context.Cause(c.ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// returned counts an abandoned call no longer.
func (p *Pool[S]) returned() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abandoned--
	p.options.Meter.abandoned.Add(-1)
}

// protect calls f and turns a panic into a *Panic.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
