package rules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// many is a Set with n random networks in each list, and addresses to ask for of which
// half are in them.
func many(t testing.TB, n int) (*Set, []netip.Addr) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	var networks []Network
	var destinations []Destination
	var addrs []netip.Addr
	for i := range n {
		a, bits := netip.AddrFrom4([4]byte{byte(11 + r.IntN(100)), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}), 12+r.IntN(21)
		if i%4 == 0 {
			a, bits = netip.AddrFrom16([16]byte{0x2a, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}), 24+r.IntN(41)
		}
		p := netip.PrefixFrom(a, bits).Masked()
		networks = append(networks, mustNetworks(t, p.String())...)
		text := p.String()
		if i%2 == 0 {
			text = fmt.Sprintf("[%s]:25,%d", p, 1024+r.IntN(60000))
			if a.Is4() {
				text = fmt.Sprintf("%s:25,%d", p, 1024+r.IntN(60000))
			}
		}
		destinations = append(destinations, mustDestinations(t, text)...)
		if len(addrs) < 4096 {
			addrs = append(addrs, a, netip.AddrFrom4([4]byte{byte(120 + r.IntN(100)), byte(r.Uint32()), byte(r.Uint32()), 1}))
		}
	}
	s := mustCompile(t, Spec{AllowClients: networks, AllowSources: networks, DenyDestinations: destinations})
	s.allow = newDestinations(AllowDestinations, destinations)
	h, err := NewHosts(ReadHost, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	s.host = h
	return s, addrs
}

// checks are the questions of one session.
func checks(s *Set) map[string]func(netip.Addr) Verdict {
	client := netip.MustParseAddr(far)
	return map[string]func(netip.Addr) Verdict{
		"Client":      func(a netip.Addr) Verdict { return s.Client(a, false) },
		"Source":      s.Source,
		"Destination": func(a netip.Addr) Verdict { return s.Destination(client, netip.AddrPortFrom(a, 443)) },
		"Name":        func(a netip.Addr) Verdict { return s.Name(uint16(a.As16()[15])) },
	}
}

func TestChecksAllocateNothing(t *testing.T) {
	s, addrs := many(t, 1000)
	h := s.host.(*Hosts)
	fresh := *h.view.Load()
	fresh.at = fresh.at.Add(time.Hour) // the reading would count
	h.view.Store(&fresh)
	addrs = append(addrs, addr("64:ff9b:1::8.8.8.8"), addr("127.0.0.1"), addr("::ffff:9.9.9.9"))
	s.family(upstream4).add(netip.MustParsePrefix("192.0.2.0/24"))
	s.family(upstream6).add(netip.MustParsePrefix("2001:db8::/64"))
	for name, check := range checks(s) {
		i := 0
		if got := testing.AllocsPerRun(2000, func() { check(addrs[i%len(addrs)]); i++ }); got != 0 {
			t.Errorf("%s: got %v allocations; want 0", name, got)
		}
	}
	unset := mustCompile(t, Spec{})
	for _, client := range []string{"127.0.0.1", "fe80::1", "10.1.2.3", "198.51.100.7", "198.51.100.9", "9.9.9.9"} {
		if got := testing.AllocsPerRun(100, func() { unset.Client(addr(client), false) }); got != 0 {
			t.Errorf("Client %s where allow_clients is not set: got %v allocations; want 0", client, got)
		}
	}
	for _, upstream := range []netip.Addr{upstream4, upstream6} {
		if got := testing.AllocsPerRun(100, func() { s.Choose(addrs[0], upstream, nil) }); got != 0 {
			t.Errorf("Choose to %v: got %v allocations; want 0", upstream, got)
		}
	}
}

func BenchmarkChecks(b *testing.B) {
	s, addrs := many(b, 100_000)
	for name, check := range checks(s) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				check(addrs[i%len(addrs)])
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var spec Spec
	for range 100_000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}), 12+r.IntN(21)).Masked()
		spec.AllowClients = append(spec.AllowClients, mustNetworks(b, p.String())...)
		spec.DenyDestinations = append(spec.DenyDestinations, mustDestinations(b, p.String()+":25")...)
	}
	for b.Loop() {
		if _, err := Compile(&spec, testHost()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{1, 16, 256} {
		var s sources
		for i := range n {
			s.add(netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 32))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.choose(client(i&0xffff), nil)
			}
		})
	}
}

func BenchmarkReadHost(b *testing.B) {
	for b.Loop() {
		if _, err := ReadHost(); err != nil {
			b.Fatal(err)
		}
	}
}
