package rules

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
)

var (
	upstream4 = netip.MustParseAddr("192.0.2.200")
	upstream6 = netip.MustParseAddr("2001:db8:ffff::1")
)

func chooser(t *testing.T, choice Choice, texts ...string) *Set {
	t.Helper()
	return mustCompile(t, Spec{Source: mustNetworks(t, texts...), SourceChoice: choice})
}

func choose(t *testing.T, s *Set, client, upstream netip.Addr) netip.Addr {
	t.Helper()
	a, ok := s.Choose(client, upstream, nil)
	if !ok {
		t.Fatalf("got no source for %v to %v", client, upstream)
	}
	return a
}

func client(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 0x0a000000|uint32(n))
	return netip.AddrFrom4(b)
}

// TestStickyIsPinned: were one of these to change, every client would send from
// another address after an upgrade.
func TestStickyIsPinned(t *testing.T) {
	s := chooser(t, NoChoice, "203.0.113.1", "203.0.113.2", "203.0.113.3", "2001:db8::/64", "2001:db8:1::5")
	pool := chooser(t, Sticky, "203.0.113.0/24")
	small := chooser(t, Sticky, "2001:db8:2::/112")
	wide := chooser(t, Sticky, "2001:db8:4000::/36")
	for _, test := range []struct {
		client                   string
		ipv4, ipv6               string
		fromPool, fromSmall, far string
	}{
		{"10.0.0.1", "203.0.113.1", "2001:db8::c1a7:4b4f:f99d:a126", "203.0.113.188", "2001:db8:2::c26c", "2001:db8:4079:494d:5f5:e534:8ec2:563e"},
		{"10.0.0.2", "203.0.113.2", "2001:db8::d642:bb19:194e:4f98", "203.0.113.166", "2001:db8:2::d2d8", "2001:db8:4d08:86f1:f28d:bd8a:203c:7bac"},
		{"10.0.0.3", "203.0.113.3", "2001:db8::c93b:aed2:4a43:5895", "203.0.113.169", "2001:db8:2::40d4", "2001:db8:48e8:8d24:64bc:1c47:c40f:93ba"},
		{"2001:db8:9::1", "203.0.113.1", "2001:db8::d87c:37b4:35c3:73", "203.0.113.122", "2001:db8:2::6faa", "2001:db8:4c3d:300d:1977:ab02:a8da:d651"},
	} {
		c := addr(test.client)
		got := []string{
			choose(t, s, c, upstream4).String(), choose(t, s, c, upstream6).String(),
			choose(t, pool, c, upstream4).String(), choose(t, small, c, upstream6).String(), choose(t, wide, c, upstream6).String(),
		}
		if want := []string{test.ipv4, test.ipv6, test.fromPool, test.fromSmall, test.far}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q; want %q", test.client, got, want)
		}
	}
}

// TestStickyForOneClient: however the client's address is written and the list
// is ordered, and as often as it is asked.
func TestStickyForOneClient(t *testing.T) {
	texts := []string{"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.64/26", "203.0.113.4"}
	s := chooser(t, Sticky, texts...)
	slices.Reverse(texts)
	reversed := chooser(t, Sticky, texts...)
	for n := range 1000 {
		c := client(n)
		first := choose(t, s, c, upstream4)
		for _, again := range []netip.Addr{
			choose(t, s, netip.AddrFrom16(c.As16()), upstream4),
			choose(t, s, c, netip.AddrFrom16(upstream4.As16())),
			choose(t, reversed, c, upstream4),
		} {
			if again != first {
				t.Fatalf("%v: got %v and %v; want the same", c, first, again)
			}
		}
	}
}

