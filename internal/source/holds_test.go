package source

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func apply(t *testing.T, table *Table, now time.Time, c Change) Done {
	t.Helper()
	done, err := table.Apply(c, now)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestHoldsOverEachOther: the smallest network counts, what is resumed is out of
// wider holds too, and what ends leaves the wider one in force.
func TestHoldsOverEachOther(t *testing.T) {
	table := NewTable(nil)
	wide, narrow, one := network("192.0.2.0/24"), network("192.0.2.0/28"), network("192.0.2.5/32")
	want := func(step string, now time.Time, of map[string]Standing) {
		t.Helper()
		for text, standing := range of {
			if got := table.holds.Load().of(addr(text), now).Standing; got != standing {
				t.Errorf("%s: %s: got %v; want %v", step, text, got, standing)
			}
		}
	}
	apply(t, table, noon, Change{Network: narrow, Standing: Draining, For: time.Minute})
	apply(t, table, noon, Change{Network: wide, Standing: Paused, For: time.Hour, By: "ann"})
	want("a wider one", noon, map[string]Standing{"192.0.2.5": Draining, "192.0.2.99": Paused, "192.0.3.1": Serving})
	want("the narrow one is over", noon.Add(time.Minute), map[string]Standing{"192.0.2.5": Paused, "192.0.2.99": Paused})
	done := apply(t, table, noon, Change{Network: one, Standing: Serving})
	if len(done.Ended) != 1 || done.Ended[0].Network != narrow {
		t.Errorf("got %v ended; want the exception from the narrow one", done.Ended)
	}
	want("one is resumed", noon, map[string]Standing{"192.0.2.5": Serving, "192.0.2.6": Draining, "192.0.2.99": Paused})
	apply(t, table, noon, Change{Network: wide, Standing: Paused})
	want("all are paused again", noon, map[string]Standing{"192.0.2.5": Draining, "192.0.2.99": Paused})
	apply(t, table, noon, Change{Network: network("0.0.0.0/0"), Standing: Serving})
	want("all are resumed", noon, map[string]Standing{"192.0.2.5": Serving, "192.0.2.99": Serving})
	if left := table.Holds(noon); len(left) != 0 {
		t.Errorf("got %v left; want none", left)
	}
}

// TestHoldsAgainstAList: the table finds what somebody finds who goes by the
// sentences of this package's documentation, through any history.
func TestHoldsAgainstAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		table, now := NewTable(nil), noon
		var list []Hold // the naive one
		for range 20 {
			now = now.Add(time.Duration(r.IntN(30)) * time.Second)
			bits := 24 + r.IntN(9)
			p, _ := netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(16))}).Prefix(bits)
			c := Change{Network: p, Standing: Standing(r.IntN(3))}
			if r.IntN(2) == 0 {
				c.For = time.Duration(1+r.IntN(60)) * time.Second
			}
			done := apply(t, table, now, c)
			list = naive(list, c, done.Until, now)
			if r.IntN(3) == 0 {
				table.Expire(now)
			}
			for last := range byte(20) {
				a := netip.AddrFrom4([4]byte{192, 0, 2, last})
				if got, want := table.holds.Load().of(a, now).Standing, naiveOf(list, a, now); got != want {
					t.Fatalf("after %v of %v: %v: got %v; want %v", c.Standing, p, a, got, want)
				}
			}
		}
	}
}

func naive(list []Hold, c Change, until, now time.Time) (after []Hold) {
	around := Hold{}
	for _, h := range list {
		inside := h.Network.Bits() >= c.Network.Bits() && c.Network.Contains(h.Network.Addr())
		outside := h.Network.Bits() < c.Network.Bits() && h.Network.Contains(c.Network.Addr())
		if outside && !h.over(now) && (!around.Network.IsValid() || h.Network.Bits() > around.Network.Bits()) {
			around = h
		}
		drop := h.over(now) || c.Standing == Serving && inside || h.Network == c.Network || inside && h.Standing == Serving
		if !drop {
			after = append(after, h)
		}
	}
	switch {
	case c.Standing != Serving:
		after = append(after, Hold{Network: c.Network, Standing: c.Standing, Until: until})
	case around.Standing != Serving:
		after = append(after, Hold{Network: c.Network, Standing: Serving, Until: around.Until})
	}
	return after
}

func naiveOf(list []Hold, a netip.Addr, now time.Time) Standing {
	best, standing := -1, Serving
	for _, h := range list {
		if h.Network.Contains(a) && !h.over(now) && h.Network.Bits() > best {
			best, standing = h.Network.Bits(), h.Standing
		}
	}
	return standing
}

func TestHoldsAreBounded(t *testing.T) {
	var list []Hold
	for i := range MostHolds {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		list = append(list, Hold{Network: netip.PrefixFrom(a, 32), Standing: Paused})
	}
	table := NewTable(nil)
	if got := table.Restore(append(list, Hold{Network: network("192.0.2.0/24"), Standing: Paused}), noon); got != MostHolds {
		t.Fatalf("got %d restored; want %d", got, MostHolds)
	}
	if _, err := table.Apply(Change{Network: network("192.0.2.1/32"), Standing: Paused}, noon); !errors.Is(err, ErrTooManyHolds) {
		t.Errorf("got %v; want it refused", err)
	}
	if _, err := table.Apply(Change{Network: list[0].Network, Standing: Draining}, noon); err != nil {
		t.Errorf("got %v; want one that is there changed", err)
	}
}

func TestExpire(t *testing.T) {
	table := NewTable(nil)
	for i := range 3 {
		apply(t, table, noon, Change{Network: network(fmt.Sprintf("192.0.2.%d/32", i)), Standing: Paused, For: time.Duration(i) * time.Minute})
	}
	ended, next := table.Expire(noon.Add(90 * time.Second))
	if len(ended) != 1 || ended[0].Network != network("192.0.2.1/32") || !next.Equal(noon.Add(2*time.Minute)) {
		t.Errorf("got %v ended and the next at %v; want 192.0.2.1/32, and 12:02", ended, next)
	}
	if verdict, _ := table.Judge(addr("192.0.2.0"), false, noon.Add(time.Hour)); verdict != IsPaused {
		t.Errorf("got %v; want the one without an end to last", verdict)
	}
}
