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

// The plain values that Lua gets have the shape of /metrics.json, whatever the
// labels.
func TestPlainFigures(t *testing.T) {
	m := NewMetrics("test")
	a, err := m.open("127.0.0.1:1080", 10, 0)
	must(t, err)
	a.greet.Observe(0.02)
	m.Policy.Reloaded(ReloadFailed)
	figures, err := m.Figures(t.Context())
	must(t, err)
	family := func(name string) map[string]any {
		t.Helper()
		f, ok := figures.(map[string]any)[name].(map[string]any)
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		return f
	}
	if f := family("policy_fallback"); f["type"] != "gauge" || f["value"] != 0.0 || f["help"] == "" {
		t.Errorf("without labels: got %v; want the figure", f)
	}
	byResult := family("policy_reload_total")["value"].(map[string]any)["result"].(map[string]any)
	if len(byResult) != int(reloadResults) || byResult["failed"] != 1.0 || byResult["ok"] != 0.0 {
		t.Errorf("with one label: got %v; want one failed", byResult)
	}
	list := family("proxy_session_failures_total")["value"].([]any)
	first := list[0].(map[string]any)
	if first["listener"] != "127.0.0.1:1080" || first["reason"] == "" || first["fault"] == "" || first["@"] != 0.0 {
		t.Errorf("with several labels: got %v; want the labels and the figure", first)
	}
	h := family("proxy_greet_duration_seconds")["value"].(map[string]any)["listener"].(map[string]any)["127.0.0.1:1080"].(map[string]any)
	buckets := h["bucket"].([]any)
	if h["count"] != 1.0 || h["sum"] != 0.02 || h["avg"] != 0.02 || len(buckets) != 11 {
		t.Errorf("a histogram: got %v; want one observation of 0.02", h)
	}
	if last := buckets[len(buckets)-1].([]any); last[0] != 10.0 || last[1] != 1.0 {
		t.Errorf("the last bucket: got %v; want that of 10 s, and none of infinity", last)
	}
}
