package source

import (
	"net/netip"
	"testing"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// inUse is a table as of a host with 400 sources, some of them paused.
func inUse(t testing.TB) (table *Table, one netip.Addr) {
	t.Helper()
	one = netip.MustParseAddr("192.0.2.7")
	table = NewTable(&host{plumbed: map[netip.Addr]bool{one: true}})
	table.Know([]netip.Prefix{network("192.0.2.0/24"), network("198.51.100.0/25")})
	if _, err := table.Apply(Change{Network: network("198.51.100.0/28"), Standing: Paused}, noon); err != nil {
		t.Fatal(err)
	}
	return table, one
}

// session is what a session with a source costs in this package.
func session(table *Table, one netip.Addr) {
	table.Judge(one, false, noon)
	table.TriedBind(one, true, noon)
	table.Dialled(one, egress.Connected, noon)
	table.Enter(one).Leave()
}

func TestSessionsAllocateNothing(t *testing.T) {
	table, one := inUse(t)
	if got := testing.AllocsPerRun(100, func() { session(table, one) }); got != 0 {
		t.Errorf("got %v allocations for a session; want none", got)
	}
}

func BenchmarkSession(b *testing.B) {
	table, one := inUse(b)
	b.ReportAllocs()
	for b.Loop() {
		session(table, one)
	}
}
