package actors

import (
	"testing"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// What the policy costs is in the registry, under KumoMTA's names.
func TestLuaFigures(t *testing.T) {
	m := NewMetrics("test")
	hooks := NewHooks(load(t, `kumo.on('proxy_server_auth_rfc1929', function(user) return user == 'alice' or error('no') end)`,
		policy.Options{Meter: m.Lua}))
	tr := &tree{t: t, reg: m.Gatherer()}
	for _, user := range []string{"alice", "alice", "bob"} {
		_, _ = hooks.decider.Authenticate(t.Context(), user, "p", policy.ConnMeta{})
	}
	for family, want := range map[string]float64{
		"lua_count": 0, "lua_spare_count": 0, "lua_load_count": 1,
		"proxy_hook_abandoned_states": 0, "proxy_hook_refused_total": 0, "proxy_hook_dropped_total": 0,
	} {
		if got, ok := tr.plain(family); !ok || got != want {
			t.Errorf("%s: got %v, there %v; want %v", family, got, ok, want)
		}
	}
	for family, want := range map[string]float64{"lua_event_started": 3, "proxy_hook_failed_total": 1} {
		if got := tr.value(family, "event", policy.EventAuth); got != want {
			t.Errorf("%s: got %v; want %v", family, got, want)
		}
	}
	if got := tr.count("lua_event_latency", policy.EventAuth); got != 3 {
		t.Errorf("lua_event_latency has %d calls; want 3", got)
	}
	if got := tr.count("lua_event_latency", "context-creation"); got != 1 {
		t.Errorf("lua_event_latency has %d states built; want 1", got)
	}
}

// plain is the value of a family without labels.
func (tr *tree) plain(family string) (value float64, ok bool) {
	tr.t.Helper()
	families, err := tr.reg.Gather()
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == family {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue(), true
		}
	}
	return 0, false
}

// count is how many observations a histogram of one event has.
func (tr *tree) count(family, event string) uint64 {
	tr.t.Helper()
	families, err := tr.reg.Gather()
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == family && m.GetLabel()[0].GetValue() == event {
				return m.GetHistogram().GetSampleCount()
			}
		}
	}
	return 0
}
