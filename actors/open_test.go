package actors

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// A listener with rules is refused as long as nobody enforces them: to serve all
// who come would be the opposite of what was asked for.
func TestRulesAreNotIgnored(t *testing.T) {
	network, err := rules.ParseNetwork("10.0.0.0/8")
	must(t, err)
	for name, spec := range map[string]rules.Spec{
		"clients":      {AllowClients: []rules.Network{network}},
		"nobody":       {AllowClients: []rules.Network{}},
		"forbid names": {ForbidNames: true},
	} {
		c := Config{
			Network: transport.Goroutines(), Metrics: NewMetrics("test"),
			Log: func(string) *slog.Logger { return slog.New(slog.DiscardHandler) },
		}
		p := &policy.Policy{Listeners: []policy.Listener{{Listen: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 0).String(), Rules: spec}}}
		if s, err := Open(t.Context(), &c, p); !errors.Is(err, ErrRules) {
			t.Errorf("%s: got %v; want %v", name, err, ErrRules)
			s.Close()
		}
		if _, err := Check(p); !errors.Is(err, ErrRules) {
			t.Errorf("%s, only checked: got %v; want %v", name, err, ErrRules)
		}
		tr := startTree(t)
		ruled := anyListener()
		ruled.Rules = spec
		if _, err := tr.reload(ruled); !errors.Is(err, ErrRules) {
			t.Errorf("%s, at a reload: got %v; want %v", name, err, ErrRules)
		}
	}
}
