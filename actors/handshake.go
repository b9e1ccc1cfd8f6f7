package actors

import (
	"errors"
	"net/netip"
	"syscall"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/socks5"
)

// message takes one message off b and returns its length, or 0 if it is not
// whole yet or cannot be read.
func (m *machine) message(now time.Time, b []byte, out []action) (int, []action) {
	switch m.phase {
	case phaseHeader:
		return m.header(now, b, out)
	case phaseGreeting:
		if m.unjudged {
			if out = m.judgeClient(out); m.phase != phaseGreeting {
				return 0, out
			}
		}
		g, n, err := m.socks.Greeting(b)
		if err != nil {
			return 0, m.hangUp(ReasonProtocol, out)
		}
		if n > 0 {
			out = m.greeted(now, g, out)
		}
		return n, out
	case phaseAuth:
		c, n, err := m.socks.Credentials(b)
		if err != nil {
			return 0, m.hangUp(ReasonProtocol, out)
		}
		if n > 0 {
			out = m.askCredentials(now, c, out)
		}
		return n, out
	default:
		r, n, err := m.socks.Request(b)
		if err != nil {
			return n, m.badRequest(err, out)
		}
		if n > 0 {
			out = m.requested(now, r, out)
		}
		return n, out
	}
}

// greeted chooses the method. A client that offers user/password beside none is
// asked for it only where somebody demands it, or would look at it.
func (m *machine) greeted(now time.Time, g socks5.Greeting, out []action) []action {
	method := socks5.MethodUnacceptable
	switch {
	case g.Offers(socks5.MethodPassword) && m.handlers.auth:
		method = socks5.MethodPassword
	case g.Offers(socks5.MethodNone) && !m.limits.requireAuth && !m.prove:
		method = socks5.MethodNone
	case g.Offers(socks5.MethodPassword):
		method = socks5.MethodPassword
	}
	reply := socks5.AppendMethod(nil, method)
	if method == socks5.MethodUnacceptable {
		return m.refuse(ReasonNoMethod, reply, out)
	}
	m.socks.Choose(method)
	next := phaseRequest
	if method == socks5.MethodPassword {
		next = phaseAuth
	}
	m.enter(next, now, m.limits.step)
	return append(out, action{do: doMark, mark: markGreeted}, action{do: doWrite, bytes: reply})
}

func (m *machine) requested(now time.Time, r socks5.Request, out []action) []action {
	switch r.Command {
	case socks5.Bind:
		return m.bind(now, r.Address, out)
	case socks5.Connect:
		m.asked = r.Address
		return m.askConnect(now, r.Address, out)
	}
	return m.fail(ReasonCommand, socks5.CommandNotSupported, out)
}

// badRequest answers a request that cannot be read with the code made for it.
func (m *machine) badRequest(err error, out []action) []action {
	switch {
	case errors.Is(err, socks5.ErrCommand):
		return m.fail(ReasonCommand, socks5.CommandNotSupported, out)
	case errors.Is(err, socks5.ErrAddressType):
		return m.fail(ReasonAddressType, socks5.AddressNotSupported, out)
	case errors.Is(err, socks5.ErrName):
		return m.fail(ReasonProtocol, socks5.GeneralFailure, out)
	}
	return m.hangUp(ReasonProtocol, out)
}

// bind is KumoMTA's BIND: it names the source, and is answered without waiting for
// anybody but the policy.
func (m *machine) bind(now time.Time, a socks5.Address, out []action) []action {
	if m.source.IsValid() || a.IsName() {
		return m.fail(ReasonProtocol, socks5.GeneralFailure, out)
	}
	return m.useSource(now, unmap(a.AddrPort()), out)
}

// useSource goes on with a source that the client asks for.
func (m *machine) useSource(now time.Time, source netip.AddrPort, out []action) []action {
	m.source = source
	if ip := source.Addr(); ip.IsMulticast() || ip == broadcast {
		// Linux would bind it, and send from an address of its own choice.
		return m.fail(ReasonSourceUnplumbed, socks5.GeneralFailure, out)
	}
	return m.askBind(now, out)
}

func (m *machine) bindSource(source netip.AddrPort, out []action) []action {
	m.binding = true
	return append(out, action{do: doBind, addr: source})
}

// bound answers a BIND, or goes on with the CONNECT that had to repeat it or to
// choose the source.
//
// A failed BIND makes an MTA suspend the sending address, so it fails for the
// address alone: where descriptors ran out it is granted, tried again at
// CONNECT, and that is what fails.
func (m *machine) bound(now time.Time, ev event, out []action) []action {
	if !m.binding {
		return out
	}
	m.binding = false
	switch {
	case m.phase == phaseDialing && m.dial.choose:
		return m.boundChoice(now, ev, out)
	case m.phase == phaseDialing && ev.err != nil:
		return m.cannotBind(ev.err, out)
	case m.phase == phaseDialing:
		return m.dialTarget(now, out)
	}
	switch {
	case ev.err == nil:
		m.source = ev.addr
	case egress.Classify(ev.err) == egress.NoResources:
		m.owed = true
	default:
		return m.fail(bindReason(ev.err), socks5.GeneralFailure, out)
	}
	m.enter(phaseRequest, now, m.limits.step)
	if m.limits.forward {
		return m.askConnect(now, m.asked, out)
	}
	return append(out, action{do: doWrite, bytes: socks5.AppendReply(nil, socks5.Succeeded, m.source)})
}

// bindReason tells an address that is not this host's from every other trouble.
func bindReason(err error) Reason {
	if unplumbed(err) {
		return ReasonSourceUnplumbed
	}
	return ReasonBindFailed
}

// unplumbed says whether a bind failed because the address is not this host's.
func unplumbed(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
