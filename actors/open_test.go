package actors

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Rules that make no sense together open nothing, and the error says where they
// stand.
func TestRulesThatClashAreRefused(t *testing.T) {
	clashing := anyListener()
	clashing.At = policy.Position{File: "policy.lua", Line: 7}
	clashing.Rules = rules.Spec{Source: networks(t, "192.0.2.1"), AllowSources: networks(t, "10.0.0.0/8")}
	refused := func(name string, err error) {
		t.Helper()
		var conflicts rules.Conflicts
		if !errors.As(err, &conflicts) || !strings.HasPrefix(err.Error(), "policy.lua:7: listen on 127.0.0.1:0: source[1]: ") {
			t.Errorf("%s: got %v; want the conflict and its place", name, err)
		}
	}
	c := Config{
		Network: transport.Goroutines(), Metrics: NewMetrics("test"), Host: anyHost(),
		Log: func(string) *slog.Logger { return slog.New(slog.DiscardHandler) },
	}
	_, err := Open(t.Context(), &c, &policy.Policy{Listeners: []policy.Listener{anyListener(), clashing}})
	refused("at the start", err)
	tr := startTree(t)
	_, err = tr.reload(clashing)
	refused("at a reload", err)
	must(t, tr.mustOpen(startUpstream(t).addr).finish())
}
