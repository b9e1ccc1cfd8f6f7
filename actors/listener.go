package actors

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/census"
	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// Back-off of an acceptor: at once the first time, then soon, since clients
// wait; where the address itself cannot be had there is no hurry.
const (
	acceptFirst  = 10 * time.Millisecond
	acceptMost   = 500 * time.Millisecond
	bindFirst    = 500 * time.Millisecond
	bindMost     = 30 * time.Second
	acceptHealth = 10 * time.Second
)

// listener is the actor of one listening address. It owns the listening socket,
// which it lends to its acceptor, and is the parent of the connections, so that
// an acceptor's restart touches neither.
type listener struct {
	network opener
	terms   *terms               // by which clients are taken now; the listener uses their generation
	socket  transport.Listener   // nil while it cannot be had
	given   []transport.Listener // that other sockets stand in for; an acceptor may hold one still
	account *account
	slots   *slots
	turn    chan struct{} // of its acceptors
	live    *live
	tap     Tap
	log     *slog.Logger

	self       *actor.PID
	acceptor   *actor.PID
	accepting  supervise.Backoff
	binding    supervise.Backoff
	retry      *time.Timer // sends restartAcceptor, while backing off
	connection *actor.Props
	next       *connection // what the connection's producer hands out
	stage      stage
	retirement
	halted *halt // nil: it is to take clients
}

// stage is how far a listener has come towards its end.
type stage uint8

const (
	// stageServing takes clients.
	stageServing stage = iota
	// stageEmptying, once retired or drained: takes those who wait in the queue.
	stageEmptying
	// stageHalted, once drained: the socket is closed, sessions go on, and it may be
	// opened again.
	stageHalted
	// stageDraining, once retired: the socket is closed, sessions go on.
	stageDraining
	// stageEnding ends the sessions too.
	stageEnding
)

// Receive implements actor.Actor.
func (l *listener) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		supervise.Contain(l.log, l.release)
		return
	case *actor.Stopped:
		return
	case *accepted:
		l.admit(ctx, m)
		return
	case *adjust:
		l.adjust(ctx, m)
		return
	case *share:
		l.share(m)
		return
	case *pass:
		l.pass(m)
		return
	default:
		l.tap(KindListener, m)
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.log.Info(l.title() + l.account.listener)
		l.sayWhoIsServed(nil)
		l.start(ctx)
	case *recovered:
		l.resume(ctx)
	case *borrow:
		l.lend(ctx, m)
	case *restartAcceptor:
		l.reopen(ctx)
	case *retire:
		l.retire(ctx)
	case *halt:
		l.halt(ctx, m)
	case *unhalt:
		l.unhalt(ctx, m)
	case *settle:
		l.settle(ctx)
	case *shutdown:
		l.drain(ctx)
	case *actor.Terminated:
		l.terminated(ctx, m.Who)
	}
}

// title is what KumoMTA's proxy-server says before the address.
func (l *listener) title() string {
	switch limits := &l.terms.shared.limits; {
	case limits.forward:
		return "forward listener on "
	case limits.tls:
		return "proxy listener (TLS) on "
	}
	return "proxy listener on "
}

// start spawns the acceptor.
func (l *listener) start(ctx actor.Context) {
	l.self = ctx.Self()
	l.accepting = supervise.Backoff{First: acceptFirst, Most: acceptMost, Health: acceptHealth}
	l.binding = supervise.Backoff{First: bindFirst, Most: bindMost, Health: acceptHealth}
	// Connections run on the sender's goroutine, which is mostly the
	// transport's: a session then costs no switch of goroutines.
	l.connection = actor.PropsFromProducer(func() actor.Actor { return l.next },
		actor.WithMailbox(census.Inboxes(newObserver(KindConnection, l.log))))
	if l.stage == stageHalted {
		l.account.health.down(time.Now(), l.halted.reason())
		return
	}
	l.spawnAcceptor(ctx)
	if l.socket == nil {
		l.restartAfter(0)
	}
}

// resume goes on after a panic of the listener's own. What was lost with it may
// be what accepting waits for, so an acceptor that is not seen to accept begins
// anew.
func (l *listener) resume(ctx actor.Context) {
	switch {
	case l.acceptor == nil:
		l.start(ctx)
	case l.stage == stageDraining:
		ctx.Send(l.self, &settle{})
	case !slices.ContainsFunc(ctx.Children(), l.acceptor.Equal):
		l.terminated(ctx, l.acceptor)
	case l.stage == stageServing && !l.account.health.isUp():
		// Not at once: the panic may have been over opening the socket.
		l.restartAfter(max(l.accepting.Next(time.Now()), acceptFirst))
	}
}

func (l *listener) spawnAcceptor(ctx actor.Context) {
	props := actor.PropsFromProducer(func() actor.Actor {
		return &acceptor{listener: l.self, account: l.account, slots: l.slots, turn: l.turn, tap: l.tap, log: l.log}
	}, actor.WithMailbox(l.live.tree.Mailbox(KindAcceptor.String(), actor.Unbounded(), newObserver(KindAcceptor, l.log))))
	pid, err := ctx.SpawnNamed(props, "acceptor")
	if err != nil {
		panic(err)
	}
	l.acceptor = pid
}

