package actors

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	memoryHeld = prometheus.NewDesc("proxy_memory_held_bytes",
		"Memory that no collection of garbage would free, looked at ten times a second. Near go_gc_gomemlimit_bytes clients are turned away: raise the limit, or lower limits.connections.", nil, nil)
	memoryGroup = prometheus.NewDesc("proxy_memory_cgroup_limit_bytes",
		"What the control group of the process may have, as it was at the start; 0: any amount, or there is none. Nine tenths of it are go_gc_gomemlimit_bytes, unless the environment or the policy says otherwise.", nil, nil)
	memoryPressure = prometheus.NewDesc("proxy_memory_pressure",
		"1 while new clients are turned away because memory is short, else 0. Sessions go on. proxy_session_failures_total counts the clients under the reason memory_pressure.", nil, nil)
)

// memoryFigures shows how memory is. Who watches it writes to them.
type memoryFigures struct {
	ledger *Ledger
	held   atomic.Uint64
	group  atomic.Int64
}

// Describe implements prometheus.Collector.
func (f *memoryFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{memoryHeld, memoryGroup, memoryPressure} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *memoryFigures) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(memoryHeld, prometheus.GaugeValue, float64(f.held.Load()))
	ch <- prometheus.MustNewConstMetric(memoryGroup, prometheus.GaugeValue, float64(f.group.Load()))
	ch <- prometheus.MustNewConstMetric(memoryPressure, prometheus.GaugeValue, oneIf(f.ledger.pressed.Load() != nil))
}

// ShowCgroupLimit shows what the control group of the process may have; 0: any
// amount.
func (m *Metrics) ShowCgroupLimit(bytes int64) { m.memory.group.Store(bytes) }
