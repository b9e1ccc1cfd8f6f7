package main

import (
	"context"
	"math"
)

// scaleFew is how many idle sessions are few.
const scaleFew = 100

func scaleWorkload() workload {
	return workload{
		name: "scale", holds: true,
		about: "sessions beside 100 idle ones, and beside as many as --idle says at most",
		metrics: []metric{
			{"processor µs per session, few idle", false},
			{"processor µs per session, many idle", false},
			{"times as much", false},
		},
		run: runScale,
	}
}

// runScale compares what a session costs the proxy at two counts of idle ones.
func runScale(ctx context.Context, p *subject, s *sizes) (outcome, error) {
	idle, err := newSink(echo)
	if err != nil {
		return outcome{}, err
	}
	h := &held{subject: p, upstream: idle.addr()}
	defer h.close()
	defer idle.close() // first, see echoOnce
	busy, err := newSink(echoOnce)
	if err != nil {
		return outcome{}, err
	}
	defer busy.close()
	beside := func(n int) (*tally, float64, error) {
		if err := h.grow(ctx, n); err != nil {
			return nil, 0, err
		}
		t, b, err := billed(ctx, p, busy, load{s.clients, s.sessions, func(ctx context.Context, _ int) error {
			return openEchoClose(ctx, p, busy.addr(), false)
		}})
		if err != nil {
			return nil, 0, err
		}
		return t, b.microsEach(t.done), nil
	}
	count := countPair{min(scaleFew, s.idle.low), s.idle.high}
	first, few, err := beside(count.low)
	if err != nil {
		return outcome{}, err
	}
	if seen, err := p.usage(); err == nil {
		count.high = max(count.low+1, s.bearable(count, seen)-s.clients)
	}
	t, many, err := beside(count.high)
	if err != nil {
		return outcome{}, err
	}
	t.add(first)
	times := math.NaN()
	if few > 0 {
		times = many / few
	}
	return t.gave(few, many, times), nil
}
