package actors

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// SessionObserver is told of every session that has ended, clients that were
// refused included. Its methods must not block.
type SessionObserver interface {
	// Wants says whether sessions are of any use to it at the moment. It is called
	// by any goroutine, for each session, and should be quick.
	Wants() bool
	// SessionEnded is called in the turns of the metrics actor, some time after the
	// session has ended, so that no session waits for it. The observer may keep s.
	SessionEnded(s *EndedSession)
}

// EndedSession is what is known of a session at its end. What is not known is zero.
type EndedSession struct {
	Listener string
	// ID tells the session from all others.
	ID    uint64
	Ended time.Time
	// Client is where the client came from, Subject that of the certificate it
	// showed, and User what the policy calls it; of one that was not let in, the
	// name that it gave.
	Client        netip.AddrPort
	Subject, User string
	// Asked is the address, or the name, of the last CONNECT, with its port.
	Asked socks5.Address
	// Source and Upstream are the two ends of the connection to the upstream.
	// Without one, Source is the address that the client or the policy chose.
	Source, Upstream netip.AddrPort
	// Group is that of the destination; empty: none.
	Group string
	// Replied: the CONNECT was answered, or a BIND refused, with Reply.
	Replied bool
	Reply   socks5.Reply
	Outcome Outcome
	// WaitingFor is what the session was waiting for when its outcome was decided.
	WaitingFor Waiting
	// Up and Down are the bytes relayed from and to the client.
	Up, Down uint64
	// Banner is what the upstream's first line said, BannerAfter how long after the
	// connect, and BannerText the line itself unless it said 2xx: bytes of the
	// upstream's choice, 512 at most.
	Banner      BannerClass
	BannerAfter time.Duration
	BannerText  string
	// Times since accept; 0 is not reached. FirstByte is when the client was handed
	// the first byte of the upstream.
	Authenticated, Connected, FirstByte, Total time.Duration
}

// Refusal is the upstream's first line if it said 4xx or 5xx.
func (e *EndedSession) Refusal() string { return refusalOf(e.Banner, e.BannerText) }

// Waiting is what a session waits for.
type Waiting uint8

const (
	WaitingForNothing Waiting = iota
	WaitingForClient
	WaitingForUpstream
	// WaitingForPolicy is for the answer of a handler.
	WaitingForPolicy
	// WaitingForName is for the addresses of a name.
	WaitingForName
	waitings
)

var waitingNames = [waitings]string{"", "client", "upstream", "policy", "name"}

func (w Waiting) String() string { return waitingNames[w] }

// trace is what a machine keeps for whoever is told of its end.
type trace struct {
	asked   socks5.Address // by the last CONNECT
	login   string         // the name that the client gave
	reply   socks5.Reply
	replied bool
	waiting Waiting // when the outcome was settled
}

func (t *trace) answeredWith(code socks5.Reply) { t.reply, t.replied = code, true }

// awaits is what a machine waits for before its relay.
func (m *machine) awaits() Waiting {
	switch {
	case m.phase < phaseHook:
		return WaitingForClient
	case m.phase == phaseHook:
		return WaitingForPolicy
	case m.phase != phaseDialing:
		return WaitingForNothing
	case m.dial != nil && m.dial.target.IsName() && len(m.dial.tried) == 0:
		return WaitingForName
	}
	return WaitingForUpstream
}

// awaited is what a session was waiting for, also if it relayed.
func (c *connection) awaited(o Outcome) Waiting {
	switch {
	case o.Class == Probed || o.Class == Completed && o.End == EndFin:
		return WaitingForNothing
	case !c.record.upstream.IsValid():
		return c.waiting
	}
	last, _, spoken := c.conn.LastByte()
	return waitingFor(waitsFor(phaseRelaying, last, spoken))
}

// endedSession is what an observer is told of a session that had a connection.
func (c *connection) endedSession(o Outcome, now time.Time) *EndedSession {
	e := c.record.endedSession(o, now)
	e.Asked, e.Reply, e.Replied = c.asked, c.reply, c.replied
	e.Group = c.limits.groups.Title(c.group)
	if e.User == "" {
		e.User = c.login
	}
	if !e.Upstream.IsValid() {
		e.Source = c.source
	}
	e.WaitingFor = c.awaited(o)
	return e
}

// unreached is where a session that has no upstream was to go, and from where.
func (c *connection) unreached() (attrs []slog.Attr) {
	if c.record.upstream.IsValid() || c.asked == (socks5.Address{}) {
		return nil
	}
	if c.source.IsValid() {
		attrs = append(attrs, slog.String("source", c.source.String()))
	}
	return append(attrs, slog.String("destination", c.asked.String()))
}

// endedSession is what an observer is told of a client.
func (r *record) endedSession(o Outcome, now time.Time) *EndedSession {
	e := &EndedSession{
		Listener: r.account.listener, ID: r.id, Ended: now, Client: r.client, Subject: r.subject,
		Source: r.source, Upstream: r.upstream, Outcome: o,
		Banner: r.banner.class, BannerAfter: r.banner.after, BannerText: r.banner.text,
		Up: r.traffic.Up.Load(), Down: r.traffic.Down.Load(),
		Authenticated: r.authenticated, FirstByte: r.traffic.FirstDown(), Total: now.Sub(r.since),
	}
	if r.who != nil {
		e.User = r.who.User()
	}
	if r.upstream.IsValid() {
		e.Connected = r.dialled
	}
	return e
}

// wantsEnds says whether somebody is told of ended sessions.
func (s *shared) wantsEnds() bool { return s.observer != nil && s.observer.Wants() }

// report has the metrics actor told of the end of a session.
func (s *shared) report(e sessionEnded) {
	if e.account.reports.add(e) {
		s.root.Send(s.metrics, &sessionsEnded{})
	}
}

// reportUnserved has an observer told of a client that got no connection.
func (s *shared) reportUnserved(r *record, o Outcome, now time.Time) {
	if s.wantsEnds() {
		s.report(sessionEnded{account: r.account, session: r.endedSession(o, now)})
	}
}
