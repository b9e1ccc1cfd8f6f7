package actors

import (
	"cmp"
	"errors"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// phase is where a connection is in its life. Each phase before relaying has a
// deadline, that of securing the transport's own, and phases are only ever left
// forwards, but for the hook's, which goes on where it was asked from.
type phase uint8

const (
	phaseHeader   phase = iota // a PROXY header, where one is due
	phaseSecuring              // the TLS handshake, where there is one
	phaseGreeting
	phaseAuth
	phaseRequest // BIND or CONNECT, or BIND and then CONNECT
	phaseHook    // the policy is asked about what auth or request got
	phaseDialing
	phaseRelaying
	phaseClosing // the last reply is on its way, or the sockets are being closed
	phaseEnded
)

var phaseNames = [...]string{"header", "securing", "greeting", "auth", "request", "hook", "dialing", "relaying", "closing", "ended"}

func (p phase) String() string { return phaseNames[p] }

// limits are the times and rules of a listener that its machines follow.
type limits struct {
	step        time.Duration // each step of the handshake
	connect     time.Duration // dialling, name resolution included
	requireAuth bool
	auth        *authCache    // nil: the policy is asked each time
	tls         bool          // clients make a TLS handshake, first or behind a PROXY header
	certified   bool          // and show a certificate in it that says who they are
	rules       *rules.Set    // never nil
	groups      *groups.Table // of destinations; nil: none
	sources     *source.Table
	forward     bool           // clients speak no SOCKS: a PROXY header is their request
	balancers   *rules.Clients // clients come by these, whose PROXY header says who they are; nil: directly
	relay       transport.RelayLimits
	most        policy.Limits
	rates       policy.Bandwidth
	failures    policy.AuthFailures
}

// machine is the life of one connection as a pure state machine: an event and
// the time go in, actions come out. It does no I/O and knows no actor, so a test
// can drive it through any history. Whoever carries the actions out owns the
// sockets, the timer and the resolver's goroutine.
//
// Its promises: it ends exactly once, with one outcome, at the transport's
// Ended; after that it answers every event with nothing; relay is asked for at
// most once and only after a dial that connected; each CONNECT yields exactly
// one dial result, but for those that are refused before a destination is looked
// at; and nothing is bound or dialled that the rules forbid.
type machine struct {
	limits   *limits
	client   netip.Addr
	deadline time.Time // of the phase; zero while relaying and closing
	armed    time.Time // what the timer was set to last; zero when stopped
	source   netip.AddrPort
	dial     *dialing // from CONNECT until the relay or the end
	outcome  Outcome
	trace
	why      error // what a TLS handshake failed for, or the policy, or what it forbids
	socks    socks5.Server
	places   *places  // nil: no limit counts the session
	asking   *asking  // nil until the policy is asked for the first time
	handlers handlers // of the policy in force
	phase    phase
	group    groups.ID // of the upstream, as far as it is known
	spoke    bool      // the client has sent a byte
	binding  bool      // doBind was asked for and is not answered yet
	owed     bool      // a BIND was granted that could not be carried out
	prove    bool      // the client is from where nobody is served who has not authenticated
	settled  bool      // outcome is final
	unjudged bool      // the client's address is, until it says anything
}

// handle takes one event. pending is what the client has sent and nobody has
// consumed; used says how many bytes of it are consumed now. Actions are
// appended to out in the order to be carried out.
func (m *machine) handle(now time.Time, ev event, pending []byte, out []action) (acts []action, used int) {
	switch {
	case m.phase == phaseEnded:
		return out, 0
	case ev.kind == evEnded:
		return m.ended(ev.end, out), 0
	case m.phase >= phaseRelaying && ev.kind != evStop:
		return out, 0 // late: the sockets are the transport's alone by now
	}
	m.spoke = m.spoke || len(pending) > 0
	switch ev.kind {
	case evStart:
		if m.phase = m.limits.opening(); m.phase != phaseSecuring {
			m.enter(m.phase, now, m.limits.step)
		}
	case evSecured:
		if m.phase == phaseSecuring {
			m.enter(phaseGreeting, now, m.limits.step)
		}
	case evClientClosed:
		// What came before the end of stream was consumed with its Readable.
		out = m.clientClosed(now, ev.err, len(pending) > 0, out)
	case evBound:
		out = m.bound(now, ev, out)
	case evAnswered:
		out = m.answered(now, ev.answer, out)
	case evResolved:
		out = m.resolved(now, ev, out)
	case evDialed:
		out = m.dialed(now, ev, out)
	case evExpired:
		out = m.expired(now, out)
	case evStop:
		out = m.abort(ev.reason, out)
	}
	out, used = m.consume(now, pending, out)
	return m.arm(out), used
}

// consume reads whole messages off pending for as long as the phase takes them.
func (m *machine) consume(now time.Time, pending []byte, out []action) (acts []action, used int) {
	for m.phase != phaseSecuring && m.phase <= phaseRequest && !m.binding && used < len(pending) {
		n, next := m.message(now, pending[used:], out)
		out = next
		if n == 0 {
			break
		}
		used += n
	}
	return out, used
}

// enter starts a phase that may last d.
func (m *machine) enter(p phase, now time.Time, d time.Duration) {
	m.phase = p
	m.deadline = now.Add(d)
}

// arm sets the one timer to whatever is due first, if that has changed.
func (m *machine) arm(out []action) []action {
	due := m.deadline
	if m.dial != nil && m.phase == phaseDialing && !m.dial.nextAt.IsZero() && m.dial.nextAt.Before(due) {
		due = m.dial.nextAt
	}
	switch m.phase {
	case phaseRelaying: // the relay has stopped the timer
		m.armed = time.Time{}
		return out
	case phaseClosing:
		due = time.Time{}
	}
	if due.Equal(m.armed) {
		return out
	}
	m.armed = due
	return append(out, action{do: doTimer, at: due})
}

// expired acts on the timer. One that had been set anew when its message was
// already on its way finds nothing due.
func (m *machine) expired(now time.Time, out []action) []action {
	m.armed = time.Time{} // it has run out: arm must set it again
	switch {
	case m.phase == phaseSecuring:
		return out // nothing was set
	case now.Before(m.deadline):
		if m.phase == phaseDialing && !now.Before(m.dial.nextAt) {
			return m.next(now, out)
		}
		return out
	case m.phase == phaseDialing:
		return m.dialFailed(egress.TimedOut, out)
	case m.phase == phaseHook:
		return m.unanswered(now, out)
	}
	return m.abort(ReasonHandshakeTimeout, out)
}

// clientClosed acts on the end of the client's stream, or its failure, before
// the relay. early says that the client sent more than was consumed.
func (m *machine) clientClosed(now time.Time, err error, early bool, out []action) []action {
	switch {
	case errors.Is(err, transport.ErrTLSHandshake):
		m.why = err
		return m.finish(ReasonTLSHandshake, out)
	case !m.spoke:
		m.settle(Outcome{Class: Probed})
		return m.abort(ReasonNone, out)
	case m.phase != phaseDialing && m.phase != phaseHook:
		return m.abort(ReasonClientLeft, out)
	case err == nil && early:
		// A client that has sent all it has to say and waits for the answer:
		// the relay will meet the end of stream again and pass it on. One that
		// has said nothing is taken to have left, since nobody half-closes
		// before a first byte but a client that is gone.
		return out
	}
	if m.phase == phaseHook {
		return m.abort(ReasonClientLeft, out)
	}
	return m.leftDialing(now, out)
}

// refuse ends the session with a last reply that is delivered before the close.
func (m *machine) refuse(r Reason, reply []byte, out []action) []action {
	return m.finish(r, append(out, action{do: doWrite, bytes: reply}))
}

// finish ends the session once what the client was sent is delivered: a reply,
// or the alert of a failed TLS handshake.
func (m *machine) finish(r Reason, out []action) []action {
	m.settle(failed(r))
	m.phase = phaseClosing
	return append(out, action{do: doFinish})
}

// hangUp ends the session without a reply, after what was written before.
func (m *machine) hangUp(r Reason, out []action) []action {
	m.settle(failed(r))
	m.phase = phaseClosing
	return append(out, action{do: doFinish})
}

// fail refuses with a SOCKS reply, which is always IPv4 0.0.0.0:0, or by a reset
// where no SOCKS is spoken.
func (m *machine) fail(r Reason, code socks5.Reply, out []action) []action {
	if m.limits.forward {
		return m.abort(r, out) // nobody there could read an answer
	}
	m.answeredWith(code)
	return m.refuse(r, socks5.AppendReply(nil, code, netip.AddrPort{}), append(out, action{do: doAnswer}))
}

// abort ends the session at once and without a reply.
func (m *machine) abort(r Reason, out []action) []action {
	m.settle(failed(r))
	out = m.result(egress.Aborted, out)
	m.phase = phaseClosing
	return append(out, action{do: doAbort})
}

// settle fixes the outcome. The first one stands: what follows is its echo.
func (m *machine) settle(o Outcome) {
	if !m.settled {
		m.outcome, m.settled = o, true
		m.waiting = m.awaits()
	}
}

// ended is the transport's last word: the sockets are closed.
func (m *machine) ended(e transport.Ended, out []action) []action {
	switch {
	case m.phase == phaseRelaying && e.End == transport.Fin:
		m.settle(Outcome{Class: Completed, End: EndFin})
	case m.phase == phaseRelaying && errors.Is(e.Err, transport.ErrTLSTruncated):
		m.settle(failed(ReasonTLSTruncated))
	case m.phase == phaseRelaying && e.End == transport.Reset:
		m.settle(Outcome{Class: Completed, End: EndReset})
	case m.phase == phaseRelaying:
		m.lapsed(e)
	}
	m.settle(failed(ReasonInternal)) // closed with nobody having asked for it
	out = m.result(egress.Aborted, out)
	m.phase = phaseEnded
	return append(out, action{do: doEnd, outcome: m.outcome, err: cmp.Or(m.why, e.Err)})
}

// lapsed is the end of a relay that was past one of its limits.
func (m *machine) lapsed(e transport.Ended) {
	client := e.Side == transport.Client
	switch {
	case e.End == transport.Idle && client:
		m.settle(failed(ReasonClientIdle))
	case e.End == transport.Idle:
		m.settle(failed(ReasonUpstreamIdle))
	case e.End == transport.HalfClosed && client:
		m.settle(failed(ReasonClientHalfOpen))
	case e.End == transport.HalfClosed:
		m.settle(failed(ReasonUpstreamHalfOpen))
	case e.End == transport.Outlived:
		m.settle(failed(ReasonMaxSession))
	}
}
