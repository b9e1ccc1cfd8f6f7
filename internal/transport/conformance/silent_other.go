//go:build !unix

package conformance

import (
	"net/netip"
	"testing"
)

// silent is an address that answers no attempt to connect.
type silent struct{ addr netip.AddrPort }

func newSilent(t *testing.T) *silent {
	t.Helper()
	t.Skip("a full queue refuses here, so that no address is silent without a network")
	return nil
}

func (s *silent) close() {}
