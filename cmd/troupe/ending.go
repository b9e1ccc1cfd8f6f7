package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/sdnotify"
)

const (
	// interruptDrain is how long a daemon drains at most that somebody at a terminal
	// has interrupted.
	interruptDrain = 10 * time.Second
	// progressEvery is how often the log has how far a drain has come.
	progressEvery = 10 * time.Second
	// statusEvery is how often the service manager hears of it, and statusHolds how
	// long it is asked to wait for the next time.
	statusEvery = 5 * time.Second
	statusHolds = 30 * time.Second
)

// openManager is the service manager; nil: there is none that can be told anything.
func openManager(p process, log *slog.Logger) *sdnotify.Manager {
	m, err := sdnotify.Open(p.lookup)
	if err != nil {
		log.Warn("the service manager is told nothing", slog.Any("error", err))
	}
	return m
}

// told notes that the service manager could not be told something.
func told(log *slog.Logger, err error) {
	if err != nil {
		log.Warn("the service manager was not told how the daemon is", slog.Any("error", err))
	}
}

// watchdog gives the service manager its signs of life.
func (s *service) watchdog(ctx context.Context) {
	s.manager.Watch(ctx, s.alive(), func(err error) {
		s.log.Error("no sign of life is given to the service manager", slog.Any("error", err))
	})
}

// drainFor is how long the sessions have after a signal.
func (s *service) drainFor(one os.Signal) time.Duration {
	if one == os.Interrupt {
		return min(s.drainTimeout, interruptDrain)
	}
	return s.drainTimeout
}

// beginEnd has the tree end, when its sessions have.
func (s *service) beginEnd(one os.Signal) {
	limit := s.drainFor(one)
	s.draining.Store(true)
	s.upgrade.end()
	s.log.Info("shutting down", slog.String("signal", one.String()), slog.Duration("limit", limit))
	told(s.log, s.manager.Stopping("shutting down", statusHolds))
	p := &progress{log: s.log, manager: s.manager}
	s.tree.Shutdown(limit, p.tell)
}

// progress says how far a drain has come. One goroutine uses it.
type progress struct {
	log           *slog.Logger
	manager       *sdnotify.Manager
	logged, noted time.Time
}

// tell is called often.
func (p *progress) tell(l actors.Leaving) {
	now := time.Now()
	sessions := l.WaitingForClient + l.WaitingForUpstream
	if now.Sub(p.logged) >= progressEvery {
		p.logged = now
		p.log.Info("draining", slog.Int("sessions", sessions), slog.Int("waiting_for_client", l.WaitingForClient),
			slog.Int("waiting_for_upstream", l.WaitingForUpstream), slog.Duration("left", l.Left.Round(time.Second)))
	}
	if now.Sub(p.noted) >= statusEvery {
		p.noted = now
		told(p.log, p.manager.Stopping(fmt.Sprintf("draining: %d sessions, %d wait for the upstream", sessions, l.WaitingForUpstream), statusHolds))
	}
}
