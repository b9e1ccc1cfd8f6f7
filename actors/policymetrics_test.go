package actors

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What the policy's figures say from the start on, and after each change.
func TestPolicyMetrics(t *testing.T) {
	m := newPolicyMetrics()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(m)
	want := func(when, name, labels string, want float64) {
		t.Helper()
		got, there := gather(t, reg)[name][labels]
		if !there || got != want {
			t.Errorf("%s: %s{%s} is %v, there: %v; want %v", when, name, labels, got, there, want)
		}
	}
	for _, result := range []string{"ok", "unchanged", "failed"} {
		want("at the start", "policy_reload_total", result, 0)
	}
	want("at the start", "policy_fallback", "", 0)
	if n := len(gather(t, reg)["policy_info"]); n != 0 {
		t.Errorf("%d policies are told of before one is served", n)
	}
	m.Serve("abc", true, time.Unix(1000, 500e6))
	want("with the kept policy", "policy_fallback", "", 1)
	want("with the kept policy", "policy_info", "abc", 1)
	want("with the kept policy", "policy_loaded_timestamp_seconds", "", 1000.5)
	m.Reloaded(ReloadFailed)
	m.Reloaded(ReloadFailed)
	m.Reloaded(ReloadUnchanged)
	m.Reloaded(ReloadOK)
	m.Serve("def", false, time.Unix(2000, 0))
	want("reloaded", "policy_reload_total", "failed", 2)
	want("reloaded", "policy_reload_total", "unchanged", 1)
	want("reloaded", "policy_reload_total", "ok", 1)
	want("reloaded", "policy_fallback", "", 0)
	want("reloaded", "policy_info", "def", 1)
	if n := len(gather(t, reg)["policy_info"]); n != 1 {
		t.Errorf("%d policies are told of; want the one that is served", n)
	}
}

// The figures of a listener outlive it for some scrapes, and no longer. One that
// comes back meanwhile goes on with them.
func TestAccountsAreForgotten(t *testing.T) {
	m := NewMetrics("test")
	open := func() *account {
		t.Helper()
		a, err := m.open("127.0.0.1:1080", 10, time.Hour)
		must(t, err)
		return a
	}
	settle := func(a *account, at time.Time) {
		m.Ledger.retire(a)
		m.Ledger.leave(a, at)
	}
	start := time.Unix(1000, 0)
	first := open()
	if _, err := m.open("127.0.0.1:1080", 10, time.Hour); err == nil {
		t.Error("an address has two listeners that take clients")
	}
	m.forget(start.Add(24 * time.Hour))
	if len(m.Ledger.Status()) != 1 {
		t.Fatal("a listener was forgotten while it takes clients")
	}
	m.Ledger.retire(first)
	second := open()
	if second != first {
		t.Error("an address has two accounts while it drains")
	}
	m.Ledger.leave(first, start)
	if st := m.Ledger.Status(); len(st) != 1 || st[0].Draining {
		t.Errorf("status %+v; want one listener that does not drain", st)
	}
	settle(second, start)
	if st := m.Ledger.Status(); len(st) != 0 {
		t.Errorf("status %+v; want no listener", st)
	}
	m.forget(start.Add(accountKeep - 1))
	if got := gather(t, m.Gatherer())["proxy_connections_accepted_total"]; len(got) != 1 {
		t.Error("the figures went with the listener; want them there for the next scrapes")
	}
	m.forget(start.Add(accountKeep))
	for name, series := range gather(t, m.Gatherer()) {
		if len(series) > 0 && (name == "proxy_connections_accepted_total" || name == "proxy_greet_duration_seconds") {
			t.Errorf("%s is still there", name)
		}
	}
	if third := open(); third == first {
		t.Error("an account that was forgotten is used again")
	}
}
