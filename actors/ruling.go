package actors

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/socks5"
)

// The rules judge what is about to be done: the source that would be bound and
// the addresses that would be dialled, after the policy's handlers have had
// their say and names are resolved.

// ruling is why a session ended that the rules had forbidden.
type ruling struct {
	rules.Verdict
	what string // the source or destination; empty: there was none
}

func (r *ruling) Error() string { return r.String() }

// attrs are the ruling for the log.
func (r *ruling) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 3)
	if r.what != "" {
		attrs = append(attrs, slog.String("refused", r.what))
	}
	return append(attrs, slog.String("why", r.Reason.String()), slog.String("rule", r.Rule.String()))
}

// forbid refuses a request for a verdict.
func (m *machine) forbid(v rules.Verdict, what string, out []action) []action {
	m.why = &ruling{Verdict: v, what: what}
	return m.fail(refusedFor(v.Reason), v.Reason.Reply(), out)
}

func (m *machine) forbidSource(v rules.Verdict, out []action) []action {
	what := ""
	if m.source.IsValid() {
		what = m.source.Addr().String()
	}
	return m.forbid(v, what, out)
}

// refusedFor is why a session failed of which a request was denied.
func refusedFor(r rules.Reason) Reason {
	switch r {
	case rules.SourceNotListed:
		return ReasonSourceRefused
	case rules.SourceRequired:
		return ReasonSourceRequired
	case rules.NamesForbidden:
		return ReasonNamesRefused
	}
	return ReasonDestinationRefused
}

// unbound says whether the source is left to others: the client did not bind, or
// no address, and the policy's handler named none.
func (m *machine) unbound() bool { return !m.source.IsValid() || m.source.Addr().IsUnspecified() }

// judgeSource judges what a CONNECT is to be sent from.
func (m *machine) judgeSource() rules.Verdict {
	if m.source.IsValid() {
		return m.limits.rules.Source(m.source.Addr())
	}
	return m.limits.rules.Unbound()
}

// grantBind carries a BIND out, unless the source may not be used. Destinations
// have no say in it: a failed BIND makes an MTA suspend the sending address.
func (m *machine) grantBind(now time.Time, out []action) []action {
	if v := m.judgeSource(); !v.Allowed {
		return m.forbidSource(v, out)
	}
	if why := m.heldBack(now); why != ReasonNone {
		return m.fail(why, socks5.GeneralFailure, out)
	}
	m.enter(phaseRequest, now, m.limits.step)
	return m.bindSource(m.source, out)
}

// offer adds addresses of the destination to the race, but for those that may not
// be dialled. No other way leads into the race. The slice is used up.
func (m *machine) offer(addrs []netip.Addr, last bool) {
	d := m.dial
	addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool {
		to := netip.AddrPortFrom(a, d.target.Port)
		v := m.limits.rules.Destination(m.client, to)
		if v.Allowed {
			return false
		}
		d.race.Deny()
		if d.denied == nil {
			d.denied = &ruling{Verdict: v, what: to.String()}
		}
		return true
	})
	d.race.Add(addrs, last)
}

// choose returns the source for an upstream, for a client that chose none. It is
// the same for all upstreams of a family that one CONNECT tries.
// None is chosen, and the address is not valid, if none is plumbed that nobody holds
// back.
func (m *machine) choose(now time.Time, upstream netip.Addr) netip.Addr {
	known := m.dial.chosenFor(upstream)
	if !known.IsValid() {
		*known, _ = m.limits.rules.Choose(m.client, upstream, func(a netip.Addr) bool { return m.choosable(now, a) })
	}
	return *known
}

// dialFrom dials from a source that was chosen. It is bound first, unless it is
// what the attempt before had.
func (m *machine) dialFrom(now time.Time, a attempt, out []action) []action {
	d := m.dial
	d.tried = append(d.tried, a)
	if !a.from.IsValid() {
		d.none = true
		d.race.Failed(len(d.tried)-1, egress.Failed)
		return m.next(now, out)
	}
	if d.bound == a.from {
		return m.launch(now, out)
	}
	return m.bindSource(netip.AddrPortFrom(a.from, 0), out)
}

// boundChoice goes on with an attempt whose source was to be bound. The policy
// may have sources of both families, of which this host lacks one.
func (m *machine) boundChoice(now time.Time, ev event, out []action) []action {
	d := m.dial
	n := len(d.tried) - 1
	if ev.err == nil {
		d.bound = d.tried[n].from
		return m.launch(now, out)
	}
	res := egress.Classify(ev.err)
	if unplumbed(ev.err) {
		res, d.failed = egress.Failed, ev.err
		if another := m.chooseAnother(now, d.tried[n]); another.IsValid() {
			d.tried[n].from = another
			return m.bindSource(netip.AddrPortFrom(another, 0), out)
		}
	}
	d.race.Failed(n, res)
	return m.next(now, out)
}

// errSentFromElsewhere: a subnet's broadcast address was bound, for one.
var errSentFromElsewhere = errors.New("the system sends from another address than the one that was bound")

// sentFromElsewhere ends a CONNECT whose source is not what was bound. Mail from
// the wrong address ruins that address: it is not sent.
func (m *machine) sentFromElsewhere(out []action) []action {
	m.why = errSentFromElsewhere
	why := ReasonSourceUnplumbed
	if m.dial.choose {
		why = ReasonSourceMisconfigured
	}
	out = append(m.result(egress.NotPermitted, out), action{do: doCancelDial})
	return m.fail(why, socks5.GeneralFailure, out)
}

// target is a destination as the client wrote it.
func target(a socks5.Address) string {
	if a.IsName() {
		return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
	}
	return a.AddrPort().String()
}
