package actors

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// admits judges whoever has connected, by the address. prove says that it is
// served only once it has authenticated: it comes from where nobody else is let in.
// Behind a load balancer the client itself is judged later, see introduce.
func (s *shared) admits(peer netip.Addr) (v rules.Verdict, prove bool) {
	if s.limits.balancers != nil {
		return s.limits.balancers.Judge(peer), false
	}
	return s.limits.admits(peer, s.hooks.handlers())
}

// admits judges a client by its address.
func (l *limits) admits(client netip.Addr, h handlers) (v rules.Verdict, prove bool) {
	v = l.rules.Client(client, l.certified)
	if v.Allowed || !h.auth {
		return v, false
	}
	return l.rules.Client(client, true), true
}

// nearOnly says whether clients from afar are refused, though the policy does not
// say so, because nothing would tell who they are.
func (s *shared) nearOnly() bool {
	return s.limits.rules.NearOnly(s.limits.certified || s.hooks.handlers().auth)
}

// refuse closes a client that is not served, before anything of it was read. It
// is booked, and the log says so at most once a minute: this may be a flood. The
// slot is given back last, since the transport does that should anything panic.
func (a *acceptor) refuse(c transport.Conn, v rules.Verdict) {
	now, client := time.Now(), c.Client()
	others, due := a.refused.due(now)
	if level := refusalLevel(due); a.log.Enabled(context.Background(), level) {
		a.log.LogAttrs(context.Background(), level, "client refused", slog.String("listener", a.account.listener),
			slog.String("client", client.String()), slog.String("why", v.Reason.String()),
			slog.String("rule", v.Rule.String()), slog.Int("others", others))
	}
	c.Abort()
	a.bookUnserved(client, ReasonClientRefused, now)
}

// turnAway closes a client for which a limit or the memory leaves no room, as refuse does, but
// with an end of stream: to be too many is no reason to be taken for down.
func (a *acceptor) turnAway(c transport.Conn, why Reason, now time.Time) {
	client := c.Client()
	others, due := a.limited.due(now)
	if level := refusalLevel(due); a.log.Enabled(context.Background(), level) {
		a.log.LogAttrs(context.Background(), level, "client turned away, a limit is reached", slog.String("listener", a.account.listener),
			slog.String("client", client.String()), slog.String("why", why.String()), slog.Int("others", others))
	}
	c.Decline()
	a.bookUnserved(client, why, now)
}

func (a *acceptor) bookUnserved(client netip.AddrPort, why Reason, now time.Time) {
	r, o := a.account.accept(client, now, a.slots.leave), failed(why)
	a.terms.shared.reportUnserved(r, o, now)
	r.end(o, now)
}

func refusalLevel(due bool) slog.Level {
	if due {
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// sayWhoIsServed logs which key opens a listener that serves clients near this
// machine alone, unless its terms before were the same in that. On loopback all
// clients are near.
func (l *listener) sayWhoIsServed(before *terms) {
	near := l.terms.shared.nearOnly()
	if before != nil && before.shared.nearOnly() == near || before == nil && !near || l.terms.config.Address.Addr().IsLoopback() {
		return
	}
	text := "clients from everywhere are served, as far as the policy lets them in"
	if near {
		text = "only clients on loopback, on private networks and on networks of this host are served: " +
			string(rules.AllowClients) + " opens the listener to others, as does a handler that authenticates them"
	}
	l.log.Info(text, slog.String("listener", l.account.listener))
}

// sparing keeps a line that may come for every client from flooding the log. The
// zero value is ready; it may be used by several goroutines.
type sparing struct {
	mu   sync.Mutex
	told time.Time
	held int
}

// due says whether a line may be written now, at most once a minute, and how many
// were not since the last.
func (s *sparing) due(now time.Time) (held int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.told) < time.Minute {
		s.held++
		return s.held, false
	}
	held, s.held, s.told = s.held, 0, now
	return held, true
}
