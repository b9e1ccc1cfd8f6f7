package actors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/troupe-proxy/troupe/internal/egress"
)

const heirListener = "127.0.0.1:1080"

// bookkeeper is a process that counts without any session.
type bookkeeper struct {
	t *testing.T
	*Metrics
	account *account
}

func newBookkeeper(t *testing.T) *bookkeeper {
	t.Helper()
	m := NewMetrics("test")
	a, err := m.open(heirListener, 10, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &bookkeeper{t, m, a}
}

// work counts a session that connected to an address, and one that is open.
func (b *bookkeeper) work(to string, bytes uint64, took time.Duration) {
	ip := netip.MustParseAddr(to)
	b.account.accepted.Add(2)
	b.account.traffic.Up.Add(bytes)
	b.account.dials[egress.Results()[0]].Add(1)
	b.account.destinations.leave(b.account.destinations.enter(ip), time.Now())
	b.account.end(Outcome{Class: Completed})
	b.account.times.session.Observe(took.Seconds())
}

func (b *bookkeeper) series(family string, labels ...string) *dto.Metric {
	b.t.Helper()
	families, err := b.Gatherer().Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	if !slices.IsSortedFunc(families, byName) {
		b.t.Error("the families are not sorted")
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == family && hasLabels(m, labels) {
				return m
			}
		}
	}
	return nil
}

func hasLabels(m *dto.Metric, labels []string) bool {
	for i := 0; i < len(labels); i += 2 {
		if v, _ := labelOf(m, labels[i]); v != labels[i+1] {
			return false
		}
	}
	return true
}

// want checks a figure; -1: there is none.
func (b *bookkeeper) want(want float64, family string, labels ...string) {
	b.t.Helper()
	got := -1.0
	if m := b.series(family, labels...); m != nil {
		got = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	if got != want {
		b.t.Errorf("%s%v: got %v; want %v", family, labels, got, want)
	}
}

func (b *bookkeeper) report(to *bookkeeper) {
	b.t.Helper()
	snapshot, err := b.Snapshot()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := to.Report(snapshot); err != nil {
		b.t.Fatal(err)
	}
}

// TestInheritedFigures: both count as one while the old process lives, and what it
// has counted stays after that, over two generations.
func TestInheritedFigures(t *testing.T) {
	old, heir := newBookkeeper(t), newBookkeeper(t)
	old.work("192.0.2.1", 100, time.Second)
	heir.work("192.0.2.1", 10, 2*time.Second)
	heir.work("192.0.2.2", 1, 2*time.Second)
	old.report(heir)
	labels := []string{"listener", heirListener}
	check := func(b *bookkeeper, active float64) {
		t.Helper()
		b.want(6, "proxy_connections_accepted_total", labels...)
		b.want(3, "proxy_connections_completed_total", labels...)
		b.want(active, "proxy_active_connections", labels...)
		b.want(111, "proxy_bytes_received_total", labels...)
		b.want(2, "proxy_outbound_connections_total", "destination", "192.0.2.1")
		b.want(1, "proxy_outbound_connections_total", "destination", "192.0.2.2")
		h := b.series("proxy_session_duration_seconds", labels...).GetHistogram()
		if h.GetSampleCount() != 3 || h.GetSampleSum() != 5 {
			t.Errorf("got %d sessions of %v s; want 3 of 5", h.GetSampleCount(), h.GetSampleSum())
		}
	}
	check(heir, 3)
	heir.want(1, "troupe_build_info") // and not 2: it is this process's
	heir.Inherited(time.Now())
	check(heir, 2) // its sessions are gone
	third := newBookkeeper(t)
	heir.report(third)
	check(third, 2)
}

// TestInheritedDestinations: those of the old process lose their series as others
// do, and those for which there is no room are counted as the others.
func TestInheritedDestinations(t *testing.T) {
	old, heir := newBookkeeper(t), newBookkeeper(t)
	for _, to := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		old.work(to, 1, time.Second)
	}
	heir.account.destinations.resize(2, time.Minute)
	old.report(heir)
	now := time.Now()
	heir.Inherited(now)
	heir.want(1, "proxy_outbound_connections_total", "destination", "192.0.2.1")
	heir.want(1, "proxy_outbound_connections_total", "destination", "192.0.2.2")
	heir.want(-1, "proxy_outbound_connections_total", "destination", "192.0.2.3")
	heir.want(1, "proxy_outbound_connections_total", "destination", overflowLabel)
	heir.Ledger.prune(now.Add(time.Hour))
	heir.want(-1, "proxy_outbound_connections_total", "destination", "192.0.2.1")
}

