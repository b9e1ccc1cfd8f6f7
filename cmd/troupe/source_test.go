package main

import (
	"testing"

	"github.com/troupe-proxy/troupe/actors"
)

// The plain values that Lua gets have the shape of /metrics.json, whatever the
// labels.
func TestPlainFigures(t *testing.T) {
	m := actors.NewMetrics("1.2.3")
	m.Policy.Reloaded(actors.ReloadFailed)
	figures, err := plainFigures(m)(t.Context())
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
	if byResult := family("policy_reload_total")["value"].(map[string]any)["result"].(map[string]any); byResult["failed"] != 1.0 || byResult["ok"] != 0.0 {
		t.Errorf("with one label: got %v; want one failed", byResult)
	}
	if only := family("troupe_build_info")["value"].([]any)[0].(map[string]any); only["version"] != "1.2.3" || only["@"] != 1.0 {
		t.Errorf("with several labels: got %v; want the labels and the figure", only)
	}
	if h := family("go_gc_duration_seconds")["value"].(map[string]any); h["count"] == nil || h["sum"] == nil || h["avg"] == nil || len(h["bucket"].([]any)) != 0 {
		t.Errorf("a summary: got %v; want count, sum and avg, and no bucket", h)
	}
}
