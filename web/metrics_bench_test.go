package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// The load that the figures below are about: so many listeners with so many
// destinations each.
const (
	manyListeners    = 10
	manyDestinations = 1000
)

// destinations gathers as the daemon does: labels are made once, series are in
// order, and there are few allocations for all of them.
type destinations struct{ labels [][]*dto.LabelPair }

func newDestinations(listeners, each int) *destinations {
	desc, d := prometheus.NewDesc("outbound", "", []string{"listener", "destination"}, nil), &destinations{}
	for n := range each {
		for l := range listeners {
			d.labels = append(d.labels, prometheus.MakeLabelPairs(desc,
				[]string{fmt.Sprintf("192.0.2.%d:1080", l), fmt.Sprintf("198.51.%03d.%03d", n/256, n%256)}))
		}
	}
	return d
}

// Gather implements prometheus.Gatherer.
func (d *destinations) Gather() ([]*dto.MetricFamily, error) {
	list, metrics, counted := make([]*dto.Metric, len(d.labels)), make([]dto.Metric, len(d.labels)), make([]dto.Counter, len(d.labels))
	values := make([]float64, len(d.labels))
	for i, labels := range d.labels {
		values[i] = 3
		counted[i].Value = &values[i]
		metrics[i].Label, metrics[i].Counter = labels, &counted[i]
		list[i] = &metrics[i]
	}
	return []*dto.MetricFamily{{
		Name: new("proxy_outbound_connections_total"), Help: new("Connections made to an upstream IP address."),
		Type: dto.MetricType_COUNTER.Enum(), Metric: list,
	}}, nil
}

// discarded is an answer that nobody reads.
type discarded struct {
	header http.Header
	status int
	bytes  int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(status int)      { d.status = status }
func (d *discarded) Write(p []byte) (int, error) { d.bytes += len(p); return len(p), nil }

// manyFigures is a surface with a great many of them, and a scrape of it.
func manyFigures(encoding string) (scrape func() *discarded) {
	c := newConfig()
	c.Gatherer = newDestinations(manyListeners, manyDestinations)
	h := Handler(c)
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.RemoteAddr, r.Host = trustedPeer, "127.0.0.1:8000"
	r.Header.Set("Accept-Encoding", encoding)
	return func() *discarded {
		w := &discarded{header: http.Header{}}
		h.ServeHTTP(w, r)
		return w
	}
}

// A scrape of ten thousand destinations may allocate 8 MiB.
func TestScrapeAllocatesLittle(t *testing.T) {
	const most = 8 << 20
	for _, encoding := range []string{"", "gzip"} {
		scrape := manyFigures(encoding)
		scrape() // fills the pools
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := scrape()
		runtime.ReadMemStats(&after)
		if got.status != http.StatusOK || got.bytes < 1<<10 {
			t.Fatalf("encoding %q: got %d with %d bytes; want the figures", encoding, got.status, got.bytes)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > most {
			t.Errorf("encoding %q: a scrape allocates %d bytes; want at most %d", encoding, n, most)
		}
	}
}

func BenchmarkScrape(b *testing.B) {
	for _, encoding := range []string{"", "gzip"} {
		b.Run("encoding="+encoding, func(b *testing.B) {
			scrape := manyFigures(encoding)
			scrape()
			b.ReportAllocs()
			began := processorTime(b)
			for b.Loop() {
				scrape()
			}
			b.ReportMetric(float64((processorTime(b)-began).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}
