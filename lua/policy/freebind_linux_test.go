package policy

import (
	"net/netip"
	"slices"
	"testing"
)

// TestFreebindSource: an entry of source may be a table, and is shown as one only if
// that says something.
func TestFreebindSource(t *testing.T) {
	p, err := LoadSource(t.Context(), "policy.lua", []byte(`require('kumo').on('proxy_init', function()
  require('proxy').start_proxy_listener { listen = '127.0.0.1:1',
    source = { '192.0.2.1', { network = '2001:db8:1::/64', freebind = true }, { network = '2001:db8:2::/64' } } }
end)`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l := &p.Listeners[0]
	if got, want := l.Rules.FreebindNetworks(), []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64")}; !slices.Equal(got, want) {
		t.Errorf("got %v bound freely; want %v", got, want)
	}
	want := Setting{"source", "{ '192.0.2.1', { network = '2001:db8:1::/64', freebind = true }, '2001:db8:2::/64' }"}
	if all := l.Settings(); !slices.Contains(all, want) {
		t.Errorf("got the settings %v; want %v among them", all, want)
	}
}