// TestStickyMovesNobodyElse: a source that goes moves those that had it, one
// that comes moves only those that it gets, and all are used alike.
func TestStickyMovesNobodyElse(t *testing.T) {
	const clients, sources = 20_000, 10
	var texts []string
	for i := range sources {
		texts = append(texts, fmt.Sprintf("203.0.113.%d", i+1))
	}
	all, fewer := chooser(t, Sticky, texts...), chooser(t, Sticky, texts[:sources-1]...)
	gone := addr(texts[sources-1])
	count := map[netip.Addr]int{}
	for n := range clients {
		had, has := choose(t, all, client(n), upstream4), choose(t, fewer, client(n), upstream4)
		count[had]++
		if had != gone && has != had {
			t.Fatalf("%v: got moved from %v to %v; want it left where it was", client(n), had, has)
		}
	}
	for a, n := range count {
		if n < clients/sources*9/10 || n > clients/sources*11/10 {
			t.Errorf("%v: got %d clients of %d; want about a tenth", a, n, clients)
		}
	}
	if len(count) != sources {
		t.Errorf("got %d sources used; want %d", len(count), sources)
	}
}

// TestPools: what is derived lies in the network, is no address that has another
// use, and all of a small network is used.
func TestPools(t *testing.T) {
	for text, want := range map[string]struct {
		used   int // how many different ones 20,000 clients get; 0: all different
		unused []string
	}{
		"203.0.113.9/32":       {1, nil},
		"203.0.113.8/31":       {2, nil},
		"203.0.113.8/30":       {2, []string{"203.0.113.8", "203.0.113.11"}},
		"203.0.113.0/24":       {254, []string{"203.0.113.0", "203.0.113.255"}},
		"2001:db8::8/127":      {2, nil},
		"2001:db8::8/126":      {3, []string{"2001:db8::8"}},
		"2001:db8:1::/120":     {255, []string{"2001:db8:1::"}},
		"2001:db8:2::/64":      {0, []string{"2001:db8:2::"}},
		"2001:db8:3::/48":      {0, []string{"2001:db8:3::"}},
		"2000::/3":             {0, nil},
		"2001:db8:4::/95":      {0, nil},
		"2001:db8:4::/63":      {0, nil},
		"2001:db8:4:8000::/65": {0, nil},
	} {
		s := chooser(t, Sticky, text)
		network, upstream := mustNetworks(t, text)[0].prefix, upstream4
		if network.Addr().Is6() {
			upstream = upstream6
		}
		seen := map[netip.Addr]bool{}
		const clients = 20_000
		for n := range clients {
			a := choose(t, s, client(n), upstream)
			if !network.Contains(a) {
				t.Fatalf("%s: got %v; want one in the network", text, a)
			}
			seen[a] = true
		}
		if most := max(want.used, 0); most > 0 && len(seen) != most || most == 0 && len(seen) < clients-10 {
			t.Errorf("%s: got %d different sources; want %d (0: as many as clients)", text, len(seen), want.used)
		}
		for _, no := range want.unused {
			if seen[addr(no)] {
				t.Errorf("%s: got %s; want it left alone", text, no)
			}
		}
	}
}

// TestPoolFillsItsBits: every free bit is used, and no other.
func TestPoolFillsItsBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for bits := 3; bits <= 120; bits++ {
		network := netip.PrefixFrom(addr("2001:db8:1234:5678:9abc:def0:1234:5678"), bits).Masked()
		p := pool{base: network.Addr(), bits: 128 - bits}
		var ones, zeros [16]byte
		for range 400 {
			b := p.address(r.Uint64(), r.Uint64())
			if !network.Contains(b) {
				t.Fatalf("%v: got %v", network, b)
			}
			for i, x := range b.As16() {
				ones[i] |= x
				zeros[i] |= ^x
			}
		}
		for i := bits; i < 128; i++ {
			if mask := byte(0x80) >> (i % 8); ones[i/8]&mask == 0 || zeros[i/8]&mask == 0 {
				t.Fatalf("%v: bit %d never changes", network, i)
			}
		}
	}
}