// lend gives the acceptor the socket, unless there is none to be had. Who asks
// has nothing yet, and those before it have been told to let go: closing what
// they had cannot look like a failure.
func (l *listener) lend(ctx actor.Context, m *borrow) {
	l.closeGiven()
	if l.socket != nil && l.stage <= stageEmptying {
		ctx.Send(m.acceptor, &lend{to: m.by, socket: l.socket, terms: l.terms, last: l.stage == stageEmptying})
	}
}

// admit gives a client an actor. Until it has one, the client is ours to close.
func (l *listener) admit(ctx actor.Context, m *accepted) {
	taken := false
	defer func() {
		if !taken {
			m.discard(ReasonInternal)
		}
	}()
	l.tap(KindListener, m)
	if l.stage == stageEnding {
		taken = true
		m.Undelivered()
		return
	}
	l.next = &connection{
		machine: machine{limits: &m.shared.limits, client: m.record.client.Addr(), prove: m.prove, places: m.record.places},
		shared:  m.shared, conn: m.conn, record: m.record,
	}
	ctx.Spawn(l.connection)
	l.next, taken = nil, true
}

// HandleFailure implements actor.SupervisorStrategy for the children, in the
// listener's turn: an acceptor comes back, a connection does not.
func (l *listener) HandleFailure(_ *actor.ActorSystem, parent actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	if !child.Equal(l.acceptor) || l.stage != stageServing {
		parent.StopChildren(child)
		return
	}
	now, err := time.Now(), supervise.Reason(reason)
	l.account.health.down(now, err.Error())
	if errors.Is(err, transport.ErrListenerDead) {
		l.closeSocket()
	}
	if pause := l.accepting.Next(now); pause > 0 || l.socket == nil {
		l.restartAfter(pause)
		return
	}
	l.restart(parent)
}

func (l *listener) restart(parent actor.Supervisor) {
	l.account.health.restarted()
	parent.RestartChildren(l.acceptor)
}

// restartAfter comes back to reopen in a later turn.
func (l *listener) restartAfter(pause time.Duration) {
	if l.retry != nil {
		l.retry.Stop()
	}
	// A reload may give the listener other terms while the timer runs.
	root, self := l.terms.shared.root, l.self
	l.retry = time.AfterFunc(pause, func() { root.Send(self, &restartAcceptor{}) })
}

// reopen restarts the acceptor once there is a socket to lend. Somebody else
// may have the address by now: then it is tried again for ever, and seen to be.
func (l *listener) reopen(ctx actor.Context) {
	if l.stage != stageServing {
		return
	}
	if l.socket == nil {
		socket, err := l.network.Listen(l.terms.config)
		if err != nil {
			l.account.health.down(time.Now(), err.Error())
			l.restartAfter(max(l.binding.Next(time.Now()), bindFirst))
			return
		}
		l.socket = socket
	}
	l.restart(ctx.(actor.Supervisor))
}

// drain stops accepting and ends every session; terminated does the rest.
func (l *listener) drain(ctx actor.Context) {
	if l.stage == stageEnding {
		return
	}
	if l.stage == stageServing {
		l.account.health.down(time.Now(), "shutting down")
	}
	l.stage = stageEnding
	for _, child := range slices.Clone(ctx.Children()) {
		if child.Equal(l.acceptor) {
			ctx.Stop(child)
		} else {
			ctx.Send(child, &shutdown{})
		}
	}
	l.stopWhenEmpty(ctx)
}

func (l *listener) terminated(ctx actor.Context, who *actor.PID) {
	mine := who.Equal(l.acceptor)
	switch {
	case l.stage == stageEnding, l.stage == stageDraining && l.settled:
		l.stopWhenEmpty(ctx)
	case l.stage == stageEmptying && mine:
		l.emptied(ctx)
	case l.stage == stageServing && mine:
		// Nothing of ours stops it for good: its clients would wait for ever.
		l.spawnAcceptor(ctx)
	}
}

// stopWhenEmpty ends the listener behind whatever its mailbox still holds,
// because that may be a client.
func (l *listener) stopWhenEmpty(ctx actor.Context) {
	if len(ctx.Children()) == 0 {
		l.closeSocket()
		ctx.Poison(ctx.Self())
	}
}

func (l *listener) release() {
	l.halted.settle()
	l.stage = stageEnding // a client admitted now would keep the listener from ending
	l.stopRetry()
	l.closeSocket()
	l.announceClosed()
	if !l.left {
		l.left = true
		l.terms.generation.leave()
	}
}

func (l *listener) stopRetry() {
	if l.retry != nil {
		l.retry.Stop()
	}
}

func (l *listener) closeSocket() {
	l.closeGiven()
	if l.socket != nil {
		l.close(l.socket)
		l.socket = nil
	}
}

func (l *listener) closeGiven() {
	for _, socket := range l.given {
		l.close(socket)
	}
	l.given = nil
}

func (l *listener) close(socket transport.Listener) {
	if err := socket.Close(); err != nil {
		l.log.Debug("closing the listening socket", slog.Any("error", err))
	}
}
