package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/inherit"
	"github.com/troupe-proxy/troupe/internal/limit"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/internal/unixsocket"
)

// Handover is the listening sockets of a tree on their way to another process. Who
// has begun it ends it, by Complete or Abandon; no reload goes on meanwhile.
type Handover struct {
	system  *System
	sockets []inherit.Socket
	owned   []inherit.Socket // of sockets, the copies made for this
	drained []DrainedListener
}

// DrainedListener is one that takes no clients because somebody has drained it.
type DrainedListener struct {
	Address netip.AddrPort
	Asked   string // the address in the policy
	By      string // who has
}

// is says whether a listener of a policy is meant.
func (d DrainedListener) is(asked string, address netip.AddrPort) bool {
	return d.Address == address || d.Asked == asked && strings.HasSuffix(asked, ":0")
}

// drainedBefore is the listener of a policy as it was drained in the process that
// this one takes over from; nil: it was not. Each is one listener's.
func (c *Config) drainedBefore(asked string, address netip.AddrPort) *DrainedListener {
	for i := range c.Drained {
		if d := &c.Drained[i]; d.By != "" && d.is(asked, address) {
			found := *d
			d.By = ""
			return &found
		}
	}
	return nil
}

// Sockets are the listening sockets, as they are to be passed on. The descriptors
// are the Handover's.
func (h *Handover) Sockets() []inherit.Socket { return h.sockets }

// Drained are the listeners that have no socket since they are drained.
func (h *Handover) Drained() []DrainedListener { return h.drained }

// Bans are those in force, for Config.Bans of the other process.
func (h *Handover) Bans() limit.Kept { return h.system.config.Metrics.bans.Keep(time.Now()) }

// Holds are what has been decided about sources.
func (h *Handover) Holds() []source.Hold { return h.system.config.Sources.Holds(time.Now()) }

// BeginHandover copies the listening sockets, which are served as before meanwhile.
// It waits for a reload under way, for as long as ctx lives, and may be called from
// any goroutine but not in an actor's turn. The error wraps ErrStopping, or
// errors.ErrUnsupported where sockets are not passed on.
func (s *System) BeginHandover(ctx context.Context) (*Handover, error) {
	select {
	case s.reloading <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h := &Handover{system: s, sockets: s.config.Inherited.Lasting()}
	if err := h.copyAll(ctx); err != nil {
		h.Abandon()
		return nil, err
	}
	return h, nil
}

// Abandon gives the copies back, and leaves everything as it is.
func (h *Handover) Abandon() {
	h.release()
	<-h.system.reloading
}

// release closes the copies.
func (h *Handover) release() {
	for _, one := range h.owned {
		inherit.Close(one)
	}
	h.owned = nil
}

func (h *Handover) copyAll(ctx context.Context) error {
	for _, o := range h.system.running.listeners {
		if err := h.copyListener(ctx, o); err != nil {
			return fmt.Errorf("listener %s: %w", o.config.Address, err)
		}
	}
	for _, w := range h.system.running.web {
		if err := h.copyWeb(w); err != nil {
			return fmt.Errorf("http listener %s: %w", w.address(), err)
		}
	}
	return nil
}

func (h *Handover) copyListener(ctx context.Context, o *openListener) error {
	answer := make(chan passed, 1)
	h.system.actors.Root.Send(h.system.root, &pass{listener: o, answer: answer})
	var p passed
	select {
	case p = <-answer:
	case <-h.system.stopped:
		return ErrStopping
	case <-time.After(acceptPatience):
		return errAbsent
	}
	one := inherit.Socket{FD: p.fd, Address: o.config.Address, Asked: o.asked.Listen}
	switch {
	case p.err != nil:
		return p.err
	case p.drained != "":
		h.drained = append(h.drained, DrainedListener{Address: o.config.Address, Asked: o.asked.Listen, By: p.drained})
	case p.fd >= 0:
		h.add(one)
	} // else its address cannot be had at the moment
	return ctx.Err()
}

// add takes a copy, unless the socket is one that its opener keeps: that goes over
// as it came.
func (h *Handover) add(one inherit.Socket) {
	if h.system.config.Inherited.IsLasting(one.Bound()) {
		inherit.Close(one)
		return
	}
	h.sockets, h.owned = append(h.sockets, one), append(h.owned, one)
}

func (h *Handover) copyWeb(w *webSocket) error {
	c, can := w.listener.(syscall.Conn)
	if !can {
		return fmt.Errorf("its socket: %w", errors.ErrUnsupported)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var fd int
	cerr := raw.Control(func(own uintptr) { fd, err = inherit.Copy(int(own)) })
	if err = errors.Join(cerr, err); err != nil {
		return err
	}
	one := inherit.Socket{FD: fd, Asked: w.manner.Load().asked.Listen}
	if _, isUnix := w.listener.(*unixsocket.Listener); isUnix {
		one.Path = w.listener.Addr().String()
	} else {
		one.Address = w.bound()
	}
	h.add(one)
	return nil
}

// Complete ends the Handover: it has the tree serve nobody new, because another process serves the
// sockets: they are taken out of what watches them, and closed without any effect on
// their queues. Sessions go on. It returns once the sockets are closed, or ctx ends.
// Nothing is reloaded after it.
func (h *Handover) Complete(ctx context.Context) {
	defer h.Abandon() // of the copies, and the turn
	s := h.system
	done := make(chan []<-chan struct{}, 1)
	s.actors.Root.Send(s.root, &yield{done: done})
	select {
	case closed := <-done:
		s.awaitClosed(ctx, closed)
	case <-s.stopped:
	}
}

// AwaitAnswers waits, after a Handover is complete, until the requests that had come
// before are answered, or ctx ends.
func (s *System) AwaitAnswers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*webPatience)
	defer cancel()
	for _, w := range s.running.web {
		select {
		case <-w.answered:
		case <-s.stopped:
		case <-ctx.Done():
			return
		}
	}
}