func TestRoundRobin(t *testing.T) {
	s := chooser(t, RoundRobin, "203.0.113.1", "2001:db8::1", "203.0.113.8/30", "203.0.113.3", "2001:db8::2")
	want4 := []string{"203.0.113.1", "203.0.113.9", "203.0.113.3", "203.0.113.1", "203.0.113.10", "203.0.113.3", "203.0.113.1", "203.0.113.9"}
	want6 := []string{"2001:db8::1", "2001:db8::2", "2001:db8::1", "2001:db8::2"}
	for i, want := range want4 {
		if got := choose(t, s, client(i%2), upstream4).String(); got != want {
			t.Errorf("choice %d: got %s; want %s", i, got, want)
		}
		if i < len(want6) {
			if got := choose(t, s, client(1), upstream6).String(); got != want6[i] {
				t.Errorf("choice %d: got %s; want %s", i, got, want6[i])
			}
		}
	}
}

// TestRoundRobinFromManyGoroutines: no turn is lost or taken twice.
func TestRoundRobinFromManyGoroutines(t *testing.T) {
	const askers, turns = 8, 300
	s := chooser(t, RoundRobin, "203.0.113.1", "203.0.113.2", "203.0.113.3")
	var mu sync.Mutex
	count := map[netip.Addr]int{}
	var wg sync.WaitGroup
	for range askers {
		wg.Go(func() {
			for range turns {
				a, _ := s.Choose(client(1), upstream4, nil)
				mu.Lock()
				count[a]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for a, n := range count {
		if n != askers*turns/3 {
			t.Errorf("%v: got %d turns; want %d", a, n, askers*turns/3)
		}
	}
}

// TestChooseOfTheWrongFamily: nothing is sent from an address that nobody chose.
func TestChooseOfTheWrongFamily(t *testing.T) {
	s := chooser(t, NoChoice, "203.0.113.1")
	if a, ok := s.Choose(client(1), upstream6, nil); ok {
		t.Errorf("got %v; want no source", a)
	}
	if a, ok := mustCompile(t, Spec{}).Choose(client(1), upstream4, nil); ok {
		t.Errorf("got %v of no sources; want none", a)
	}
}

// TestChoosePassesByUnusable: while a source is not usable its clients have others,
// and everybody else has the one before.
func TestChoosePassesByUnusable(t *testing.T) {
	out := addr("203.0.113.2")
	usable := func(a netip.Addr) bool { return a != out }
	s := chooser(t, Sticky, "203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4")
	moved := make(map[netip.Addr]int)
	for n := range 1000 {
		before := choose(t, s, client(n), upstream4)
		after, ok := s.Choose(client(n), upstream4, usable)
		switch {
		case !ok || after == out:
			t.Fatalf("client %d: got %v, %v; want another", n, after, ok)
		case before != out && after != before:
			t.Fatalf("client %d: got moved from %v to %v", n, before, after)
		case before == out:
			moved[after]++
		}
	}
	if len(moved) != 3 {
		t.Errorf("got the clients of one on %v; want them on all three others", moved)
	}
}

func TestChooseOutOfAPool(t *testing.T) {
	only := addr("203.0.113.77")
	for _, choice := range []Choice{Sticky, RoundRobin} {
		s := chooser(t, choice, "203.0.113.0/24")
		for n := range 10 {
			if got, ok := s.Choose(client(n), upstream4, func(a netip.Addr) bool { return a == only }); !ok || got != only {
				t.Errorf("%v: got %v, %v; want the only one that can be used", choice, got, ok)
			}
		}
		if got, ok := s.Choose(client(1), upstream4, func(netip.Addr) bool { return false }); ok {
			t.Errorf("%v: got %v; want none", choice, got)
		}
	}
}

func TestRoundRobinPassesByUnusable(t *testing.T) {
	out := addr("203.0.113.2")
	s := chooser(t, RoundRobin, "203.0.113.1", "203.0.113.2", "203.0.113.3")
	times := make(map[netip.Addr]int)
	for range 30 {
		got, ok := s.Choose(client(1), upstream4, func(a netip.Addr) bool { return a != out })
		if !ok {
			t.Fatal("got none")
		}
		times[got]++
	}
	if times[out] != 0 || times[addr("203.0.113.1")] != 10 || times[addr("203.0.113.3")] != 20 {
		t.Errorf("got %v; want the turns of the one that is out to be the next one's", times)
	}
}
