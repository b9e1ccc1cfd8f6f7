package actors

import (
	"errors"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// handlers says what the policy in force can be asked. Whoever drives a machine
// tells it anew before each event.
type handlers struct {
	auth, request bool
	patience      time.Duration // how long an answer may take at most
}

// topic is what the policy is asked about.
type topic uint8

const (
	aboutNothing topic = iota
	aboutCredentials
	aboutBind
	aboutConnect
)

// question is what doAsk carries. Its number tells its answer from that of an
// earlier one which nobody waits for any more.
type question struct {
	topic       topic
	number      int
	credentials socks5.Credentials
	request     policy.RequestInfo
}

// answer is what evAnswered carries: who for credentials, decision for requests,
// or why there is none.
type answer struct {
	number   int
	who      policy.AuthInfo
	decision policy.Decision
	err      error
}

// asking is what a machine knows of the policy's answers, from the first question
// on: a session that asks nothing has none.
type asking struct {
	number int // of the last question
	topic  topic
	target socks5.Address // of the CONNECT that is asked about
	who    policy.AuthInfo
	// unheard is why the policy did not decide about the BIND. It was granted, and
	// the CONNECT answers for it.
	unheard error
	// chosen: the source is the policy's and not the client's.
	chosen bool
}

// errNoAnswerInTime: the policy's time limits were not kept.
var errNoAnswerInTime = errors.New("the policy did not answer in time")

// denial is why a session ended that the policy had denied.
type denial struct{ why string }

func (d *denial) Error() string {
	if d.why == "" {
		return "denied by the policy"
	}
	return "denied by the policy: " + d.why
}

// ask waits in phaseHook for an answer. What the client sends meanwhile stays
// where it is.
func (m *machine) ask(now time.Time, q question, out []action) []action {
	if m.asking == nil {
		m.asking = &asking{}
	}
	m.asking.number++
	m.asking.topic, q.number = q.topic, m.asking.number
	m.enter(phaseHook, now, m.handlers.patience)
	return append(out, action{do: doAsk, question: &q})
}

func (m *machine) askCredentials(now time.Time, c socks5.Credentials, out []action) []action {
	m.login = c.User
	if !m.handlers.auth {
		// Nobody here can vouch for credentials: to refuse is the safe answer.
		return m.refuse(ReasonAuthFailed, socks5.AppendAuthStatus(nil, false), out)
	}
	return m.ask(now, question{topic: aboutCredentials, credentials: c}, out)
}

// askBind asks about the source alone, if there is anybody to ask.
func (m *machine) askBind(now time.Time, out []action) []action {
	if !m.handlers.request {
		return m.grantBind(now, out)
	}
	return m.ask(now, question{topic: aboutBind, request: policy.RequestInfo{
		Source: m.source.Addr(), Auth: m.who(),
	}}, out)
}

func (m *machine) askConnect(now time.Time, a socks5.Address, out []action) []action {
	if m.asking != nil && m.asking.unheard != nil {
		return m.undecided(m.asking.unheard, out)
	}
	m.group = m.limits.groupOf(a)
	if !m.handlers.request {
		return m.connect(now, a, out)
	}
	host := a.Host
	if !a.IsName() {
		host = a.IP.Unmap().String()
	}
	out = m.ask(now, question{topic: aboutConnect, request: policy.RequestInfo{
		Connect: true, Host: host, Port: a.Port, Group: m.limits.groups.Title(m.group), Source: m.source.Addr(), Auth: m.who(),
	}}, out)
	m.asking.target = a
	return out
}

// who is the client, as far as the policy has said.
func (m *machine) who() policy.AuthInfo {
	if m.asking == nil {
		return policy.AuthInfo{}
	}
	return m.asking.who
}

// answered goes on with what the policy said.
func (m *machine) answered(now time.Time, a *answer, out []action) []action {
	if m.phase != phaseHook || a.number != m.asking.number {
		return out // to a question that nobody waits with any more
	}
	about := m.asking.topic
	m.asking.topic = aboutNothing
	switch about {
	case aboutCredentials:
		return m.authenticated(now, a, out)
	case aboutBind:
		return m.bindDecided(now, a, out)
	default:
		return m.connectDecided(now, a, out)
	}
}

// authenticated answers the client's credentials. A policy that failed has not
// said that they are wrong, but neither that they are right.
func (m *machine) authenticated(now time.Time, a *answer, out []action) []action {
	switch {
	case a.err == nil:
		m.asking.who = a.who
		m.socks.Authenticated()
		m.enter(phaseRequest, now, m.limits.step)
		return append(out,
			action{do: doWho, who: &a.who},
			action{do: doWrite, bytes: socks5.AppendAuthStatus(nil, true)})
	case errors.Is(a.err, errBanned):
		return m.refuse(ReasonAuthBanned, socks5.AppendAuthStatus(nil, false), out)
	case errors.Is(a.err, policy.ErrRefused):
		return m.refuse(ReasonAuthFailed, socks5.AppendAuthStatus(nil, false), out)
	}
	m.why = a.err
	return m.refuse(ReasonHookFailed, socks5.AppendAuthStatus(nil, false), out)
}

// bindDecided goes on with a BIND. One that failed would make an MTA suspend the
// sending address, and a policy that failed has said nothing about the address.
func (m *machine) bindDecided(now time.Time, a *answer, out []action) []action {
	switch d := a.decision; {
	case a.err != nil:
		m.asking.unheard, m.why = a.err, a.err
	case d.Deny:
		return m.deny(d.Why, out)
	case d.Source.IsValid():
		from := d.Source
		if another, ok := m.instead(now, from); ok {
			from = another
		}
		m.source, m.asking.chosen = netip.AddrPortFrom(from, m.source.Port()), true
	}
	return m.grantBind(now, out)
}

func (m *machine) connectDecided(now time.Time, a *answer, out []action) []action {
	d, target := a.decision, m.asking.target
	switch {
	case a.err != nil:
		return m.undecided(a.err, out)
	case d.Deny:
		return m.deny(d.Why, out)
	}
	if from := d.Source; from.IsValid() && from != m.source.Addr() {
		if another, ok := m.instead(now, from); ok {
			from = another
		}
		// To be bound like a BIND that could not be carried out in its time.
		m.source, m.asking.chosen, m.owed = netip.AddrPortFrom(from, 0), true, true
		if v := m.judgeSource(); v.Allowed {
			if why := m.heldBack(now); why != ReasonNone {
				return m.fail(why, socks5.GeneralFailure, out)
			}
		}
	}
	if d.Destination.IsValid() {
		target = socks5.Address{IP: d.Destination.Addr(), Port: d.Destination.Port()}
		m.group = m.limits.groupOf(target)
	}
	return m.connect(now, target, out)
}

// undecided ends a session because the policy failed.
func (m *machine) undecided(err error, out []action) []action {
	m.why = err
	return m.fail(ReasonHookFailed, socks5.GeneralFailure, out)
}

func (m *machine) deny(why string, out []action) []action {
	m.why = &denial{why: why}
	return m.fail(ReasonDenied, socks5.NotAllowed, out)
}

// unanswered gives up waiting for the policy.
func (m *machine) unanswered(now time.Time, out []action) []action {
	out = append(out, action{do: doForget})
	return m.answered(now, &answer{number: m.asking.number, err: errNoAnswerInTime}, out)
}

// cannotBind ends a CONNECT whose source could not be bound. Where the policy
// named an address that is not this host's, the policy is at fault.
func (m *machine) cannotBind(err error, out []action) []action {
	if m.asking != nil && m.asking.chosen && unplumbed(err) {
		return m.undecided(err, m.result(egress.Failed, out))
	}
	return m.dialFailed(egress.Classify(err), out)
}
