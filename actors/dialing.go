package actors

import (
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/socks5"
)

// dialing is what a machine knows between CONNECT and the relay.
type dialing struct {
	target socks5.Address
	family egress.Family // of the source
	race   *egress.Race
	nextAt time.Time        // when the next attempt may start beside those running
	tried  []netip.AddrPort // by attempt
	done   bool             // the dial result was given
}

// connect starts towards an upstream: a name is resolved first, an address is a
// race with one runner.
func (m *machine) connect(now time.Time, a socks5.Address, out []action) []action {
	family := egress.Any
	if m.source.IsValid() {
		family = egress.FamilyOf(m.source.Addr())
	}
	m.dial = &dialing{target: a, family: family, race: egress.NewRace(a.Port, family)}
	m.enter(phaseDialing, now, m.limits.connect)
	out = append(out, action{do: doMark, mark: markRequested})
	if m.owed {
		return m.bindSource(out)
	}
	return m.dialTarget(now, out)
}

func (m *machine) dialTarget(now time.Time, out []action) []action {
	a := m.dial.target
	if a.IsName() {
		return append(out, action{do: doResolve, name: a.Host, family: m.dial.family})
	}
	m.dial.race.Add([]netip.Addr{a.IP.Unmap()}, true)
	return m.next(now, out)
}

func (m *machine) resolved(now time.Time, ev event, out []action) []action {
	if m.phase != phaseDialing {
		return out
	}
	if ev.err != nil {
		return m.dialFailed(egress.Classify(ev.err), out)
	}
	m.dial.race.Add(ev.addrs, ev.last)
	if !m.dial.nextAt.IsZero() && now.Before(m.dial.nextAt) {
		return out // an attempt is running and has its head start
	}
	return m.next(now, out)
}

// next starts the next attempt, if there is one, and gives it its head start.
func (m *machine) next(now time.Time, out []action) []action {
	d := m.dial
	d.nextAt = time.Time{}
	if attempt, to, ok := d.race.Next(); ok {
		d.tried = append(d.tried, to)
		d.nextAt = now.Add(d.race.Delay())
		return append(out, action{do: doDial, n: attempt, addr: to})
	}
	if d.race.Done() {
		return m.dialFailed(d.race.Verdict(), out)
	}
	return out
}

func (m *machine) dialed(now time.Time, ev event, out []action) []action {
	if m.phase != phaseDialing {
		return out
	}
	if ev.err != nil {
		m.dial.race.Failed(ev.n, egress.Classify(ev.err))
		return m.next(now, out)
	}
	if ip := m.source.Addr(); m.source.IsValid() && !ip.IsUnspecified() && ev.addr.Addr() != ip {
		// The system binds a subnet's broadcast address and then sends from
		// another. Mail from the wrong address ruins one: it is not sent.
		out = append(m.result(egress.NotPermitted, out), action{do: doCancelDial})
		return m.fail(ReasonSourceUnplumbed, socks5.GeneralFailure, out)
	}
	out = append(out, action{do: doUpstream, addr: m.dial.tried[ev.n], source: ev.addr})
	out = m.result(egress.Connected, out)
	m.phase, m.dial = phaseRelaying, nil
	return append(out,
		action{do: doWrite, bytes: socks5.AppendReply(nil, socks5.Succeeded, ev.addr)},
		action{do: doRelay})
}

// dialFailed answers the CONNECT with the code of what went wrong.
func (m *machine) dialFailed(res egress.Result, out []action) []action {
	out = append(m.result(res, out), action{do: doCancelDial})
	return m.fail(dialReason(res), res.Reply(), out)
}

// result gives the dial result of a CONNECT, once.
func (m *machine) result(res egress.Result, out []action) []action {
	if m.dial == nil || m.dial.done {
		return out
	}
	m.dial.done = true
	return append(out, action{do: doDialResult, result: res})
}

// dialReason is why a session failed whose dialling ended in res.
func dialReason(res egress.Result) Reason {
	switch res {
	case egress.Refused:
		return ReasonRefused
	case egress.NetworkUnreachable:
		return ReasonNetworkUnreachable
	case egress.HostUnreachable:
		return ReasonHostUnreachable
	case egress.TimedOut:
		return ReasonConnectTimeout
	case egress.NoPort:
		return ReasonNoPort
	case egress.FamilyMismatch:
		return ReasonFamilyMismatch
	case egress.NameNotFound:
		return ReasonNameNotFound
	case egress.ResolveFailed:
		return ReasonResolveFailed
	case egress.NoResources:
		return ReasonNoResources
	case egress.NotPermitted:
		return ReasonNotPermitted
	}
	return ReasonDialFailed
}
