package actors

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
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
	turn     chan struct{} // holds the one acceptor of the listener that may serve
	tap      Tap
	log      *slog.Logger

	serving *task.Task
	terms   *terms // of all its clients
	last    bool   // it takes those who wait, and no more
	leave   func() // of each session: gives back its place, its slot, and the generation

	// Used by whichever goroutines of the transport accept.
	short   atomic.Bool // of slots, descriptors or memory
	pressed sparing     // the log's line about that
	refused sparing     // and about clients that are not served
	limited sparing     // and about those that are too many
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
		a.tap(KindAcceptor, m)
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		ctx.Send(a.listener, &borrow{acceptor: ctx.Self(), by: a})
	case *lend:
		a.begin(ctx, m)
	case *task.Exit:
		switch {
		case m.Task != a.serving: // of the acceptor before this one
		case a.last:
			ctx.Stop(ctx.Self())
		default:
			panic(errors.Join(errServeEnded, m.Err))
		}
	}
}

// begin serves by what was lent to this acceptor and not to one before it. Where
// the last user of the terms has gone, a restart is on its way.
func (a *acceptor) begin(ctx actor.Context, m *lend) {
	if m.to != a || !m.terms.generation.join() {
		return
	}
	a.terms, a.last = m.terms, m.last
	a.leave = func() {
		a.account.occupied.leave()
		a.slots.leave()
		m.terms.generation.leave()
	}
	root := ctx.ActorSystem().Root
	a.serving = task.Go(ctx, func(serve context.Context) error { return a.serve(serve, root, m.socket) })
}

// serve accepts until ctx ends. It is the acceptor's one goroutine, and a user of
// the generation, as each of its clients will be.
func (a *acceptor) serve(ctx context.Context, root *actor.RootContext, socket transport.Listener) error {
	defer a.terms.generation.leave()
	// The one before may be about to take a client by its own terms.
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil
	}
	defer a.account.queue.of(socket)()
	a.terms.beginning()
	acceptance := transport.Acceptance{
		Enter:    a.slots.enter,
		Leave:    a.slots.unused,
		Accepted: func(c transport.Conn) { a.accepted(root, c) },
		HoldBack: a.holdBack,
		Shed:     a.shed,
	}
	if a.last {
		return serveQueue(ctx, socket, acceptance)
	}
	a.account.health.up(time.Now())
	defer func() {
		if ctx.Err() == nil {
			a.account.health.down(time.Now(), errServeEnded.Error())
		}
	}()
	return socket.Serve(ctx, acceptance)
}

// serveQueue takes the clients who wait, where the transport can tell.
func serveQueue(ctx context.Context, socket transport.Listener, a transport.Acceptance) error {
	q, can := socket.(queueServer)
	if !can {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lastPatience)
	defer cancel()
	return q.ServeQueue(ctx, a)
}

// accepted books the client, whose slot goes with the record from here on, and
// hands it to the listener. One that was let in without a slot is closed.
func (a *acceptor) accepted(root *actor.RootContext, c transport.Conn) {
	if a.slots.claim() {
		a.holdBack(errNoSlot)
		a.shed(c.Client(), errNoSlot)
		c.Abort()
		return
	}
	if a.short.Load() {
		a.relieved()
	}
	if a.account.pressed.Load() != nil {
		a.turnAway(c, ReasonMemoryPressure, time.Now())
		return
	}
	v, prove := a.terms.shared.admits(c.Client().Addr())
	if !v.Allowed {
		a.refuse(c, v)
		return
	}
	now := time.Now()
	l := &a.terms.shared.limits
	taken, over := a.account.occupied.enter(&l.most, &l.rates, c.Client().Addr(), now)
	if over != ReasonNone {
		a.turnAway(c, over, now)
		return
	}
	a.terms.generation.join()
	m := &accepted{conn: c, record: a.account.accept(c.Client(), now, a.leave), shared: a.terms.shared, prove: prove}
	m.record.places = taken
	root.Send(a.listener, m)
}

// errNoSlot: as many sessions are open as the descriptors allow.
var errNoSlot = errors.New("no session slot is free")

// holdBack notes that clients cannot be taken: the status says so at once, the
// log at most once a minute.
func (a *acceptor) holdBack(err error) {
	now := time.Now()
	a.account.health.down(now, err.Error())
	a.short.Store(true)
	if _, due := a.pressed.due(now); due {
		a.log.Warn("accepting is held back, clients wait in the queue or are closed",
			slog.String("listener", a.account.listener), slog.Any("error", err))
	}
}

func (a *acceptor) relieved() {
	if a.short.Swap(false) {
		a.account.health.up(time.Now())
	}
}

// shed books a client that was closed unserved.
func (a *acceptor) shed(client netip.AddrPort, err error) {
	now := time.Now()
	r, o := a.account.accept(client, now, func() {}), failed(ReasonNoResources)
	a.terms.shared.reportUnserved(r, o, now)
	r.end(o, now)
	a.log.Debug("client closed unserved", slog.String("client", client.String()), slog.Any("error", err))
}
