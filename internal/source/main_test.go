package source

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func network(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// host is a machine that a test furnishes.
type host struct {
	plumbed  map[netip.Addr]bool
	unknown  bool
	bindsAny bool
}

func (h *host) Plumbed(a netip.Addr) (plumbed, known bool) { return h.plumbed[a], !h.unknown }
func (h *host) BindsAny(netip.Addr) bool                   { return h.bindsAny }
