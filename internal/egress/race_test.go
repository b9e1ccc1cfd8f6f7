package egress_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// addrs parses addresses separated by spaces.
func addrs(text string) []netip.Addr {
	var all []netip.Addr
	for _, s := range strings.Fields(text) {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

// order lets every address be tried and fail, and says which came in turn.
func order(r *egress.Race) string {
	var tried []string
	for {
		attempt, to, ok := r.Next()
		if !ok {
			return strings.Join(tried, " ")
		}
		tried = append(tried, to.Addr().String())
		r.Failed(attempt, egress.Refused)
	}
}

func TestRaceOrder(t *testing.T) {
	for _, tt := range []struct {
		name   string
		family egress.Family
		add    []string
		want   string
	}{
		{"one address", egress.Any, []string{"192.0.2.1"}, "192.0.2.1"},
		{"families alternate, IPv6 first", egress.Any,
			[]string{"192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2"},
			"2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2"},
		{"the rest when a family is used up", egress.Any,
			[]string{"2001:db8::1 192.0.2.1 192.0.2.2 192.0.2.3"},
			"2001:db8::1 192.0.2.1 192.0.2.2 192.0.2.3"},
		{"more than were room for at first", egress.Any,
			[]string{"2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1 192.0.2.2 192.0.2.3"},
			"2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::3 192.0.2.3"},
		{"duplicates are dropped", egress.Any,
			[]string{"192.0.2.1 192.0.2.1 ::ffff:192.0.2.1", "192.0.2.1"}, "192.0.2.1"},
		{"mapped addresses are IPv4", egress.Any,
			[]string{"::ffff:192.0.2.1 2001:db8::1"}, "2001:db8::1 192.0.2.1"},
		{"zones go", egress.Any, []string{"fe80::1%eth0"}, "fe80::1"},
		{"IPv4 source", egress.IPv4, []string{"2001:db8::1 192.0.2.1 ::ffff:192.0.2.2"}, "192.0.2.1 192.0.2.2"},
		{"IPv6 source", egress.IPv6, []string{"2001:db8::1 192.0.2.1"}, "2001:db8::1"},
		{"invalid addresses are none", egress.Any, []string{""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := egress.NewRace(25, tt.family)
			for i, text := range tt.add {
				r.Add(addrs(text), i == len(tt.add)-1)
			}
			r.Add([]netip.Addr{{}}, true)
			if got := order(r); got != tt.want {
				t.Errorf("got %s; want %s", got, tt.want)
			}
			if !r.Done() {
				t.Error("Done: got false; want true")
			}
		})
	}
}

// IPv4 answers came first and are being tried when IPv6 answers arrive: those
// take their turn among the rest, not after it.
func TestRaceMergesALateAnswer(t *testing.T) {
	r := egress.NewRace(25, egress.Any)
	r.Add(addrs("192.0.2.1 192.0.2.2 192.0.2.3"), false)
	attempt, to, ok := r.Next()
	if want := netip.MustParseAddrPort("192.0.2.1:25"); attempt != 0 || to != want || !ok {
		t.Fatalf("first: got %d, %v, %v; want 0, %v, true", attempt, to, ok, want)
	}
	r.Add(addrs("2001:db8::1 2001:db8::2"), true)
	if got, want := order(r), "2001:db8::1 192.0.2.2 2001:db8::2 192.0.2.3"; got != want {
		t.Errorf("after the answer: got %s; want %s", got, want)
	}
	if r.Done() {
		t.Error("Done with an attempt in flight: got true; want false")
	}
	r.Failed(0, egress.TimedOut)
	if !r.Done() {
		t.Error("Done: got false; want true")
	}
}

// A lost race is not over while the resolver may still find something.
func TestRaceWaitsForTheResolver(t *testing.T) {
	r := egress.NewRace(25, egress.Any)
	r.Add(addrs("2001:db8::1"), false)
	if got, want := order(r), "2001:db8::1"; got != want {
		t.Fatalf("got %s; want %s", got, want)
	}
	if r.Done() {
		t.Fatal("Done before the last answer: got true; want false")
	}
	r.Add(nil, true)
	if !r.Done() {
		t.Error("Done: got false; want true")
	}
}

// One family of a name with many addresses must not crowd the other out.
func TestRaceTriesAtMostSixteen(t *testing.T) {
	var six []netip.Addr
	for i := range 40 {
		six = append(six, netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}))
	}
	r := egress.NewRace(25, egress.Any)
	r.Add(six, false)
	r.Add(addrs("192.0.2.1"), true)
	tried := strings.Fields(order(r))
	if len(tried) != egress.MaxAttempts || tried[1] != "192.0.2.1" {
		t.Errorf("got %d attempts, %v; want %d, the second to 192.0.2.1", len(tried), tried, egress.MaxAttempts)
	}
	if !r.Done() {
		t.Error("Done with more addresses than may be tried: got false; want true")
	}
}

