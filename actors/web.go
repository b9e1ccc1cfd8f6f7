package actors

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/internal/task"
)

// webActor serves HTTP. The requests run on net/http's goroutines and ask no
// actor for anything.
type webActor struct {
	sockets *atomic.Pointer[[]*webSocket] // the supervisor's
	log     *slog.Logger
	tap     Tap
	serving map[*task.Task]*webSocket
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
		w.serving = make(map[*task.Task]*webSocket)
		w.serveAll(ctx)
	case *serveSockets:
		w.serveAll(ctx)
	case *task.Exit:
		w.exited(m)
	}
}

// serveAll begins to serve the sockets that are not served yet.
func (w *webActor) serveAll(ctx actor.Context) {
	served := make(map[*webSocket]bool)
	for _, s := range w.serving {
		served[s] = true
	}
	for _, s := range *w.sockets.Load() {
		if !served[s] {
			w.serving[task.Go(ctx, s.serve)] = s
		}
	}
}

// exited hears that a socket is served no more: that is a failure, unless the
// socket was retired.
func (w *webActor) exited(m *task.Exit) {
	s := w.serving[m.Task]
	if s == nil {
		return // of the web actor before this one
	}
	delete(w.serving, m.Task)
	if !s.retired.Load() {
		panic(errors.Join(errServeEnded, m.Err))
	}
}

func (w *webActor) cancel() {
	for t := range w.serving {
		t.Cancel()
	}
	w.serving = nil
}

// uponEnd runs f when ctx ends. The function returned takes that back, or waits
// until f has run.
func uponEnd(ctx context.Context, f func()) (release func()) {
	ran := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ran)
		f()
	})
	return func() {
		if !stop() {
			<-ran
		}
	}
}
