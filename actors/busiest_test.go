package actors

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/source"
)

// busy is what is kept of a destination, nil if it has no place.
func (m *Metrics) busy(a netip.Addr) *BusyDestination {
	all, _ := m.BusiestDestinations()
	for i := range all {
		if all[i].Address == a {
			return &all[i]
		}
	}
	return nil
}

// TestBusiestDestinations: every CONNECT that dialled counts for the address, by its
// result, with what the upstream said.
func TestBusiestDestinations(t *testing.T) {
	up, closed := startUpstream(t), closedPort(t)
	tr := startTree(t, func(s *setup) { s.banners = []uint16{up.addr.Port()} })
	ip := up.addr.Addr()
	counted := func(n uint64) {
		t.Helper()
		eventually(t, "the CONNECTs", func() bool {
			d := tr.metrics.busy(ip)
			return d != nil && d.Count == n
		})
	}
	for i, says := range []string{"554 5.7.1 blocked \xff\r\n", "220 mx.example\r\n", "421 later\r\n", "554 5.7.1 for ever\r\n", "220 mx.example\r\n"} {
		c := tr.mustOpen(up.addr)
		must(t, c.echo(says))
		must(t, c.finish())
		counted(uint64(i + 1)) // sessions that end at once may be counted in any order
	}
	c := tr.mustDial()
	must(t, c.greet())
	if code, err := c.ask(request(1, closed)); err != nil || code == 0 {
		t.Fatalf("CONNECT answered %d, %v; want it refused", code, err)
	}
	counted(6)
	got := *tr.metrics.busy(ip)
	if got.Error != 0 || got.Dials[egress.Connected] != 5 || got.Dials[egress.Refused] != 1 || got.Greetings != [source.Classes]uint64{2, 1, 2, 0} {
		t.Errorf("got %+v; want five that connected and one refused", got)
	}
	if r := got.Refusal; r == nil || r.Class != source.Permanent || r.Text != "554 5.7.1 for ever" || r.Source != ip || r.At.IsZero() {
		t.Errorf("got the refusal %+v; want the last", r)
	}
	if got.Since.IsZero() || got.Last.Before(got.Since) {
		t.Errorf("got since %v, last %v; want both, in order", got.Since, got.Last)
	}
}

// TestBusiestAreBounded: a scan takes no more places than there are, and the place of
// nobody who comes often. Whoever comes in later begins anew.
func TestBusiestAreBounded(t *testing.T) {
	m, now := NewMetrics("test"), time.Unix(1e9, 0)
	heavy := netip.MustParseAddr("198.51.100.1")
	said := dialReport{to: heavy, greeting: source.Permanent, greeted: true, refused: &refused{line: "554 \xff"}}
	ends := []sessionEnded{{dial: said}, {dial: said}, {dial: said}, {}}
	for ip := netip.MustParseAddr("10.0.0.0"); ip.Compare(netip.MustParseAddr("10.0.8.0")) < 0; ip = ip.Next() {
		ends = append(ends, sessionEnded{dial: dialReport{to: ip, result: egress.TimedOut}})
	}
	m.busiest.add(ends, now)
	all, total := m.BusiestDestinations()
	if len(all) != MostBusiest || total != uint64(len(ends)-1) {
		t.Fatalf("got %d destinations of %d; want %d of %d", len(all), total, MostBusiest, len(ends)-1)
	}
	if got := m.busy(heavy); got == nil || got.Count != 3 || got.Error != 0 || got.Refusal == nil || got.Refusal.Text != "554 \uFFFD" {
		t.Errorf("got %+v; want all three", got)
	}
	for i := range all {
		d := &all[i]
		var counted uint64
		for _, n := range d.Dials {
			counted += n
		}
		if counted != d.Count-d.Error || d.Address != heavy && (d.Refusal != nil || d.Greetings != [source.Classes]uint64{}) {
			t.Fatalf("got %+v; want nothing of whose place it was", d)
		}
	}
}

// BenchmarkBusiest is what a session costs more because its destination is kept: one
// that is there, with a refusal that is no text, and one that takes another's place.
func BenchmarkBusiest(b *testing.B) {
	for _, tt := range []struct {
		name   string
		spread int
		said   *refused
	}{{"held", MostBusiest, nil}, {"refused", MostBusiest, &refused{line: strings.Repeat("\xff", 512)}}, {"new", 1 << 20, nil}} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			m, now, n := NewMetrics("test"), time.Now(), 0
			ends := make([]sessionEnded, 64) // as under load
			for b.Loop() {
				for i := range ends {
					n = (n + 1) % tt.spread
					ends[i].dial = dialReport{to: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), greeted: true, refused: tt.said}
				}
				m.busiest.add(ends, now)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ends)), "ns/session")
		})
	}
}