func TestRaceVerdict(t *testing.T) {
	type results = []egress.Result
	for _, tt := range []struct {
		name     string
		addrs    string
		family   egress.Family
		failures results
		want     egress.Result
	}{
		{"no address", "", egress.Any, nil, egress.NameNotFound},
		{"none of the source's family", "2001:db8::1", egress.IPv4, nil, egress.FamilyMismatch},
		{"one of the source's family failed", "2001:db8::1 192.0.2.1", egress.IPv4, results{egress.TimedOut}, egress.TimedOut},
		{"a refusal tells most", "192.0.2.1 192.0.2.2 192.0.2.3", egress.Any,
			results{egress.TimedOut, egress.Refused, egress.HostUnreachable}, egress.Refused},
		{"a router's word tells more than silence", "192.0.2.1 192.0.2.2", egress.Any,
			results{egress.TimedOut, egress.HostUnreachable}, egress.HostUnreachable},
		{"a host without IPv6", "2001:db8::1 192.0.2.1", egress.Any,
			results{egress.NetworkUnreachable, egress.TimedOut}, egress.TimedOut},
		{"a host without IPv6, out of ports", "2001:db8::1 192.0.2.1", egress.Any,
			results{egress.FamilyMismatch, egress.NoPort}, egress.NoPort},
		{"the network's word tells more than our want", "192.0.2.1 192.0.2.2", egress.Any,
			results{egress.NoResources, egress.TimedOut}, egress.TimedOut},
		{"nothing but our want", "192.0.2.1 192.0.2.2", egress.Any,
			results{egress.NoResources, egress.NoResources}, egress.NoResources},
		{"stopped", "192.0.2.1", egress.Any, results{egress.Aborted}, egress.Aborted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := egress.NewRace(25, tt.family)
			r.Add(addrs(tt.addrs), true)
			for _, failure := range tt.failures {
				attempt, _, ok := r.Next()
				if !ok {
					t.Fatalf("Next: got none; want an address to fail with %v", failure)
				}
				r.Failed(attempt, failure)
			}
			if !r.Done() {
				t.Fatal("Done: got false; want true")
			}
			if got := r.Verdict(); got != tt.want {
				t.Errorf("got %v; want %v", got, tt.want)
			}
		})
	}
}

// Addresses that were not to be tried explain a race that was lost without them,
// unless what was tried says more.
func TestRaceWithDeniedAddresses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		addrs    string
		failures []egress.Result
		want     egress.Result
	}{
		{"all", "", nil, egress.Denied},
		{"all but those that the source cannot reach", "2001:db8::1", nil, egress.Denied},
		{"the other refused", "192.0.2.1", []egress.Result{egress.Refused}, egress.Refused},
		{"this host is out of something", "192.0.2.1", []egress.Result{egress.NoResources}, egress.NoResources},
		{"this host has no route for the other", "192.0.2.1", []egress.Result{egress.NetworkUnreachable}, egress.Denied},
	} {
		r := egress.NewRace(25, egress.IPv4)
		r.Deny()
		r.Add(addrs(tt.addrs), true)
		for _, failure := range tt.failures {
			if r.Done() {
				t.Fatalf("%s: Done: got true; want the others tried", tt.name)
			}
			attempt, _, _ := r.Next()
			r.Failed(attempt, failure)
		}
		if got := r.Verdict(); !r.Done() || got != tt.want {
			t.Errorf("%s: got %v, Done %v; want %v and true", tt.name, got, r.Done(), tt.want)
		}
	}
}

