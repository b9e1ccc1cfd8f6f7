package supervise_test

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/supervise"
)

const (
	first  = 10 * time.Millisecond
	most   = 500 * time.Millisecond
	health = 10 * time.Second
)

func newBackoff() *supervise.Backoff {
	return &supervise.Backoff{First: first, Most: most, Health: health}
}

// nominal is the longest pause before restart n, counted from 0.
func nominal(n int) time.Duration {
	if n == 0 {
		return 0
	}
	pause := first
	for range n - 1 {
		pause = min(2*pause, most)
	}
	return pause
}

// A row of failures: the first is answered at once, each next pause is between
// half and all of its nominal length, and none is above the most.
func TestPausesDoubleUpToTheMost(t *testing.T) {
	for range 200 {
		b, now := newBackoff(), time.Unix(0, 0)
		for n := range 100 {
			pause := b.Next(now)
			if want := nominal(n); pause < want/2 || pause > want {
				t.Fatalf("pause %d is %v; want between %v and %v", n, pause, want/2, want)
			}
			// The child lives for a while, but not long enough.
			now = now.Add(pause + time.Duration(rand.Int64N(int64(health))))
		}
	}
}

func TestPausesAreSpread(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 100 {
		b := newBackoff()
		b.Next(time.Unix(0, 0))
		seen[b.Next(time.Unix(0, 0))] = true
	}
	if len(seen) < 10 {
		t.Errorf("100 children return at only %d different times", len(seen))
	}
}

// A child that lived for the time of health, counted from its restart and not
// from its failure, starts afresh.
func TestHealthStartsAfresh(t *testing.T) {
	tests := []struct {
		name  string
		lived time.Duration
		fresh bool
	}{
		{"less than its health", health - 1, false},
		{"its health", health, true},
		{"longer", 10 * health, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, now := newBackoff(), time.Unix(0, 0)
			var pause time.Duration
			for range 20 {
				pause = b.Next(now)
				now = now.Add(pause)
			}
			if got := b.Next(now.Add(tt.lived)); (got == 0) != tt.fresh {
				t.Errorf("paused %v after it lived %v; want at once: %v", got, tt.lived, tt.fresh)
			}
		})
	}
}

// Neither a day of failures nor a limit below the first pause overflows.
func TestPausesKeepTheirLimits(t *testing.T) {
	for _, b := range []*supervise.Backoff{
		{First: time.Hour, Most: time.Minute, Health: time.Hour},
		{First: 1, Most: 1 << 62, Health: 1 << 62},
		{First: time.Nanosecond, Most: time.Nanosecond, Health: time.Hour},
	} {
		for n := range 1000 {
			if pause := b.Next(time.Unix(0, 0)); pause < 0 || pause > b.Most || n == 0 && pause != 0 {
				t.Fatalf("pause %d is %v; want at most %v", n, pause, b.Most)
			}
		}
	}
}

func TestReason(t *testing.T) {
	cause := errors.New("cause")
	if got := supervise.Reason(cause); !errors.Is(got, cause) {
		t.Errorf("reason of an error is %v; want the error", got)
	}
	if got := supervise.Reason(42).Error(); got != "panic: 42" {
		t.Errorf("reason of 42 is %q; want it told", got)
	}
}

func TestContainLogsAndGoesOn(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	ran := false
	supervise.Contain(log, func() { ran = true })
	if !ran || out.Len() > 0 {
		t.Errorf("ran %v, logged %q; want it run and nothing said", ran, out.String())
	}
	supervise.Contain(log, failingCleanup)
	for _, want := range []string{"level=ERROR", "socket is stuck", "failingCleanup"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("logged %q; want %q in it", out.String(), want)
		}
	}
}

func failingCleanup() { panic("socket is stuck") }
