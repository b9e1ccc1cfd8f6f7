package transport

import (
	"testing"
	"time"
)

// TestPace: what is reserved comes in its turn, a twentieth of a second at once
// after silence, and what is given back can be had again.
func TestPace(t *testing.T) {
	p := NewPace(20_000)
	now := time.Unix(1_000_000, 0)
	reserve := func(n int, want time.Duration) {
		t.Helper()
		if got := p.reserve(Client, n, now); got != want {
			t.Errorf("%d bytes wait %v; want %v", n, got, want)
		}
	}
	if got := p.share(); got != 1024 {
		t.Errorf("a share is %d; want 1024, more than a twentieth", got)
	}
	reserve(1000, 0)
	reserve(1000, 0)
	reserve(1000, 50*time.Millisecond)
	reserve(1000, 100*time.Millisecond)
	p.giveBack(Client, 1000)
	reserve(1000, 100*time.Millisecond)
	if got := p.reserve(Upstream, 1000, now); got != 0 {
		t.Errorf("the other direction waits %v; want 0", got)
	}
	now = now.Add(time.Hour)
	reserve(1000, 0)
	reserve(1000, 0)
	p.Set(2000)
	reserve(1000, 50*time.Millisecond)
	reserve(1000, 550*time.Millisecond)
	p.Set(0)
	if p.rate != SlowestPace {
		t.Errorf("a pace of 0 is %d; want %d", p.rate, SlowestPace)
	}
}

// TestPaces: of two, the slower one says how long, and both are used.
func TestPaces(t *testing.T) {
	all := paces{NewPace(100_000), NewPace(10_000_000)}
	now := time.Unix(1_000_000, 0)
	if got := all.share(); got != 5000 {
		t.Errorf("a share is %d; want 5000", got)
	}
	all.reserve(Client, 10_000, now)
	if got, want := all.reserve(Client, 10_000, now), 50*time.Millisecond; got != want {
		t.Errorf("waits %v; want %v", got, want)
	}
	all.giveBack(Client, 10_000)
	all.giveBack(Client, 10_000)
	if got := all.reserve(Client, 1, now); got != 0 {
		t.Errorf("waits %v after all was given back; want 0", got)
	}
}
