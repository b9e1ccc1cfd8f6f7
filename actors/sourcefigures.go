package actors

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/source"
)

var (
	sourcePlumbed = prometheus.NewDesc("proxy_source_plumbed",
		"0 while the address of the source is not one of this machine, or cannot be used yet, else 1. At 0 clients that ask for it are refused and take another.", []string{"source"}, nil)
	sourcePaused = prometheus.NewDesc("proxy_source_paused",
		"1 while somebody has paused or drained the source, else 0; troupe source list says who, why and for how long.", []string{"source"}, nil)
	sourceSessions = prometheus.NewDesc("proxy_source_sessions",
		"Sessions that relay from the source now; source=\"other\" are those that the policy does not name.", []string{"source"}, nil)
	sourceDials = prometheus.NewDesc("proxy_source_dials_total",
		"CONNECT requests by the source that they were to leave from, and by how dialling the upstream ended; source=\"other\" are those that the policy does not name.", []string{"source", "result"}, nil)
	sourceSuccess = prometheus.NewDesc("proxy_source_last_success_timestamp_seconds",
		"When a dial from the source has connected last, in seconds since 1970; 0: not since the start.", []string{"source"}, nil)
	sourcePorts = prometheus.NewDesc("proxy_source_ports_used_ratio",
		"How much of the source's ports towards one destination is in use by sessions, at the destination where that is most. Near 1, CONNECT fails with ports_exhausted: widen net.ipv4.ip_local_port_range, or use more sources.", []string{"source"}, nil)
	sourceMissed = prometheus.NewDesc("proxy_source_missed",
		"1 while the source is not plumbed though somebody counts on it: the policy names the address itself, or a client has asked for it. Else 0.", []string{"source"}, nil)
	sourceBanners = prometheus.NewDesc("proxy_banner_total",
		"Sessions from the source by the first line of the upstream, at the ports of mail servers: 2xx, 4xx, 5xx, or none for anything else and for nothing, as with implicit TLS. source=\"other\" are those that the policy does not name.", []string{"source", "class"}, nil)
)

// sourceFigures shows the sources that the policy names, all of them from load on.
type sourceFigures struct {
	shown atomic.Pointer[shownSources] // nil: there are none yet
}

type shownSources struct {
	table *source.Table
	used  func() map[netip.Addr]float64
}

func (f *sourceFigures) show(t *source.Table, used func() map[netip.Addr]float64) {
	f.shown.Store(&shownSources{t, used})
}

// Describe implements prometheus.Collector.
func (f *sourceFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sourcePlumbed, sourcePaused, sourceSessions, sourceDials, sourceSuccess, sourcePorts, sourceMissed, sourceBanners} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *sourceFigures) Collect(ch chan<- prometheus.Metric) {
	shown := f.shown.Load()
	if shown == nil {
		return
	}
	used, now := shown.used(), time.Now()
	other := shown.table.Elsewhere().Status(now)
	others := false
	for _, one := range shown.table.Statuses(now) {
		if !one.Known {
			others = true
			other.Sessions += one.Sessions
			for i, n := range one.Dials {
				other.Dials[i] += n
			}
			for i, n := range one.Greetings {
				other.Greetings[i] += n
			}
			continue
		}
		name := one.Address.String()
		collectCounts(ch, name, &one)
		gaugeOf(ch, sourcePlumbed, flag(one.Plumbing != source.Unplumbed), name)
		gaugeOf(ch, sourceMissed, flag(one.Missed), name)
		gaugeOf(ch, sourcePaused, flag(one.Hold.Standing != source.Serving), name)
		gaugeOf(ch, sourceSuccess, seconds(one.LastSuccess), name)
		gaugeOf(ch, sourcePorts, used[one.Address], name)
	}
	counted := func(n uint64) bool { return n > 0 }
	if others || slices.ContainsFunc(other.Dials, counted) || slices.ContainsFunc(other.Greetings[:], counted) {
		collectCounts(ch, overflowLabel, &other)
	}
}

func collectCounts(ch chan<- prometheus.Metric, name string, one *source.Status) {
	gaugeOf(ch, sourceSessions, float64(one.Sessions), name)
	for i, r := range egress.Results() {
		ch <- prometheus.MustNewConstMetric(sourceDials, prometheus.CounterValue, float64(one.Dials[i]), name, r.String())
	}
	for c := range source.Classes {
		ch <- prometheus.MustNewConstMetric(sourceBanners, prometheus.CounterValue, float64(one.Greetings[c]), name, c.String())
	}
}

func gaugeOf(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, name string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, name)
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus has it; 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
