package actors

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/transport"
)

var (
	pipesOpen = prometheus.NewDesc("proxy_pipes",
		"Pipes by which the kernel carries bulk, two descriptors each: lent to a burst, stalled (they hold what a peer has not taken for a second), or spare. Many stalled: peers that do not read; /api/admin/sessions, sorted by idle time, shows whose.", []string{"state"}, nil)
	pipeRefusals = prometheus.NewDesc("proxy_pipe_refusals_total",
		"Reads of bulk that were copied, at some twice the cost, since no pipe could be had. stalled: too many peers do not read; descriptors: raise the limit of open files; pages: raise the sysctl fs.pipe-user-pages-soft, or give the daemon CAP_SYS_RESOURCE; other: the system says no.", []string{"reason"}, nil)
	remainders = prometheus.NewDesc("proxy_remainder_bytes",
		"Bytes in memory that came from one side of a session and that the other side has not taken yet. They stay near 0 unless peers do not read.", nil, nil)
	remaindersLimit = prometheus.NewDesc("proxy_remainder_limit_bytes",
		"How far proxy_remainder_bytes may grow. Where it comes near it, every session goes on with smaller reads, which cost more; end those whose peers do not read.", nil, nil)
	loopLag = prometheus.NewDesc("proxy_loop_lag_seconds",
		"How long events and timers have waited for their event loop, of those that did. A few milliseconds are the turns of bulk sessions; beyond 0.1 the processors are short, or a loop is held up: compare proxy_loop_busy_seconds.", []string{"loop"}, nil)
	loopBusy = prometheus.NewDesc("proxy_loop_busy_seconds",
		"For how long an event loop has been at the events it fetched last; 0: it waits for some. A second or more is a fault to report; /livez says so, too.", []string{"loop"}, nil)
)

// transportFigures shows how the transport is.
type transportFigures struct {
	network atomic.Pointer[transport.Network] // nil: nothing was opened yet
}

// of shows a network from now on.
func (f *transportFigures) of(n transport.Network) { f.network.Store(&n) }

// Describe implements prometheus.Collector.
func (f *transportFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{pipesOpen, pipeRefusals, remainders, remaindersLimit, loopLag, loopBusy} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *transportFigures) Collect(ch chan<- prometheus.Metric) {
	n := f.network.Load()
	if n == nil {
		return
	}
	now := (*n).Figures()
	ch <- prometheus.MustNewConstMetric(remainders, prometheus.GaugeValue, float64(now.Held))
	ch <- prometheus.MustNewConstMetric(remaindersLimit, prometheus.GaugeValue, float64(now.HeldLimit))
	if len(now.Loops) == 0 {
		return // a transport that has neither loops nor pipes
	}
	for _, p := range []struct {
		state string
		n     int
	}{{"lent", now.Pipes.Lent}, {"stalled", now.Pipes.Stalled}, {"spare", now.Pipes.Spare}} {
		ch <- prometheus.MustNewConstMetric(pipesOpen, prometheus.GaugeValue, float64(p.n), p.state)
	}
	for why, n := range now.Pipes.Refused {
		ch <- prometheus.MustNewConstMetric(pipeRefusals, prometheus.CounterValue, float64(n), transport.Shortage(why).String())
	}
	for i, l := range now.Loops {
		name := strconv.Itoa(i + 1)
		ch <- prometheus.MustNewConstMetric(loopBusy, prometheus.GaugeValue, l.Busy.Seconds(), name)
		ch <- lagMetric(l.Lag, name)
	}
}

// lagMetric is a lag with its counts added up, as a histogram has them.
func lagMetric(l transport.Lag, loop string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(transport.LagBounds))
	var sum uint64
	for i, bound := range transport.LagBounds {
		sum += l.Counts[i]
		buckets[bound.Seconds()] = sum
	}
	sum += l.Counts[len(transport.LagBounds)]
	return prometheus.MustNewConstHistogram(loopLag, sum, l.Sum.Seconds(), buckets, loop)
}
