package actors

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// registered are the same series as a registry would gather them.
type registered struct{ ledger *Ledger }

func (r registered) Describe(ch chan<- *prometheus.Desc) { ch <- outboundDesc }

func (r registered) Collect(ch chan<- prometheus.Metric) {
	r.ledger.each(func(a *account) {
		for label, n := range a.destinations.counts() {
			ch <- prometheus.MustNewConstMetric(outboundDesc, prometheus.CounterValue, float64(n), a.listener, label)
		}
	})
}

// gathered is the names of all families, and one of them as a scrape shows it.
func gathered(t *testing.T, g prometheus.Gatherer, name string) (families []string, text string) {
	t.Helper()
	all, err := g.Gather()
	must(t, err)
	for _, f := range all {
		families = append(families, f.GetName())
		if f.GetName() == name {
			var written strings.Builder
			_, err := expfmt.MetricFamilyToText(&written, f)
			must(t, err)
			text = written.String()
		}
	}
	return families, text
}

// However destinations come and go: their family is what a registry makes of them,
// checks for consistency included, and it is where it belongs among the others.
func TestDestinationsAreAsARegistryHasThem(t *testing.T) {
	m := NewMetrics("test")
	pedantic := prometheus.NewPedanticRegistry()
	pedantic.MustRegister(registered{m.Ledger})
	var tables []*destinations
	// The later ones start first.
	for n := range 5 {
		a, err := m.open(fmt.Sprintf("127.0.0.1:%d", 1090-n), 40, time.Minute)
		must(t, err)
		tables = append(tables, a.destinations)
	}
	now := time.Unix(0, 0)
	for round := range 6 {
		for i, table := range tables[:4] { // the last has none but the overflow
			for n := range 30 {
				table.leave(table.enter(ipOf(7*n%(20+10*round)+i)), now)
			}
			table.leave(table.enter(netip.MustParseAddr("2001:db8::1")), now)
		}
		families, got := gathered(t, m.Gatherer(), outboundName)
		if _, want := gathered(t, pedantic, outboundName); got != want || got == "" {
			t.Fatalf("round %d: got\n%s\nwant\n%s", round, got, want)
		}
		if !slices.IsSorted(families) || !slices.Contains(families, outboundName) {
			t.Errorf("families %q; want them in order, %s among them", families, outboundName)
		}
		now = now.Add(time.Hour)
		if round%2 == 1 {
			m.Ledger.prune(now)
		}
	}
}

// Two scrapes at once have figures of their own.
func TestScrapesShareNoFigure(t *testing.T) {
	m := NewMetrics("test")
	a, err := m.open("127.0.0.1:1080", 5, time.Minute)
	must(t, err)
	a.destinations.enter(ipOf(1))
	first := m.Ledger.outbound()
	a.destinations.enter(ipOf(1))
	m.Ledger.outbound()
	if got := countOf(t, first, "192.0.2.1"); got != 1 {
		t.Errorf("a scrape shows %v after the next; want 1", got)
	}
}

// What another process has counted is shown by the next scrape.
func TestAbsorbedDestinationsAreShown(t *testing.T) {
	m := NewMetrics("test")
	a, err := m.open("127.0.0.1:1080", 5, time.Minute)
	must(t, err)
	m.Ledger.outbound()
	a.destinations.absorb(ipOf(1), 7, time.Unix(0, 0))
	if got := countOf(t, m.Ledger.outbound(), "192.0.2.1"); got != 7 {
		t.Errorf("got %v; want 7", got)
	}
}

func countOf(t *testing.T, f *dto.MetricFamily, destination string) float64 {
	t.Helper()
	for _, m := range f.Metric {
		if otherLabels(m) == destination {
			return value(m)
		}
	}
	t.Fatalf("no series of %s in %v", destination, f)
	return 0
}

func TestNoDestinationsWithoutAListener(t *testing.T) {
	if families, text := gathered(t, NewMetrics("test").Gatherer(), outboundName); text != "" || slices.Contains(families, outboundName) {
		t.Errorf("got %q without a listener; want no such family", text)
	}
}

func BenchmarkGatherDestinations(b *testing.B) {
	const listeners, each = 10, 1000
	m := NewMetrics("test")
	for l := range listeners {
		a, err := m.open(fmt.Sprintf("192.0.2.%d:1080", l), each, time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		for n := range each {
			a.destinations.enter(netip.AddrFrom4([4]byte{198, 51, byte(n / 256), byte(n)}))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if f := m.Ledger.outbound(); len(f.Metric) != listeners*(each+1) {
			b.Fatalf("got %d series", len(f.Metric))
		}
	}
}
