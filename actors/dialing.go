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
	family egress.Family // that the source leaves
	race   *egress.Race
	nextAt time.Time // when the next attempt may start beside those running
	began  time.Time // when the first attempt did
	tried  []attempt // by number
	won    int       // the number of the attempt that connected, or else of the first
	done   bool      // the dial result was given: result
	result egress.Result
	denied *ruling // why an address was not dialled, of the first
	over   Reason  // the limit over which an address was not dialled, of the last

	choose bool          // the source is chosen for the client
	chosen [2]netip.Addr // for IPv4 and for IPv6, once it is
	bound  netip.Addr    // the last of them to be bound
	failed error         // one of them is not an address of this host
	none   bool          // all of them were held back, or are not plumbed
	passed int           // how many were passed by since a bind failed
}

// chosenFor is the source that was chosen for the family of an upstream.
func (d *dialing) chosenFor(upstream netip.Addr) *netip.Addr {
	if egress.FamilyOf(upstream) == egress.IPv6 {
		return &d.chosen[1]
	}
	return &d.chosen[0]
}

// attempt is one address that was dialled, and the source for it: invalid or
// unspecified, if the system may choose.
type attempt struct {
	to   netip.AddrPort
	from netip.Addr
}

// connect starts towards an upstream: a name is resolved first, an address is a
// race with one runner.
func (m *machine) connect(now time.Time, a socks5.Address, out []action) []action {
	if v := m.judgeSource(); !v.Allowed {
		return m.forbidSource(v, out)
	}
	if !m.places.enterUser(m.who().User()) {
		return m.fail(ReasonLimitUser, socks5.GeneralFailure, out)
	}
	family := egress.FamilyOf(m.source.Addr())
	chosen, choose := m.limits.rules.Chooses()
	if choose = choose && m.unbound(); choose {
		family = chosen
	}
	m.dial = &dialing{target: a, family: family, race: egress.NewRace(a.Port, family), choose: choose}
	m.enter(phaseDialing, now, m.limits.connect)
	out = append(out, action{do: doMark, mark: markRequested})
	if m.owed && !choose {
		return m.bindSource(m.source, out)
	}
	return m.dialTarget(now, out)
}

func (m *machine) dialTarget(now time.Time, out []action) []action {
	a := m.dial.target
	if !a.IsName() {
		m.offer([]netip.Addr{a.IP.Unmap()}, true)
		return m.next(now, out)
	}
	if v := m.limits.rules.Name(a.Port); !v.Allowed {
		return m.forbid(v, target(a), m.result(egress.Denied, out))
	}
	return append(out, action{do: doResolve, name: a.Host, family: m.dial.family})
}

func (m *machine) resolved(now time.Time, ev event, out []action) []action {
	if m.phase != phaseDialing {
		return out
	}
	if ev.err != nil {
		return m.dialFailed(egress.Classify(ev.err), out)
	}
	m.offer(ev.addrs, ev.last)
	if !m.dial.nextAt.IsZero() && now.Before(m.dial.nextAt) {
		return out // an attempt is running and has its head start
	}
	return m.next(now, out)
}

// next starts the next attempt, if there is one.
func (m *machine) next(now time.Time, out []action) []action {
	d := m.dial
	d.nextAt = time.Time{}
	_, to, ok := d.race.Next()
	switch {
	case ok && d.choose:
		return m.dialFrom(now, attempt{to: to, from: m.choose(now, to.Addr())}, out)
	case ok:
		d.tried = append(d.tried, attempt{to: to, from: m.source.Addr()})
		return m.launch(now, out)
	case d.race.Done():
		return m.dialFailed(d.race.Verdict(), out)
	}
	return out
}

// launch dials the last attempt, unless a limit leaves no room for it, and gives it
// its head start.
func (m *machine) launch(now time.Time, out []action) []action {
	d := m.dial
	n := len(d.tried) - 1
	if over := m.places.enterAttempt(n, d.tried[n]); over != ReasonNone {
		d.over = over
		d.race.Failed(n, egress.Limited)
		return m.next(now, out)
	}
	d.nextAt = now.Add(d.race.Delay())
	if d.began.IsZero() {
		d.began = now
	}
	return append(out, action{do: doDial, n: n, addr: d.tried[n].to})
}

func (m *machine) dialed(now time.Time, ev event, out []action) []action {
	if m.phase != phaseDialing {
		return out
	}
	if ev.err != nil {
		m.places.leaveAttempt(ev.n)
		m.dial.race.Failed(ev.n, egress.Classify(ev.err))
		return m.next(now, out)
	}
	tried := m.dial.tried[ev.n]
	m.dial.won = ev.n
	if tried.from.IsValid() && !tried.from.IsUnspecified() && ev.addr.Addr() != tried.from {
		return m.sentFromElsewhere(out)
	}
	m.places.keepAttempt(ev.n)
	out = append(out, action{do: doUpstream, addr: tried.to, source: ev.addr})
	out = m.result(egress.Connected, out)
	m.phase, m.dial = phaseRelaying, nil
	if !m.limits.forward {
		m.answeredWith(socks5.Succeeded)
		out = append(out,
			action{do: doWrite, bytes: socks5.AppendReply(nil, socks5.Succeeded, ev.addr)},
			action{do: doAnswer})
	}
	return append(out, action{do: doRelay})
}

// clientPatience is how long a client has waited for an upstream that does not answer
// when it is no whim of the client's to leave.
const clientPatience = 10 * time.Second

// leftDialing ends a session whose client has left before there was an upstream. After
// a long wait it is the upstream that failed, of which the client merely had enough
// before we had.
func (m *machine) leftDialing(now time.Time, out []action) []action {
	if b := m.dial.began; !b.IsZero() && now.Sub(b) >= clientPatience {
		return m.abort(ReasonConnectTimeoutClientLeft, m.result(egress.TimedOut, out))
	}
	return m.abort(ReasonClientLeftDialing, m.result(egress.ClientLeft, out))
}

// dialFailed answers the CONNECT with the code of what went wrong.
func (m *machine) dialFailed(res egress.Result, out []action) []action {
	out = append(m.result(res, out), action{do: doCancelDial})
	switch d := m.dial; {
	case res == egress.Denied && d.denied != nil:
		return m.forbid(d.denied.Verdict, d.denied.what, out)
	case res == egress.Limited:
		return m.fail(d.over, res.Reply(), out)
	case res == egress.Failed && d.failed != nil:
		m.why = d.failed
		return m.fail(ReasonSourceMisconfigured, socks5.GeneralFailure, out)
	case res == egress.Failed && d.none:
		return m.fail(ReasonNoSource, socks5.GeneralFailure, out)
	}
	return m.fail(dialReason(res), res.Reply(), out)
}

// result gives the dial result of a CONNECT, once.
func (m *machine) result(res egress.Result, out []action) []action {
	if m.dial == nil || m.dial.done {
		return out
	}
	m.dial.done, m.dial.result = true, res
	return append(out, m.grouped(action{do: doDialResult, result: res, source: netip.AddrPortFrom(m.origin(), 0)}))
}

// origin is the source that a CONNECT was to leave from; not valid, if that was left
// to the system or never came to be chosen.
func (m *machine) origin() netip.Addr {
	if d := m.dial; len(d.tried) > 0 {
		return d.tried[d.won].from
	}
	return m.source.Addr()
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
	case egress.Denied:
		return ReasonDestinationRefused
	case egress.Limited:
		return ReasonLimitDestination
	}
	return ReasonDialFailed
}
