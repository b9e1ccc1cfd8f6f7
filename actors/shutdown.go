package actors

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

const (
	// quiet is how long nothing has moved in a session that waits for its client
	// before it is ended: a client that is about to send the next mail does so
	// sooner.
	quiet = 5 * time.Second
	// leavingLook is how often the sessions are looked at meanwhile.
	leavingLook = 250 * time.Millisecond
)

// tempo is what a shutdown waits for.
type tempo struct {
	quiet time.Duration // see quiet
	doors time.Duration // see doorPatience
}

// Leaving is how far the end of a tree has come.
type Leaving struct {
	// Sessions are open: so many wait for the client, so many for the upstream.
	WaitingForClient, WaitingForUpstream int
	Left                                 time.Duration // until the limit
}

// Shutdown ends the tree when its sessions have ended, or at limit, which begins
// now. First the listeners take no more clients, as by Drain, and that is not
// undone. Those on sockets that their opener keeps (inherit.Socket.Lasting) take clients
// until the sessions from before have ended, since nobody else would; see doors.
// Sessions that wait for their client are ended once nothing has moved for
// 5 s; those that wait for the upstream may be between the end of a mail and the
// answer, and are let be until the limit, as are those that are being dialled.
// What is left then is ended, those first that wait for their client. HTTP is
// served until the end. A limit of 0 is Stop.
//
// tell is called on a goroutine of Shutdown's own, about four times a second, until
// the tree begins to end. Shutdown does not wait; see Stopped. It may be called from
// any goroutine; calls after the first one do nothing, and Stop ends it all.
func (s *System) Shutdown(limit time.Duration, tell func(Leaving)) {
	s.shutDown(limit, tempo{quiet: quiet, doors: doorPatience}, tell)
}

func (s *System) shutDown(limit time.Duration, t tempo, tell func(Leaving)) {
	s.shutdown.Do(func() {
		if limit <= 0 {
			s.Stop()
			return
		}
		go s.leave(time.Now().Add(limit), t, tell)
	})
}

// leave is the goroutine of Shutdown.
func (s *System) leave(limit time.Time, t tempo, tell func(Leaving)) {
	defer s.Stop()
	doors, err := s.closeDoors(limit, t.doors)
	if err != nil {
		return // it has ended
	}
	look := time.NewTicker(leavingLook)
	defer look.Stop()
	for {
		now := time.Now()
		if doors.tend(now); !doors.open && s.config.Metrics.Ledger.active() == 0 {
			return
		}
		if !now.Before(limit) {
			s.cutAll()
			return
		}
		tell(s.countLeaving(limit.Sub(now)))
		s.cut(causeQuiet, func(c *connection) bool { return c.isQuiet(now, t.quiet) })
		select {
		case <-look.C:
		case <-s.stopped:
			return
		}
	}
}

// closeDoors has all listeners take no more clients, and waits until their sockets
// are closed. Those on sockets that last are the doors, which are open.
func (s *System) closeDoors(limit time.Time, patience time.Duration) (*doors, error) {
	answer, err := s.orderDrain(&drain{by: shutdownName, last: true, spareLasting: true})
	if err != nil {
		return nil, err
	}
	s.drains.forget(answer.listeners)
	d := newDoors(s, answer.spared, limit, patience)
	ctx, cancel := context.WithDeadline(context.Background(), limit)
	defer cancel()
	s.awaitClosed(ctx, halted(answer.halts))
	return d, nil
}

// countLeaving counts the sessions that are open.
func (s *System) countLeaving(left time.Duration) Leaving {
	l := Leaving{Left: left}
	for _, c := range s.live.sessions.All() {
		if c.waitsForSide() == transport.Upstream {
			l.WaitingForUpstream++
		} else {
			l.WaitingForClient++
		}
	}
	return l
}

// isQuiet says whether a session waits for its client, and nothing has moved for a
// while.
func (c *connection) isQuiet(now time.Time, quiet time.Duration) bool {
	idle, waits := c.waited(now)
	return waits && idle >= quiet
}

// waited says whether a session waits for its client, and for how long nothing has
// moved in it.
func (c *connection) waited(now time.Time) (idle time.Duration, waits bool) {
	last, ago, spoken := c.conn.LastByte()
	if waitsFor(c.shownPhase(), last, spoken) == transport.Upstream {
		return 0, false
	}
	idle = now.Sub(c.record.since)
	if spoken {
		idle = min(idle, ago)
	}
	return idle, true
}

// cutAll ends what is left at the limit.
func (s *System) cutAll() {
	cut := s.cut(causeLimit, func(*connection) bool { return true })
	level := slog.LevelInfo
	if cut.WaitedForUpstream > 0 {
		level = slog.LevelWarn
	}
	s.config.Log(targetActors).Log(context.Background(), level, "the time for the shutdown is over, sessions are cut",
		slog.Int("waited_for_client", cut.WaitedForClient), slog.Int("waited_for_upstream", cut.WaitedForUpstream))
}
