package actors

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/internal/task"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// acceptor takes clients off a listening socket that it borrows from its
// listener. It keeps nothing else, so that its failure costs nothing else: the
// socket and its queue live on, and the next acceptor borrows it again.
type acceptor struct {
	listener *actor.PID
	account  *account
	slots    *slots
	shared   *shared
	log      *slog.Logger

	serving  *task.Task
	heldBack time.Time // when it was last said that accepting is held back
}

// errServeEnded: Serve returned although nobody had asked it to.
var errServeEnded = errors.New("accepting ended unasked")

// Receive implements actor.Actor.
func (a *acceptor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		supervise.Contain(a.log, a.serving.Cancel)
		return
	case *actor.Stopped:
		return
	default:
		a.shared.tap(KindAcceptor, m)
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		ctx.Send(a.listener, &borrow{acceptor: ctx.Self()})
	case *lend:
		root := ctx.ActorSystem().Root
		a.serving = task.Go(ctx, func(serve context.Context) error { return a.serve(serve, root, m.socket) })
	case *task.Exit:
		if m.Task != a.serving {
			return // of the acceptor before this one
		}
		panic(errors.Join(errServeEnded, m.Err))
	}
}

// serve accepts until ctx ends. It is the acceptor's one goroutine.
func (a *acceptor) serve(ctx context.Context, root *actor.RootContext, socket transport.Listener) error {
	a.account.health.up(time.Now())
	defer func() {
		if ctx.Err() == nil {
			a.account.health.down(time.Now(), errServeEnded.Error())
		}
	}()
	return socket.Serve(ctx, transport.Acceptance{
		Enter:    a.slots.enter,
		Leave:    a.slots.leave,
		Accepted: func(c transport.Conn) { a.accepted(root, c) },
		HoldBack: a.holdBack,
		Shed:     a.shed,
	})
}

// accepted books the client, whose slot goes with the record from here on, and
// hands it to the listener.
func (a *acceptor) accepted(root *actor.RootContext, c transport.Conn) {
	m := &accepted{conn: c, record: a.account.accept(c.Client(), time.Now(), a.slots.leave)}
	root.Send(a.listener, m)
}

// holdBack says, at most once a minute, that clients have to wait.
func (a *acceptor) holdBack(err error) {
	now := time.Now()
	if now.Sub(a.heldBack) < time.Minute {
		return
	}
	a.heldBack = now
	a.log.Warn("accepting is held back, clients wait in the queue",
		slog.String("listener", a.account.listener), slog.Any("error", err))
}

// shed books a client that was closed unserved for want of a descriptor.
func (a *acceptor) shed(client netip.AddrPort, err error) {
	a.account.accept(client, time.Now(), func() {}).end(failed(ReasonNoResources), time.Now())
	a.log.Debug("client closed for want of a descriptor", slog.String("client", client.String()), slog.Any("error", err))
}
