package actors

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/lua/modules/service"
)

// cacheFamily is one figure of every cache.
type cacheFamily struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(service.CacheStats) uint64
}

func newCacheFamily(name, help string, kind prometheus.ValueType, read func(service.CacheStats) uint64) cacheFamily {
	return cacheFamily{prometheus.NewDesc(name, help, []string{"cache_name"}, nil), kind, read}
}

func newCacheFamilies() []cacheFamily {
	counter := func(name, help string, read func(service.CacheStats) uint64) cacheFamily {
		return newCacheFamily(name, help, prometheus.CounterValue, read)
	}
	gauge := func(name, help string, read func(service.CacheStats) int) cacheFamily {
		return newCacheFamily(name, help, prometheus.GaugeValue, func(s service.CacheStats) uint64 { return uint64(read(s)) })
	}
	lookups := func(s service.CacheStats) uint64 { return s.Lookups }
	hits := func(s service.CacheStats) uint64 { return s.Hits }
	misses := func(s service.CacheStats) uint64 { return s.Misses }
	populated := func(s service.CacheStats) uint64 { return s.Populated }
	return []cacheFamily{
		counter("memoize_cache_lookup_count", "Calls of functions that kumo.memoize made.", lookups),
		counter("memoize_cache_hit_count", "Calls answered from the cache.", hits),
		counter("memoize_cache_miss_count", "Calls whose result was not in the cache, or too old. Many beside few hits: ttl or capacity is too small, or the arguments are hardly ever the same.", misses),
		counter("memoize_cache_populated_count", "Runs of the function whose result was kept.", populated),
		counter("lruttl_lookup_count", "The same value as memoize_cache_lookup_count.", lookups),
		counter("lruttl_hit_count", "The same value as memoize_cache_hit_count.", hits),
		counter("lruttl_miss_count", "The same value as memoize_cache_miss_count.", misses),
		counter("lruttl_evict_count", "Results that gave way to newer ones because the cache was full.", func(s service.CacheStats) uint64 { return s.Evicted }),
		counter("lruttl_expire_count", "Results that were found too old.", func(s service.CacheStats) uint64 { return s.Expired }),
		counter("lruttl_insert_count", "Results that were kept.", func(s service.CacheStats) uint64 { return s.Inserted }),
		counter("lruttl_populated_count", "The same value as memoize_cache_populated_count.", populated),
		counter("lruttl_error_count", "Runs of the function that raised an error or were cut short; their result was not kept.", func(s service.CacheStats) uint64 { return s.Errors }),
		counter("lruttl_stale_count", "Calls answered with a result too old while another call renewed it, as allow_stale_reads permits.", func(s service.CacheStats) uint64 { return s.Stale }),
		gauge("lruttl_waiting_populate", "Calls that wait for another to run the function with the same arguments.", func(s service.CacheStats) int { return s.Waiting }),
		gauge("lruttl_cache_size", "Results in the cache.", func(s service.CacheStats) int { return s.Size }),
	}
}

// cacheFigures shows what the caches of kumo.memoize do, under KumoMTA's names: a
// cache counts there once as what a policy has defined and once as the cache
// beneath.
type cacheFigures struct {
	stats    func() []service.CacheStats
	families []cacheFamily
}

// ShowCaches adds the figures of caches, which stats gives: one entry for each
// name. It is called once, before anybody gathers; stats is called in any
// goroutine.
func (m *Metrics) ShowCaches(stats func() []service.CacheStats) {
	m.registry.MustRegister(&cacheFigures{stats, newCacheFamilies()})
}

// Describe implements prometheus.Collector.
func (c *cacheFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.families {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *cacheFigures) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.stats() {
		for _, f := range c.families {
			ch <- prometheus.MustNewConstMetric(f.desc, f.kind, float64(f.read(s)), s.Name)
		}
	}
}
