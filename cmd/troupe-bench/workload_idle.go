package main

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"
)

func idleWorkload() workload {
	return workload{
		name: "idle", about: "sessions held open: what one more of them takes", holds: true,
		metrics: []metric{{"resident KiB per session", false}, {"files per session", false}},
		run:     runIdle,
	}
}

// runIdle compares the proxy at two counts of idle sessions, so that what it
// takes for itself falls out.
func runIdle(ctx context.Context, p *subject, s *sizes) (outcome, error) {
	k, err := newSink(echo)
	if err != nil {
		return outcome{}, err
	}
	h := &held{subject: p, upstream: k.addr()}
	defer h.close()
	defer k.close() // first, see echoOnce
	if err := h.grow(ctx, s.idle.low); err != nil {
		return outcome{}, err
	}
	low, known := settledUsage(ctx, p, s.settle)
	count := s.idle
	if known {
		count.high = s.bearable(count, low)
	}
	if err := h.grow(ctx, count.high); err != nil {
		return outcome{}, err
	}
	if !known {
		return outcome{values: []float64{math.NaN(), math.NaN()}}, nil
	}
	high, known := settledUsage(ctx, p, s.settle)
	if !known {
		return outcome{}, fmt.Errorf("the proxy is gone")
	}
	more := float64(count.high - count.low)
	return outcome{values: []float64{
		float64(high.resident-low.resident) / 1024 / more,
		float64(high.files-low.files) / more,
	}}, nil
}

// bearable is how many sessions a proxy can hold that was seen with the lower
// count: it has the same limit of files as this program, and may take more of it.
func (s *sizes) bearable(count countPair, seen usageReading) int {
	if s.files == 0 {
		return count.high
	}
	return min(count.high, max(count.low+1, (s.files-spareFiles)*count.low/seen.files))
}

// held is a growing number of open sessions. One goroutine uses it.
type held struct {
	subject  *subject
	upstream netip.AddrPort

	mu       sync.Mutex // while it grows
	sessions []*session
}

// grow opens sessions until there are n. Each echoes once: a session between
// two messages has carried something before. Any failure fails the whole, since
// what is counted per session needs the count to be right.
func (h *held) grow(ctx context.Context, n int) error {
	missing := n - len(h.sessions)
	t, err := load{16, missing, func(ctx context.Context, _ int) error {
		c, err := open(ctx, h.subject, h.upstream, false)
		if err != nil {
			return err
		}
		h.mu.Lock()
		h.sessions = append(h.sessions, c)
		h.mu.Unlock()
		return trip(c)
	}}.run(ctx)
	if err == nil && t.errors > 0 {
		err = fmt.Errorf("%d of %d sessions could not be opened, the first: %w", t.errors, n, t.first)
	}
	return err
}

// close resets the sessions: thousands of ports in TIME_WAIT would burden what
// is measured next.
func (h *held) close() {
	for _, c := range h.sessions {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
}

// settledUsage reads the usage after a while, once the memory stays within 1 %
// for a second, or after five seconds more at most. It is false if usage cannot be read.
func settledUsage(ctx context.Context, p *subject, while time.Duration) (usageReading, bool) {
	if _, err := p.usage(); err != nil {
		return usageReading{}, false
	}
	select {
	case <-ctx.Done():
	case <-time.After(while):
	}
	last, err := p.usage()
	if err != nil {
		return last, false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	calm := -1 // the first look compares a reading with itself
	_ = poll(ctx, 250*time.Millisecond, func() bool {
		var now usageReading
		if now, err = p.usage(); err != nil {
			return true
		}
		change := math.Abs(float64(now.resident - last.resident))
		if calm++; change > float64(last.resident)/100 {
			calm = 0
		}
		last = now
		return calm >= 4
	})
	return last, err == nil
}
