package actors

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/internal/task"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
)

// webSocket is one HTTP listening socket. It is the supervisor's: each web actor
// borrows it, so that a scrape waits for the next one and is not refused.
type webSocket struct {
	listener *net.TCPListener
	build    func() *http.Server
	source   *tlsconf.Source // nil: plain HTTP
	turn     sync.Mutex      // held by the incarnation that accepts
}

// webActor serves HTTP. The requests run on net/http's goroutines and ask no
// actor for anything.
type webActor struct {
	sockets []*webSocket
	log     *slog.Logger
	tap     Tap
	serving []*task.Task
}

// Receive implements actor.Actor.
func (w *webActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		supervise.Contain(w.log, w.cancel)
		return
	case *actor.Stopped:
		return
	default:
		w.tap(KindWeb, ctx.Message())
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		for _, s := range w.sockets {
			w.serving = append(w.serving, task.Go(ctx, s.serve))
		}
	case *task.Exit:
		if w.owns(m.Task) {
			panic(errors.Join(errServeEnded, m.Err))
		}
	}
}

func (w *webActor) owns(t *task.Task) bool {
	for _, mine := range w.serving {
		if mine == t {
			return true
		}
	}
	return false
}

func (w *webActor) cancel() {
	for _, t := range w.serving {
		t.Cancel()
	}
	w.serving = nil
}

// scheme is that of the socket's URLs.
func (s *webSocket) scheme() string {
	if s.source != nil {
		return "https"
	}
	return "http"
}

// serve answers requests until ctx ends, then closes its connections but not
// the socket.
func (s *webSocket) serve(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	// The one before woke its Accept by a deadline in the past.
	if err := s.listener.SetDeadline(time.Time{}); err != nil {
		return err
	}
	server := s.build()
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		// Either can only fail because it is closed already.
		_ = s.listener.SetDeadline(time.Unix(1, 0))
		_ = server.Close()
	})
	defer func() {
		if !stop() {
			<-woken // or its deadline would wake the one after
		}
	}()
	err := s.serveWith(server)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *webSocket) serveWith(server *http.Server) error {
	if s.source == nil {
		return server.Serve(borrowed{s.listener})
	}
	server.TLSConfig = s.source.Config().Clone() // net/http adds to it
	return server.ServeTLS(borrowed{s.listener}, "", "")
}

// borrowed is a listener that its server cannot close.
type borrowed struct{ *net.TCPListener }

// Close implements net.Listener.
func (borrowed) Close() error { return nil }
