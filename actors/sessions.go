package actors

import (
	"iter"
	"log/slog"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// Session is one that is open, as it was at some moment. What is not known (yet)
// is zero.
type Session struct {
	ID       uint64 // the access log has the same
	Listener string // its address
	Client   netip.AddrPort
	User     string // as the policy calls the client
	// Source and Destination are the two ends of the connection to the upstream.
	Source, Destination netip.AddrPort
	Group               string // of the destination; empty: none
	Phase               string
	WaitsForUpstream    bool          // else for the client
	Since               time.Time     // it was accepted
	Idle                time.Duration // since a side has sent anything
	Received, Sent      uint64        // bytes relayed from and to the client
	Old                 bool          // of the process that this one has taken over from
}

// Sessions are all that are open, in no order. No actor and no relay waits for
// that. It may be called from any goroutine.
func (s *System) Sessions() iter.Seq[Session] {
	return func(yield func(Session) bool) {
		now := time.Now()
		for _, c := range s.live.sessions.All() {
			if !yield(c.describe(now)) {
				return
			}
		}
	}
}

// describe is for any goroutine.
func (c *connection) describe(now time.Time) Session {
	r := c.record
	p := c.shownPhase()
	last, ago, spoken := c.conn.LastByte()
	d := Session{
		ID: r.id, Listener: r.account.listener, Group: c.limits.groups.Title(groups.ID(c.shownGroup.Load())),
		Phase: p.String(), WaitsForUpstream: waitsFor(p, last, spoken) == transport.Upstream,
		Since: r.since, Idle: max(now.Sub(r.since), 0), Received: r.traffic.Up.Load(), Sent: r.traffic.Down.Load(),
	}
	if spoken {
		d.Idle = min(ago, d.Idle)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d.Client, d.Source, d.Destination = r.client, r.source, r.upstream
	if r.who != nil {
		d.User = r.who.User()
	}
	return d
}

// SourceRule is the rule by which a session may have its source, for a person. It is
// empty when no rule names that source, or the session has ended. It may be called
// from any goroutine.
func (s *System) SourceRule(id uint64) string {
	for _, c := range s.live.sessions.All() {
		if c.record.id != id {
			continue
		}
		c.record.mu.Lock()
		source := c.record.source.Addr()
		c.record.mu.Unlock()
		if rule, ok := c.limits.rules.Granting(source); ok {
			return rule.String()
		}
		break
	}
	return ""
}

// Cut is how many sessions were ended, by the side that they waited for as they
// were. One that waited for the upstream may have been between the end of a mail
// and the answer to it: its client will send that mail again.
type Cut struct{ WaitedForClient, WaitedForUpstream int }

// EndSessions ends those sessions of ids that are still open: first those that wait
// for their client, at that moment, and then the others. by is who asks for it, for
// the log. It may be called from any goroutine but not in an actor's turn.
func (s *System) EndSessions(ids []uint64, by string) Cut {
	wanted := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	cut := s.cut(causeAdmin, func(c *connection) bool { return wanted[c.record.id] })
	s.config.Log(targetActors).Info("sessions were ended by request", slog.String("by", by),
		slog.Int("waited_for_client", cut.WaitedForClient), slog.Int("waited_for_upstream", cut.WaitedForUpstream))
	return cut
}

// cut ends sessions for a cause, those that nobody has ended before.
func (s *System) cut(why cause, which func(*connection) bool) (cut Cut) {
	var rest []*connection
	for _, c := range s.live.sessions.All() {
		switch {
		case c.record.cut.Load() != 0 || !which(c):
		case c.waitsForSide() == transport.Upstream:
			rest = append(rest, c)
		default:
			cut.end(c, transport.Client, why)
		}
	}
	for _, c := range rest {
		if which(c) { // its client may have spoken since: then it waits for the upstream, and is meant no more
			cut.end(c, c.waitsForSide(), why)
		}
	}
	return cut
}

// end ends a session that waits for side, if it has not ended by itself meanwhile
// and nobody else has asked for its end.
func (cut *Cut) end(c *connection, side transport.Side, why cause) {
	if c.record.closed.Load() || !c.record.cut.CompareAndSwap(0, uint32(why)) {
		return
	}
	if side == transport.Upstream {
		cut.WaitedForUpstream++
	} else {
		cut.WaitedForClient++
	}
	c.inbox.PostUserMessage(&endSession{reason: why.reason()})
}
