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

// destinations is a collector like that of the daemon: its labels are made once.
type destinations struct {
	desc   *prometheus.Desc
	labels [][]*dto.LabelPair
}

func newDestinations(listeners, each int) *destinations {
	d := &destinations{desc: prometheus.NewDesc("proxy_outbound_connections_total", "Connections made to an upstream IP address.", []string{"listener", "destination"}, nil)}
	for l := range listeners {
		for n := range each {
			d.labels = append(d.labels, prometheus.MakeLabelPairs(d.desc,
				[]string{fmt.Sprintf("192.0.2.%d:1080", l), fmt.Sprintf("198.51.%d.%d", n/256, n%256)}))
		}
	}
	return d
}

func (d *destinations) Describe(ch chan<- *prometheus.Desc) { ch <- d.desc }

func (d *destinations) Collect(ch chan<- prometheus.Metric) {
	for _, labels := range d.labels {
		ch <- destination{d.desc, labels}
	}
}

// destination is one series.
type destination struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
}

func (d destination) Desc() *prometheus.Desc { return d.desc }

func (d destination) Write(out *dto.Metric) error {
	v := 3.0
	out.Label, out.Counter = d.labels, &dto.Counter{Value: &v}
	return nil
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
	registry := prometheus.NewRegistry()
	registry.MustRegister(newDestinations(manyListeners, manyDestinations))
	c.Gatherer = registry
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