// ServeHTTP has the HTTP listeners served that Config.HTTPLater has held back.
func (s *System) ServeHTTP() { s.actors.Root.Send(s.root, &serveHTTP{}) }

func (s *supervisor) serveHTTP(ctx actor.Context) {
	web := s.sockets.web
	s.webSockets.Store(&web)
	ctx.Send(s.web, &serveSockets{})
}

// LimitSessions has the sessions of a listener, or of all if it is "", end at limit,
// which begins now, as those of a drain; 0: there is no limit any more. It is for
// the listeners of a process that has handed them over, and may be called from any
// goroutine.
func (s *System) LimitSessions(listener string, limit time.Duration) Drained {
	var meant []string
	s.config.Metrics.Ledger.each(func(a *account) {
		if a.users > 0 && (listener == "" || listener == a.listener) {
			meant = append(meant, a.listener)
		}
	})
	s.drains.forget(meant)
	for _, l := range meant {
		if limit > 0 {
			s.drains.begin(l, time.AfterFunc(limit, func() { s.endDrained(l) }))
		}
	}
	return s.countDrained(meant)
}

// pass answers with a copy of the socket.
func (l *listener) pass(m *pass) {
	answer := passed{fd: -1, err: errAbsent}
	defer func() { m.answer <- answer }() // also should it panic
	switch p, can := l.socket.(transport.Passer); {
	case l.halted != nil:
		answer = passed{fd: -1, drained: l.halted.by}
	case l.stage != stageServing:
	case l.socket == nil:
		answer = passed{fd: -1}
	case !can:
		answer = passed{fd: -1, err: errNoReceiver}
	default:
		answer.fd, answer.err = p.Pass()
		if errors.Is(answer.err, net.ErrClosed) {
			answer.err = nil // its end is on the way to us
		}
	}
}

// pass passes the wish for a copy on to the listener that has the socket.
func (s *supervisor) pass(ctx actor.Context, m *pass) {
	for _, l := range s.listeners {
		if l.openListener == m.listener && !s.draining {
			ctx.Send(l.pid, m)
			return
		}
	}
	m.Undelivered()
}

// yield retires all listeners. Those of HTTP leave their files to the other process.
func (s *supervisor) yield(ctx actor.Context, m *yield) {
	p := &plan{}
	s.leaving = true
	defer func() { m.done <- p.closed }()
	s.log.Info("the sockets are another process's from now on, sessions go on", slog.Int("listeners", len(s.sockets.listeners)))
	for _, o := range s.sockets.listeners {
		s.remove(ctx, p, o)
	}
	for _, w := range s.sockets.web {
		w.yield()
	}
	s.webSockets.Store(&[]*webSocket{})
}
