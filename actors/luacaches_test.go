package actors

import (
	"testing"

	"github.com/troupe-proxy/troupe/lua/modules/service"
)

// Each counter of a cache has its own family, by the name of the cache.
func TestCacheFigures(t *testing.T) {
	m := NewMetrics("test")
	m.ShowCaches(func() []service.CacheStats {
		return []service.CacheStats{
			{Name: "users", Lookups: 1, Hits: 2, Misses: 3, Populated: 4, Errors: 5, Stale: 6, Inserted: 7, Evicted: 8, Expired: 9, Waiting: 10, Size: 11},
			{Name: "zones", Size: 12},
		}
	})
	got := gather(t, m.Gatherer())
	for family, want := range map[string]float64{
		"memoize_cache_lookup_count": 1, "memoize_cache_hit_count": 2, "memoize_cache_miss_count": 3, "memoize_cache_populated_count": 4,
		"lruttl_lookup_count": 1, "lruttl_hit_count": 2, "lruttl_miss_count": 3, "lruttl_populated_count": 4, "lruttl_error_count": 5,
		"lruttl_stale_count": 6, "lruttl_insert_count": 7, "lruttl_evict_count": 8, "lruttl_expire_count": 9,
		"lruttl_waiting_populate": 10, "lruttl_cache_size": 11,
	} {
		if got[family]["users"] != want || len(got[family]) != 2 {
			t.Errorf("%s: got %v; want %v for users, and zones beside it", family, got[family], want)
		}
	}
	if got := got["lruttl_cache_size"]["zones"]; got != 12 {
		t.Errorf("lruttl_cache_size of zones is %v; want 12", got)
	}
}
