package limit

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTally(t *testing.T) {
	var tally Tally[string]
	for i, want := range []bool{true, true, false, false} {
		if got := tally.Enter("a", 2); got != want {
			t.Errorf("entry %d of at most 2: got %v; want %v", i+1, got, want)
		}
	}
	if !tally.Enter("b", 2) {
		t.Error("another key is refused; want each counted by itself")
	}
	tally.Leave("a")
	if !tally.Enter("a", 2) {
		t.Error("refused after one has left; want its place")
	}
	if tally.Enter("a", 1) {
		t.Error("let in under a lower limit; want the limit of the moment")
	}
	if !tally.Enter("a", 3) {
		t.Error("refused under a higher limit; want the limit of the moment")
	}
	for range 3 {
		tally.Leave("a")
	}
	tally.Leave("b")
	if got := tally.Keys(); got != 0 {
		t.Errorf("%d keys are held with nothing open; want 0", got)
	}
}

// TestTallyAtOnce: whoever comes at the same time, no more than the limit are in.
func TestTallyAtOnce(t *testing.T) {
	const most = 3
	var tally Tally[int]
	var in, entered atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if !tally.Enter(1, most) {
					continue
				}
				entered.Add(1)
				if n := in.Add(1); n > most {
					t.Errorf("%d are in; want at most %d", n, most)
				}
				in.Add(-1)
				tally.Leave(1)
			}
		})
	}
	all.Wait()
	if entered.Load() == 0 || tally.Keys() != 0 {
		t.Errorf("%d entered, %d keys are held; want some and none", entered.Load(), tally.Keys())
	}
}

func TestRate(t *testing.T) {
	r := NewRate[string](10)
	now := time.Unix(1_000_000, 0)
	take := func(n int) (taken int) {
		for range n {
			if r.Take("a", 5, now) {
				taken++
			}
		}
		return taken
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{
		{0, 5},                      // a second's worth at once
		{time.Millisecond, 0},       // and no more
		{200 * time.Millisecond, 1}, // but one each fifth of a second
		{400 * time.Millisecond, 2},
		{time.Hour, 5}, // never more than that, however long it was silent
	} {
		now = now.Add(step.after)
		if got := take(20); got != step.want {
			t.Errorf("%v later: %d began; want %d", step.after, got, step.want)
		}
	}
	if !r.Take("b", 5, now) {
		t.Error("another key is refused; want each counted by itself")
	}
}

// TestRateForgets: it remembers as many keys as it was made for, those heard last.
func TestRateForgets(t *testing.T) {
	r := NewRate[int](3)
	now := time.Unix(1_000_000, 0)
	for key := range 100 {
		r.Take(key, 1, now)
	}
	if got := r.Keys(); got != 3 {
		t.Errorf("%d keys are remembered; want 3", got)
	}
	if r.Take(99, 1, now) || !r.Take(0, 1, now) {
		t.Error("want the last key remembered and the first forgotten")
	}
}

func TestClient(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1/32",
		"::ffff:192.0.2.1":     "192.0.2.1/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		if got := Client(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("%s: got %v; want %v", addr, got, want)
		}
	}
	if got := Client(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: got %v; want none", got)
	}
}
