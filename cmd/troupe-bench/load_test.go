package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

var errOdd = errors.New("odd")

// TestLoadCounts: each operation is done once, and is in the tally.
func TestLoadCounts(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	got, err := load{clients: 4, total: 101, do: func(context.Context, int) error {
		if calls.Add(1)%2 == 1 {
			return errOdd
		}
		return nil
	}}.run(t.Context())
	must(t, err)
	if calls.Load() != 101 || got.done != 50 || got.errors != 51 || len(got.times) != 50 || !errors.Is(got.first, errOdd) {
		t.Errorf("got %d calls, %d done, %d errors, %d times, first %v; want 101, 50, 51, 50, odd",
			calls.Load(), got.done, got.errors, len(got.times), got.first)
	}
}

func TestLoadGivesUp(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	_, err := load{clients: 1, total: 1000, do: func(context.Context, int) error {
		if calls.Add(1) == 1 {
			return nil
		}
		return errOdd
	}}.run(t.Context())
	if !errors.Is(err, errOdd) || calls.Load() != 1+maxErrors {
		t.Errorf("got error %v after %d calls; want odd after %d", err, calls.Load(), 1+maxErrors)
	}
}

func TestLoadEndsWithContext(t *testing.T) {
	t.Parallel()
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := load{clients: 2, total: 1000, do: func(context.Context, int) error {
		cancel(over)
		return nil
	}}.run(ctx)
	if !errors.Is(err, over) {
		t.Errorf("got error %v; want over", err)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		times []time.Duration
		q     float64
		want  time.Duration
	}{
		{nil, 0.5, 0}, {hundred[:1], 0.99, 1}, {hundred, 0, 1}, {hundred, 0.5, 51}, {hundred, 0.99, 100}, {hundred, 1, 100},
	} {
		if got := quantile(c.times, c.q); got != c.want {
			t.Errorf("quantile %v of %d: got %d; want %d", c.q, len(c.times), got, c.want)
		}
	}
}
