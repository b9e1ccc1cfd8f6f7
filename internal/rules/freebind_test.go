package rules

import (
	"net/netip"
	"slices"
	"testing"
)

// TestFreebind: the most specific entry of source decides, whoever names the address.
func TestFreebind(t *testing.T) {
	if !canFreebind {
		t.Skip("not on this system")
	}
	list := mustNetworks(t, "2001:db8:1::/64", "2001:db8:1::7", "203.0.113.0/24", "192.0.2.0/24")
	list[0], list[2] = list[0].Freely(), list[2].Freely()
	spec := Spec{Source: list}
	s := mustCompile(t, spec)
	for text, want := range map[string]bool{
		"2001:db8:1::1": true, "2001:db8:1::7": false, "2001:db8:2::1": false,
		"203.0.113.9": true, "::ffff:203.0.113.9": true, "192.0.2.1": false,
	} {
		if got := s.Freebind(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %v; want %v", text, got, want)
		}
	}
	if s.Freebind(netip.Addr{}) {
		t.Error("no address: got true; want false")
	}
	if got, want := spec.FreebindNetworks(), []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64"), netip.MustParsePrefix("203.0.113.0/24")}; !slices.Equal(got, want) {
		t.Errorf("got the networks %v; want %v", got, want)
	}
	if mustCompile(t, Spec{Source: mustNetworks(t, "2001:db8:1::/64")}).Freebind(netip.MustParseAddr("2001:db8:1::1")) {
		t.Error("got true where nobody asked for it")
	}
}
