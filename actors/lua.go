package actors

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/lua/pool"
)

// luaFigures shows what the calls into the policy cost. KumoMTA's families keep
// their names; those that begin with proxy_hook have no counterpart there.
type luaFigures struct {
	meter interface{ Snapshot() pool.Snapshot }
}

var (
	luaCount = prometheus.NewDesc("lua_count",
		"Lua states that exist: lent to a call, spare or abandoned.", nil, nil)
	luaSpare = prometheus.NewDesc("lua_spare_count",
		"Lua states that wait for a call.", nil, nil)
	luaLoads = prometheus.NewDesc("lua_load_count",
		"Lua states ever built.", nil, nil)
	luaAbandoned = prometheus.NewDesc("proxy_hook_abandoned_states",
		"Lua states whose call outlived its deadline and has not returned yet.", nil, nil)
	luaWaiting = prometheus.NewDesc("proxy_hook_waiting",
		"Calls into the policy that wait for a Lua state. Above 0 for long: handlers take too long, and clients wait for them; lua_event_latency says which.", nil, nil)
	luaRefused = prometheus.NewDesc("proxy_hook_refused_total",
		"Calls into the policy that found no free Lua state in time.", nil, nil)
	luaDropped = prometheus.NewDesc("proxy_hook_dropped_total",
		"Ends of sessions that the policy was not told of because too many waited.", nil, nil)
	luaStarted = prometheus.NewDesc("lua_event_started",
		"Calls of a handler.", []string{"event"}, nil)
	luaFailed = prometheus.NewDesc("proxy_hook_failed_total",
		"Calls of a handler that raised an error, took too long or found no Lua state.", []string{"event"}, nil)
	luaTimers = prometheus.NewDesc("user_lua_latency",
		"Seconds that the policy has measured with kumo.time.start_timer; labels beyond the first hundred count as other.", []string{"label"}, nil)
	luaLatency = prometheus.NewDesc("lua_event_latency",
		"Seconds that calls of a handler took, waiting included; context-creation is the building of a Lua state.", []string{"event"}, nil)
)

// Describe implements prometheus.Collector.
func (luaFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{luaCount, luaSpare, luaLoads, luaAbandoned, luaWaiting, luaRefused, luaDropped, luaStarted, luaFailed, luaLatency, luaTimers} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f luaFigures) Collect(ch chan<- prometheus.Metric) {
	s := f.meter.Snapshot()
	gauge := func(d *prometheus.Desc, n int64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n))
	}
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge(luaCount, s.States)
	gauge(luaSpare, s.Spare)
	gauge(luaAbandoned, s.Abandoned)
	gauge(luaWaiting, s.Waiting)
	counter(luaLoads, s.Loads)
	counter(luaRefused, s.Refused)
	counter(luaDropped, s.Dropped)
	for event, e := range s.Events {
		if event != pool.Building { // which is timed, and called by nobody
			counter(luaStarted, e.Started, event)
			counter(luaFailed, e.Failed, event)
		}
		ch <- prometheus.MustNewConstHistogram(luaLatency, e.Count, e.Seconds, e.Buckets, event)
	}
	for label, e := range s.Timers {
		ch <- prometheus.MustNewConstHistogram(luaTimers, e.Count, e.Seconds, e.Buckets, label)
	}
}