// TestInheritedListenersAreForgotten: with their own figures, or when this process
// never had them, a while after the end of the old one.
func TestInheritedListenersAreForgotten(t *testing.T) {
	old, heir := newBookkeeper(t), newBookkeeper(t)
	other, err := old.open("127.0.0.1:1", 10, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	other.accepted.Add(7)
	old.work("192.0.2.1", 1, time.Second)
	old.report(heir)
	now := time.Now()
	heir.Inherited(now)
	heir.forget(now.Add(time.Minute))
	heir.want(7, "proxy_connections_accepted_total", "listener", "127.0.0.1:1")
	heir.forget(now.Add(accountKeep))
	heir.want(-1, "proxy_connections_accepted_total", "listener", "127.0.0.1:1")
	heir.want(2, "proxy_connections_accepted_total", "listener", heirListener)
	heir.Ledger.retire(heir.account)
	heir.Ledger.leave(heir.account, now)
	heir.forget(now.Add(accountKeep))
	heir.want(-1, "proxy_connections_accepted_total", "listener", heirListener)
}

// TestInheritedGarbage changes nothing, and one who does not answer is not asked
// again until it says something.
func TestInheritedGarbage(t *testing.T) {
	old, heir := newBookkeeper(t), newBookkeeper(t)
	old.work("192.0.2.1", 100, time.Second)
	asked := 0
	heir.Inherit(func(context.Context) error { asked++; return errors.New("no answer") })
	old.report(heir)
	for range 3 {
		heir.want(100, "proxy_bytes_received_total", "listener", heirListener)
	}
	if asked != 1 {
		t.Errorf("asked %d times; want once", asked)
	}
	if err := heir.Report([]byte("garbage of some length")); err == nil {
		t.Error("garbage: got no error")
	}
	heir.want(100, "proxy_bytes_received_total", "listener", heirListener)
	old.report(heir)
	heir.want(100, "proxy_bytes_received_total", "listener", heirListener)
	if asked != 2 {
		t.Errorf("asked %d times; want again after it has said something", asked)
	}
}

// TestSumHistogram: the sum of two histograms is the histogram of all samples, also
// of the native ones and of those with another resolution.
func TestSumHistogram(t *testing.T) {
	for _, factor := range []float64{1.1, 1.5} {
		r := rand.New(rand.NewPCG(1, uint64(factor*100)))
		one, other, all := newNative(1.1), newNative(factor), newNative(max(1.1, factor))
		for i := range 2000 {
			seconds := r.ExpFloat64() * []float64{0, .001, 1, 300}[i%4]
			[]prometheus.Histogram{one, other}[i%2].Observe(seconds)
			all.Observe(seconds)
		}
		got, want := sumHistogram(written(t, one), written(t, other)), written(t, all)
		if g, w := nativeText(got), nativeText(want); g != w {
			t.Errorf("factor %v: got %s; want %s", factor, g, w)
		}
	}
	empty := newNative(1.1)
	if sum := sumHistogram(written(t, empty), written(t, empty)); len(sum.GetPositiveSpan()) != 1 || sum.GetSampleCount() != 0 {
		t.Errorf("of empty ones: got %v; want one that is native and empty", sum)
	}
}

func newNative(factor float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Buckets: prometheus.DefBuckets, NativeHistogramBucketFactor: factor})
}

func written(t *testing.T, h prometheus.Histogram) *dto.Histogram {
	t.Helper()
	var m dto.Metric
	if err := h.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetHistogram()
}

// nativeText is all of a histogram but its sum, which is rounded, and its time. Empty
// buckets in between may be there or not.
func nativeText(h *dto.Histogram) string {
	c := &dto.Histogram{SampleCount: h.SampleCount, Bucket: h.Bucket, Schema: h.Schema, ZeroCount: h.ZeroCount, ZeroThreshold: h.ZeroThreshold}
	buckets := make(map[int32]int64)
	eachNative(h, func(index int32, n int64) {
		if n > 0 {
			buckets[index] = n
		}
	})
	return strings.Join(strings.Fields(c.String()), " ") + fmt.Sprint(buckets) // whose spaces are not always the same
}
