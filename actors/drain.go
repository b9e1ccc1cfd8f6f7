package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// ErrUnknownListener says that no listener has that address, or that a reload has
// removed it.
var ErrUnknownListener = errNotListening

// Drained is what a drain, or its end, has come to.
type Drained struct {
	Listeners []string // by their addresses, sorted
	// Sessions are open on them: so many wait for the client, so many for the
	// upstream.
	WaitingForClient, WaitingForUpstream int
}

// Drain has a listener, or all if it is "", take no more clients: those who have
// come are served, and then the socket is closed, so that others go elsewhere.
// Sessions go on until limit, which begins now; then they are ended, those first
// that wait for the client. A limit of 0 is none. by is who asks for it.
//
// It may be said again, with another limit. It waits until the sockets are closed or
// ctx ends. It may be called from any goroutine but not in an actor's turn. The
// error wraps ErrUnknownListener or ErrStopping.
func (s *System) Drain(ctx context.Context, listener string, limit time.Duration, by string) (Drained, error) {
	answer, err := s.orderDrain(&drain{only: listener, by: by})
	if err != nil {
		return Drained{}, err
	}
	s.drains.forget(answer.listeners)
	for _, l := range answer.listeners {
		if limit > 0 {
			s.drains.begin(l, time.AfterFunc(limit, func() { s.endDrained(l) }))
		}
	}
	s.config.Log(targetActors).Info("drain", slog.Any("listeners", answer.listeners), slog.Duration("limit", limit), slog.String("by", by))
	s.awaitClosed(ctx, halted(answer.halts))
	return s.countDrained(answer.listeners), nil
}

// Undrain undoes Drain: the sockets are opened again, and no limit is waited for.
// The error wraps ErrUnknownListener or ErrStopping, or says why an address cannot
// be had at the moment; that is tried again for ever.
func (s *System) Undrain(ctx context.Context, listener, by string) (Drained, error) {
	answer, err := s.orderDrain(&drain{only: listener, by: by, undo: true})
	if err != nil {
		return Drained{}, err
	}
	s.drains.forget(answer.listeners)
	s.config.Log(targetActors).Info("the drain is undone", slog.Any("listeners", answer.listeners), slog.String("by", by))
	var problems []error
	for _, back := range answer.answers {
		select {
		case err := <-back:
			problems = append(problems, err)
		case <-s.stopped:
			return Drained{}, ErrStopping
		case <-ctx.Done():
			return Drained{}, ctx.Err()
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Drained{}, fmt.Errorf("the drain is undone, but: %w", err)
	}
	return s.countDrained(answer.listeners), nil
}

// orderDrain asks the supervisor.
func (s *System) orderDrain(m *drain) (drained, error) {
	answers := make(chan drained, 1)
	m.answer = answers
	s.actors.Root.Send(s.root, m)
	select {
	case answer := <-answers:
		slices.Sort(answer.listeners)
		return answer, answer.err
	case <-s.stopped:
		return drained{}, ErrStopping
	}
}

// halted are the channels that are closed with the sockets of listeners.
func halted(all []*halt) []<-chan struct{} {
	closed := make([]<-chan struct{}, 0, len(all))
	for _, h := range all {
		closed = append(closed, h.done)
	}
	return closed
}

// awaitClosed waits until sockets are closed; an acceptor has so long for those who
// wait in the queue.
func (s *System) awaitClosed(ctx context.Context, all []<-chan struct{}) {
	patience := time.NewTimer(closePatience)
	defer patience.Stop()
	for _, one := range all {
		select {
		case <-one:
		case <-s.stopped:
			return
		case <-ctx.Done():
			return
		case <-patience.C:
			return
		}
	}
}

// countDrained counts the sessions of listeners.
func (s *System) countDrained(listeners []string) Drained {
	d := Drained{Listeners: listeners}
	for one := range s.Sessions() {
		switch {
		case !slices.Contains(listeners, one.Listener):
		case one.WaitsForUpstream:
			d.WaitingForUpstream++
		default:
			d.WaitingForClient++
		}
	}
	return d
}

// endDrained is the end of a drain's limit.
func (s *System) endDrained(listener string) {
	cut := s.cut(causeDrain, func(c *connection) bool { return c.record.account.listener == listener })
	s.config.Log(targetActors).Info("the time of a drain is over", slog.String("listener", listener),
		slog.Int("waited_for_client", cut.WaitedForClient), slog.Int("waited_for_upstream", cut.WaitedForUpstream))
}

// drains holds the timers of drains that have a limit, by listener.
type drains struct {
	mu     sync.Mutex
	limits map[string]*time.Timer
}

// begin notes the limit of a listener.
func (d *drains) begin(listener string, limit *time.Timer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limits == nil {
		d.limits = make(map[string]*time.Timer)
	}
	d.limits[listener] = limit
}

// forget takes back the limits of listeners.
func (d *drains) forget(listeners []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range listeners {
		if limit := d.limits[l]; limit != nil {
			limit.Stop()
			delete(d.limits, l)
		}
	}
}

// end takes all limits back.
func (d *drains) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, limit := range d.limits {
		limit.Stop()
	}
	clear(d.limits)
}
