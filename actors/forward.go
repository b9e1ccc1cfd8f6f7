package actors

import (
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
	"github.com/troupe-proxy/troupe/internal/socks5"
)

// A PROXY header stands at the beginning of a session in one of two meanings. On a
// forward listener it is the request: its destination is dialled, from its source.
// On a listener behind a load balancer it is an introduction: it says who the
// client is, and SOCKS follows.

// opening is the phase in which a client begins.
func (l *limits) opening() phase {
	switch {
	case l.forward || l.balancers != nil:
		return phaseHeader
	case l.tls:
		return phaseSecuring
	}
	return phaseGreeting
}

// header takes the PROXY header off b, like message. The phase of a greeting
// behind it goes on by the same deadline; a TLS handshake has its own, of the
// transport.
func (m *machine) header(now time.Time, b []byte, out []action) (int, []action) {
	h, n, err := proxyproto.Parse(b)
	switch {
	case err != nil:
		m.why = err
		return 0, m.abort(ReasonHeader, out)
	case n == 0:
		return 0, out
	}
	if m.limits.forward {
		return n, m.forward(now, h, out)
	}
	m.spoke = !m.limits.tls && len(b) > n // of the header the client knows nothing
	if out = m.introduce(h, out); m.phase != phaseHeader {
		return n, out
	}
	if m.limits.tls {
		m.phase, m.deadline = phaseSecuring, time.Time{}
		return n, append(out, action{do: doSecure})
	}
	m.phase = phaseGreeting
	return n, out
}

// forward takes a header for a BIND of its source and a CONNECT to its destination.
// Whoever says it is asked about the one and then the other, so that what a policy
// forbids is forbidden by this door as well.
func (m *machine) forward(now time.Time, h proxyproto.Header, out []action) []action {
	if !h.Speaks() { // a health check
		m.settle(Outcome{Class: Probed})
		return m.hangUp(ReasonNone, out)
	}
	m.asked = socks5.Address{IP: h.Destination.Addr().Unmap(), Port: h.Destination.Port()}
	// Of the source the address counts: its port is that of a connection elsewhere.
	source := h.Source.Addr().Unmap()
	if source.IsUnspecified() {
		return m.askConnect(now, m.asked, out)
	}
	return m.useSource(now, netip.AddrPortFrom(source, 0), out)
}

// introduce notes the client that a load balancer speaks for. Where that speaks for
// itself, as in a health check, it is judged once it says more than that; and so is
// a client that it does not name, which nobody serves then.
func (m *machine) introduce(h proxyproto.Header, out []action) []action {
	if !h.Speaks() {
		m.unjudged = true
		if h.Command != proxyproto.Local {
			m.client = netip.Addr{}
		}
		return out
	}
	client := unmap(h.Source)
	m.client = client.Addr()
	return m.judgeClient(append(out, action{do: doClient, addr: client}))
}

// judgeClient refuses a client that came by a load balancer and is not served.
func (m *machine) judgeClient(out []action) []action {
	m.unjudged = false
	v, prove := m.limits.admits(m.client, m.handlers)
	m.prove = prove
	if v.Allowed {
		return out
	}
	m.why = &ruling{Verdict: v, what: m.client.String()}
	return m.abort(ReasonClientRefused, out)
}
