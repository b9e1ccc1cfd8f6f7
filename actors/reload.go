package actors

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/lua/policy"
)

var (
	// ErrStopping says that the tree is about to end, or has ended.
	ErrStopping = errors.New("the proxy is shutting down")
	// ErrNoListener says that a policy would leave nobody served. It would more
	// likely be a mistake than meant: to serve nobody, stop the daemon.
	ErrNoListener = errors.New("the policy starts no proxy listener, and the one that is served does")
)

// closePatience is how much longer than it should take Reload waits for a socket
// that is to be closed.
const closePatience = 2 * lastPatience

// Reload goes over to another policy: listeners that are new start, those that
// it lacks take who waits in their queues, close their sockets and end with
// their last session, and those that stay keep socket and sessions, and take new
// ones as the new policy says. All that may fail is done before anything is
// changed: with an error, nothing was. It returns once the sockets of removed
// listeners are closed, so that their addresses are free.
//
// The policy is the tree's from here on, also when Reload fails: it is closed
// when nobody needs it any more. Reload waits for names, disks and an earlier
// Reload, for as long as ctx lives; it may be called from any goroutine but not
// in an actor's turn. The error wraps ErrStopping, ErrNoListener or what went
// wrong, which names the place in the policy.
func (s *System) Reload(ctx context.Context, p *policy.Policy) (Difference, error) {
	g := s.config.newGeneration(p)
	select {
	case s.reloading <- struct{}{}:
		defer func() { <-s.reloading }()
	case <-ctx.Done():
		g.leave()
		return Difference{}, ctx.Err()
	}
	if len(p.Listeners) == 0 && (len(s.running.listeners) > 0 || len(p.HTTP) == 0) {
		g.leave()
		return Difference{}, ErrNoListener
	}
	plan, err := s.prepare(ctx, g)
	if err != nil {
		g.leave()
		return Difference{}, err
	}
	if !s.order(plan) {
		plan.abandon(s.config)
		g.leave()
		return Difference{}, ErrStopping
	}
	s.follow(plan)
	return plan.difference, nil
}

// AwaitPolicies waits until every policy that the tree has taken is closed, or ctx
// ends: what a policy has to say at its end needs time. It makes sense after
// Stopped, and may be called from any goroutine.
func (s *System) AwaitPolicies(ctx context.Context) {
	select {
	case s.reloading <- struct{}{}:
		defer func() { <-s.reloading }()
	case <-ctx.Done():
		return
	}
	for _, g := range append(s.running.older, s.running.generation) {
		select {
		case <-g.closed:
		case <-ctx.Done():
			return
		}
	}
}

// order has the supervisor carry the plan out. False: it did not.
func (s *System) order(p *plan) bool {
	done := make(chan bool, 1)
	s.actors.Root.Send(s.root, &apply{plan: p, done: done})
	select {
	case applied := <-done:
		return applied
	case <-s.stopped:
		select {
		case applied := <-done:
			return applied
		default:
			return false
		}
	}
}

// follow does what a plan that was carried out leaves to do: it waits for locks
// and sockets, and no actor may.
func (s *System) follow(p *plan) {
	certificates := &s.config.Metrics.certificates
	older := slices.DeleteFunc(append(s.running.older, s.running.generation), (*generation).isClosed)
	now := running{generation: p.generation, older: older}
	p.generation.policy.Hooks.Start()
	for _, l := range p.listeners {
		now.listeners = append(now.listeners, l.is)
		if l.was == nil || l.was.source != l.is.source {
			if l.was != nil {
				certificates.drop(l.was.source)
			}
			certificates.list(s.config.Log(targetListener), l.is.account.listener, l.is.source)
		}
	}
	for _, w := range p.web {
		now.web = append(now.web, w.socket)
		if w.replaced != w.source {
			certificates.drop(w.replaced)
			certificates.list(s.config.Log(targetHTTP), w.socket.address(), w.source)
		}
	}
	for _, o := range p.removed {
		certificates.drop(o.source)
	}
	for _, w := range p.removedWeb {
		certificates.drop(w.source.Load())
	}
	s.running = now
	if !s.awaitAll(p.closed, closePatience) {
		s.config.Log(targetActors).Warn("the socket of a removed listener is still open",
			slog.String("removed", strings.Join(p.difference.Removed, ", ")))
	}
	s.awaitAll(p.begun, acceptPatience)
}

