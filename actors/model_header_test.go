package actors

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// heads is what a model knows of PROXY headers.
type heads struct {
	due, taken bool
	securing   int // TLS handshakes that were asked for
	header     proxyproto.Header
	client     netip.Addr // whom it introduced
}

// note looks at the first bytes that the machine consumes.
func (h *heads) note(consumed []byte) {
	if h.due && !h.taken && len(consumed) > 0 {
		h.taken = true
		h.header, _, _ = proxyproto.Parse(consumed) // of bytes that are none, nothing may follow
	}
}

// openDoor makes a quarter of the histories those of a forward listener, and a
// quarter those of one behind a load balancer.
func (w *model) openDoor(t *testing.T, seed uint64) {
	t.Helper()
	switch seed % 4 {
	case 1:
		w.m.limits.forward, w.heads.due = true, true
	case 3:
		w.m.limits.balancers = rules.NewClients(rules.ProxyProtocolFrom, networks(t, "10.0.0.0/8"))
		w.m.prove, w.heads.due = false, true
		w.m.limits.tls = seed%8 == 3
	}
}

var modelHeaders = [][]byte{
	header4, header4, header4,
	[]byte("PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n"),
	[]byte("PROXY TCP4 203.0.113.9 192.0.2.25 40000 25\r\nEHLO x\r\n"),
	[]byte("PROXY TCP6 2001:db8::50 2001:db8::1 0 25\r\n"),
	[]byte("PROXY TCP4 0.0.0.0 192.0.2.25 0 25\r\n"),
	[]byte("PROXY TCP4 224.0.0.1 192.0.2.25 0 25\r\n"),
	[]byte("PROXY UNKNOWN\r\n"), []byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"),
	[]byte("PROXY TCP4 192.0.2.1 2001:db8::1 0 25\r\n"),
}

// handshakes is the client's TLS handshake, asked for behind its header.
func (w *model) handshakes() error {
	h := &w.heads
	h.securing++
	ok := w.m.limits.tls && h.taken && h.securing == 1 && !w.closing && len(w.ends) == 0
	w.pending = nil // it belongs to the handshake
	return w.check(ok, "asks for the %d. handshake after %+v", h.securing, h.header)
}

// secured answers it. Nothing else is done while it is under way.
func (w *model) secured() error {
	if w.heads.securing == 0 || w.closing {
		return nil
	}
	if w.rng.IntN(4) == 0 {
		return w.feed("no handshake", event{kind: evClientClosed, err: transport.ErrTLSHandshake})
	}
	return w.feed("secured", event{kind: evSecured})
}

// introduced: the client is said once, by a header, and is whom that names.
func (w *model) introduced(a *action) error {
	h := &w.heads
	ok := w.m.limits.balancers != nil && h.taken && !h.client.IsValid() && a.addr == h.header.Source
	h.client = a.addr.Addr()
	return w.check(ok, "says that %v is the client after %+v", a.addr, h.header)
}

// checkHead: nothing is dialled but what a header asks for, or the policy in its
// place, and nothing for a client from where nobody is served unasked, or in the
// clear where there is TLS.
func (w *model) checkHead(to netip.AddrPort) error {
	h := &w.heads
	switch {
	case w.m.limits.forward:
		wanted := []netip.AddrPort{h.header.Destination, netip.MustParseAddrPort("192.0.2.9:25")}
		return w.check(h.taken && slices.Contains(wanted, to), "dials %v after %+v", to, h.header)
	case w.m.limits.balancers != nil:
		ok := h.taken && (h.securing == 1 || !w.m.limits.tls) && (h.header.Command == proxyproto.Local || h.client.IsPrivate() || w.trusted)
		return w.check(ok, "dials %v for %v, after %+v", to, h.client, h.header)
	}
	return nil
}

// checkHeadSource: the source of a header is what is bound, or the policy's.
func (w *model) checkHeadSource(ip netip.Addr) error {
	if !w.m.limits.forward {
		return nil
	}
	ok := ip == w.heads.header.Source.Addr() || ip == ourSide.Addr() || slices.Contains(w.spec.choice, ip)
	return w.check(ok, "binds %v after %+v", ip, w.heads.header)
}
