package actors

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// forwardTo is a header for an upstream on loopback, from an address there.
func forwardTo(upstream netip.AddrPort) []byte {
	return fmt.Appendf(nil, "PROXY TCP4 127.0.0.1 %v 40000 %d\r\n", upstream.Addr(), upstream.Port())
}

func forwarding(t *testing.T, l policy.Listener) policy.Listener {
	l.Forward, l.Rules.AllowClients = true, networks(t, "127.0.0.0/8")
	return l
}

// A forward listener is a listener like the others: its sessions are listed and
// told of, and a reload makes it of one for SOCKS, and back, on the same socket.
func TestForwardListener(t *testing.T) {
	var log journal
	var ends witness
	up := startUpstream(t)
	tr := startTree(t, witnessed(&ends), func(s *setup) {
		s.listeners[0] = forwarding(t, s.listeners[0])
		s.log = log.logger()
	})
	tr.needsSharing()
	if want := "forward listener on " + tr.proxy.String(); !log.has(want) {
		t.Errorf("the log lacks %q", want)
	}
	c := tr.mustDial()
	must(t, c.say(append(forwardTo(up.addr), "early"...)...))
	if b, err := c.hear(5); err != nil || string(b) != "early" {
		t.Fatalf("got %q, %v; want what was said behind the header", b, err)
	}
	all := slices.Collect(tr.sys.Sessions())
	if len(all) != 1 || all[0].Phase != "relaying" || all[0].Destination != up.addr || all[0].Source.Addr() != nearby {
		t.Errorf("got the sessions %+v; want the one, relaying from %v to %v", all, nearby, up.addr)
	}

	d := tr.mustReload(0, 1, 0, 0, at(tr.proxy))
	if want := fmt.Sprintf("~ listener %v forward true → false, allow_clients", tr.proxy); d.String() != want {
		t.Errorf("got the difference %q; want %q", d, want)
	}
	must(t, tr.mustOpen(up.addr).finish())
	must(t, c.echo("alive\r\n")) // as it began

	d = tr.mustReload(0, 1, 0, 0, forwarding(t, at(tr.proxy)))
	if want := fmt.Sprintf("~ forward listener %v forward false → true, allow_clients", tr.proxy); d.String() != want {
		t.Errorf("got the difference %q; want %q", d, want)
	}
	must(t, c.finish())
	ends.next(t, 1)
	for _, e := range ends.told() {
		if forwarded := e.Asked.AddrPort() == up.addr && !e.Replied; e.Client.String() == c.LocalAddr().String() && !forwarded {
			t.Errorf("told of %+v; want it asked for %v and not answered", e, up.addr)
		}
	}
}