// awaitAll waits until all channels are closed or the tree has ended. False: that
// takes too long.
func (s *System) awaitAll(all []<-chan struct{}, patience time.Duration) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for _, one := range all {
		select {
		case <-one:
		case <-s.stopped:
			return true
		case <-limit.C:
			return false
		}
	}
	return true
}

// apply carries a plan out. Nothing in it can fail.
func (s *supervisor) apply(ctx actor.Context, m *apply) {
	applied := false
	defer func() { m.done <- applied }()
	if s.draining || s.leaving {
		return
	}
	applied, s.reloaded = true, true // from here on there is no way back
	old := s.sockets.generation
	s.sockets.generation = m.plan.generation
	s.config.knowSources(m.plan.generation.policy)
	s.applyListeners(ctx, m.plan)
	s.applyWeb(ctx, m.plan)
	old.leave()
}

func (s *supervisor) applyListeners(ctx actor.Context, p *plan) {
	for _, o := range p.removed {
		s.remove(ctx, p, o)
	}
	s.sockets.listeners = nil
	for _, l := range p.listeners {
		s.sockets.listeners = append(s.sockets.listeners, l.is)
		served := s.find(l.was)
		if served == nil {
			p.begun = append(p.begun, s.spawnListener(ctx, l.is).begun)
			continue
		}
		l.is.account.destinations.resize(l.is.asked.DestinationSeries, l.is.asked.DestinationIdle)
		served.openListener = l.is
		t := s.newTerms(l.is)
		p.begun = append(p.begun, t.begun)
		ctx.Send(served.pid, &adjust{terms: t, socket: l.is.socket})
		l.is.socket = nil // the message's from here on
	}
}

// find is the actor of a listener that was not removed, nil if it has none.
func (s *supervisor) find(o *openListener) *served {
	for _, l := range s.listeners {
		if l.openListener == o {
			return l
		}
	}
	return nil
}

// remove retires a listener.
func (s *supervisor) remove(ctx actor.Context, p *plan, o *openListener) {
	s.config.Metrics.Ledger.retire(o.account)
	if l := s.find(o); l != nil {
		l.removed = true
		p.closed = append(p.closed, l.closed)
		ctx.Send(l.pid, &retire{})
	}
}

func (s *supervisor) applyWeb(ctx actor.Context, p *plan) {
	for _, w := range p.removedWeb {
		w.retire()
	}
	var sockets []*webSocket
	for _, w := range p.web {
		sockets = append(sockets, w.socket)
		if w.added {
			s.announce(w.socket)
		} else {
			p.begun = append(p.begun, w.socket.change(w.manner, w.source))
		}
	}
	s.sockets.web = sockets
	s.webSockets.Store(&sockets)
	ctx.Send(s.web, &serveSockets{})
}

// remind repeats what a reload had to say to a listener, since that may have been
// what it failed over.
func (s *supervisor) remind(l *served) {
	switch {
	case l.removed:
		s.root.Send(l.pid, &retire{})
	case s.reloaded:
		s.root.Send(l.pid, &adjust{terms: s.newTerms(l.openListener)})
		s.haltAgain(l)
	default:
		s.haltAgain(l)
	}
}

// share passes the wish for a socket on to the listener that has it.
func (s *supervisor) share(ctx actor.Context, m *share) {
	for _, l := range s.listeners {
		if l.openListener == m.listener && !s.draining {
			ctx.Send(l.pid, m)
			return
		}
	}
	m.Undelivered()
}
