package main

import (
	"context"
	"errors"
)

func roundtripWorkload() workload {
	return workload{
		name: "roundtrip", about: "64 bytes there and back, over sessions held open",
		metrics: []metric{
			{"median µs", false},
			{"99th percentile µs", false},
			{"processor µs per round trip", false},
		},
		run: runRoundtrip,
	}
}

func runRoundtrip(ctx context.Context, p *subject, s *sizes) (outcome, error) {
	k, err := newSink(echo)
	if err != nil {
		return outcome{}, err
	}
	h := &held{subject: p, upstream: k.addr()}
	defer h.close()
	defer k.close() // first, see echoOnce
	if err := h.grow(ctx, s.trippers); err != nil {
		return outcome{}, err
	}
	before, err := p.usage()
	known := err == nil
	t, err := load{s.trippers, s.roundtrips, func(_ context.Context, client int) error {
		return trip(h.sessions[client])
	}}.run(ctx)
	if err != nil {
		return outcome{}, err
	}
	// The sessions stay open while the second reading is taken: opening and
	// closing them is not part of a round trip.
	after, err := p.usage()
	if known && err != nil {
		return outcome{}, errors.Join(errors.New("the proxy is gone"), err)
	}
	b := bill{known: known, processor: after.processor - before.processor}
	return t.gave(inMicros(quantile(t.times, 0.5)), inMicros(quantile(t.times, 0.99)), b.microsEach(t.done)), nil
}
