package actors

import (
	"github.com/prometheus/client_golang/prometheus"
)

// AccessLogCounts are figures of the access log since the process began.
type AccessLogCounts struct {
	// Written is the lines that were written, and Lost those that never will be.
	Written, Lost uint64
	// Failures is how often the file could not be opened or written.
	Failures uint64
}

var (
	accessLogWritten = prometheus.NewDesc("proxy_access_log_lines_total",
		"Lines written to the access log; 0 as long as no policy configures one. Sessions end and this stands still: see proxy_access_log_write_failures_total.", nil, nil)
	accessLogLost = prometheus.NewDesc("proxy_access_log_lines_lost_total",
		"Lines of the access log that were lost because its buffer was full, or could not be written before the end. No session was harmed. Free the disk, or raise buffer_lines.", nil, nil)
	accessLogFailures = prometheus.NewDesc("proxy_access_log_write_failures_total",
		"Times that the access log could not be opened or written; it is tried each second, and lines wait meanwhile. The log says why: mostly a full disk, or a directory that is not the proxy's.", nil, nil)
)

// accessLogFigures shows what becomes of the access log.
type accessLogFigures struct{ counts func() AccessLogCounts }

// ShowAccessLog adds the figures of the access log, which counts gives. It is
// called once, before anybody gathers; counts is called in any goroutine.
func (m *Metrics) ShowAccessLog(counts func() AccessLogCounts) {
	m.registry.MustRegister(accessLogFigures{counts})
}

// Describe implements prometheus.Collector.
func (accessLogFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{accessLogWritten, accessLogLost, accessLogFailures} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f accessLogFigures) Collect(ch chan<- prometheus.Metric) {
	c := f.counts()
	ch <- prometheus.MustNewConstMetric(accessLogWritten, prometheus.CounterValue, float64(c.Written))
	ch <- prometheus.MustNewConstMetric(accessLogLost, prometheus.CounterValue, float64(c.Lost))
	ch <- prometheus.MustNewConstMetric(accessLogFailures, prometheus.CounterValue, float64(c.Failures))
}