// Reports cross: an attempt may be told of twice, or after it was given up.
func TestRaceIgnoresReportsOfNoAttempt(t *testing.T) {
	r := egress.NewRace(25, egress.Any)
	r.Add(addrs("192.0.2.1 192.0.2.2"), true)
	first, _, _ := r.Next()
	_, _, _ = r.Next()
	r.Failed(first, egress.TimedOut)
	for _, attempt := range []int{first, -1, 2, 16, 99} {
		r.Failed(attempt, egress.Refused)
	}
	if r.Done() {
		t.Error("Done with the second attempt in flight: got true; want false")
	}
	if got := r.Verdict(); got != egress.TimedOut {
		t.Errorf("Verdict: got %v; want %v", got, egress.TimedOut)
	}
}

func TestRaceDelay(t *testing.T) {
	if got, want := egress.NewRace(25, egress.Any).Delay(), 250*time.Millisecond; got != want {
		t.Errorf("got %v; want %v", got, want)
	}
}

func TestRaceOfOneAddressAllocatesOnce(t *testing.T) {
	one := addrs("192.0.2.1")
	if got := testing.AllocsPerRun(100, func() {
		r := egress.NewRace(25, egress.IPv4)
		r.Add(one, true)
		attempt, _, _ := r.Next()
		r.Failed(attempt, egress.Refused)
	}); got > 1 {
		t.Errorf("got %v allocations; want at most 1", got)
	}
}

// TestRaceProperties drives races over random addresses, answers and orders of
// failure: each address that the source can reach is tried exactly once, two of
// one family follow each other only when the other is used up, and Done is true
// exactly when the last one has failed.
func TestRaceProperties(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 8305))
		family := egress.Family(rng.IntN(3))
		r := egress.NewRace(25, family)
		m := &model{t: t, seed: seed, rng: rng, r: r, left: map[netip.Addr]bool{}, seen: map[netip.Addr]bool{}}
		for answers := 1 + rng.IntN(3); answers > 0; answers-- {
			m.add(family, answers == 1)
			for range rng.IntN(6) {
				m.step()
			}
		}
		for !m.done() {
			m.step()
		}
		if t.Failed() {
			return
		}
	}
}

// model is what a Race ought to know, written down the plain way.
type model struct {
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	r    *egress.Race

	seen, left map[netip.Addr]bool
	last       egress.Family
	flying     []int
	over       bool
}

// add gives the race an answer of few enough addresses never to reach the limit.
func (m *model) add(family egress.Family, last bool) {
	var answer []netip.Addr
	for range m.rng.IntN(6) {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(m.rng.IntN(6))})
		switch m.rng.IntN(4) {
		case 0:
			addr = netip.AddrFrom16(addr.As16())
		case 1, 2:
			addr = netip.AddrFrom16([16]byte{0x20, 1, 15: byte(m.rng.IntN(6))})
		}
		answer = append(answer, addr)
		addr = addr.Unmap()
		if !m.seen[addr] && (family == egress.Any || family == egress.FamilyOf(addr)) {
			m.seen[addr], m.left[addr] = true, true
		}
	}
	m.over = last
	m.r.Add(answer, last)
	m.check()
}

// step tries the next address or lets an attempt fail.
func (m *model) step() {
	if n := len(m.flying); n > 0 && m.rng.IntN(2) == 0 {
		i := m.rng.IntN(n)
		m.r.Failed(m.flying[i], egress.Refused)
		m.flying = slices.Delete(m.flying, i, i+1)
	} else {
		m.next()
	}
	m.check()
}

func (m *model) next() {
	attempt, to, ok := m.r.Next()
	if ok != (len(m.left) > 0) {
		m.t.Fatalf("seed %d: Next: got %v with %d addresses left", m.seed, ok, len(m.left))
	}
	if !ok {
		return
	}
	if !m.left[to.Addr()] || to.Port() != 25 {
		m.t.Fatalf("seed %d: got %v; want port 25 and one of %v", m.seed, to, m.left)
	}
	delete(m.left, to.Addr())
	family := egress.FamilyOf(to.Addr())
	if family == m.last {
		for other := range m.left {
			if egress.FamilyOf(other) != family {
				m.t.Fatalf("seed %d: got %v after another %v; want %v before it", m.seed, to, family, other)
			}
		}
	}
	m.last = family
	m.flying = append(m.flying, attempt)
}

func (m *model) done() bool { return m.over && len(m.left) == 0 && len(m.flying) == 0 }

func (m *model) check() {
	if got, want := m.r.Done(), m.done(); got != want {
		m.t.Fatalf("seed %d: Done: got %v; want %v", m.seed, got, want)
	}
}
