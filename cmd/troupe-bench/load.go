package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxErrors is where a load stops: what fails that often needs no measuring.
const maxErrors = 100

// load is a number of operations, spread over clients that work at once.
type load struct {
	clients int
	total   int
	do      func(ctx context.Context, client int) error // one operation
}

// tally is what became of a load.
type tally struct {
	done    int
	errors  int
	first   error         // the first of the errors
	elapsed time.Duration // from the first operation to the last
	times   []time.Duration
}

// crew is a load while it runs.
type crew struct {
	load
	next, failed atomic.Int64

	mu    sync.Mutex
	tally tally
}

// run carries out the load and returns when every client has ended. An error
// means that operations are missing: it gave up, or the context ended.
func (l load) run(ctx context.Context) (*tally, error) {
	c := &crew{load: l}
	start := time.Now()
	var wg sync.WaitGroup
	for i := range min(l.clients, l.total) {
		wg.Go(func() { c.work(ctx, i) })
	}
	wg.Wait()
	t := &c.tally
	t.elapsed = time.Since(start)
	slices.Sort(t.times)
	switch {
	case ctx.Err() != nil:
		return t, fmt.Errorf("%d of %d done: %w", t.done, l.total, context.Cause(ctx))
	case t.done == 0:
		return t, fmt.Errorf("every operation failed, the first with: %w", t.first)
	case t.errors >= maxErrors:
		return t, fmt.Errorf("gave up after %d errors, the first: %w", t.errors, t.first)
	}
	return t, nil
}

// work is one client.
func (c *crew) work(ctx context.Context, client int) {
	var mine tally
	for ctx.Err() == nil && c.failed.Load() < maxErrors && c.next.Add(1) <= int64(c.total) {
		start := time.Now()
		if err := c.do(ctx, client); err != nil {
			c.failed.Add(1)
			mine.errors++
			if mine.first == nil {
				mine.first = err
			}
			continue
		}
		mine.done++
		mine.times = append(mine.times, time.Since(start))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.add(&mine)
}

func (t *tally) add(o *tally) {
	t.done += o.done
	t.errors += o.errors
	if t.first == nil {
		t.first = o.first
	}
	t.times = append(t.times, o.times...)
}

// quantile is the time that the share q, from 0 to 1, of the operations took at
// most. The times are sorted; without any it is 0.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// bill is what a load cost the proxy.
type bill struct {
	known     bool // by /proc; if not, the rest is zero
	processor time.Duration
	resident  int64 // bytes, afterwards
}

// billed runs a load and reads what it cost, once the sink's connections have
// ended.
func billed(ctx context.Context, p *subject, s *sink, l load) (*tally, bill, error) {
	before, err := p.usage()
	known := err == nil
	t, err := l.run(ctx)
	if err != nil || !known {
		return t, bill{}, err
	}
	s.settle(ctx)
	after, err := p.usage()
	if err != nil {
		return t, bill{}, fmt.Errorf("the proxy is gone: %w", err)
	}
	return t, bill{true, after.processor - before.processor, after.resident}, nil
}
