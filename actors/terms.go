package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// terms are what a listener takes clients by, all of it from one policy. They
// are never changed: a reload makes new ones, and each session keeps those it
// was accepted by.
type terms struct {
	config     transport.ListenConfig // with the bound address, to open it again
	shared     *shared
	generation *generation

	begin sync.Once
	begun chan struct{} // closed when clients are taken by them, and by no others
}

func (t *terms) beginning() { t.begin.Do(func() { close(t.begun) }) }

// retirement is what a listener knows of its own removal.
type retirement struct {
	closed  chan struct{} // closed with the socket of a listener that was removed
	told    bool          // closed is
	settled bool          // every client that was accepted has an actor
	left    bool          // the terms' generation
}

// adjust takes clients by other terms from now on. An acceptor keeps its terms, so
// it is restarted; meanwhile clients wait in the queue. It is not stopped and
// replaced: mail on its way to the one must not meet the other as it is spawned.
func (l *listener) adjust(ctx actor.Context, m *adjust) {
	taken := false
	defer func() {
		if !taken {
			m.Undelivered()
		}
	}()
	l.tap(KindListener, m)
	if l.halted != nil && l.stage <= stageHalted {
		taken = true
		l.adjustHalted(m)
		return
	}
	if l.stage != stageServing {
		return
	}
	taken = true
	old := l.terms
	l.terms = m.terms
	l.sayWhoIsServed(old)
	old.generation.leave()
	l.replaceSocket(old.config, m.socket)
	if l.socket != nil {
		l.stopRetry()
	}
	if l.socket != nil || l.given != nil {
		ctx.(actor.Supervisor).RestartChildren(l.acceptor)
	} // else reopen does the rest, as it would have done
}

// replaceSocket goes over to a socket that has been prepared. The old one is
// closed once no acceptor has it.
func (l *listener) replaceSocket(old transport.ListenConfig, socket transport.Listener) {
	switch {
	case socket != nil:
		if l.socket != nil {
			l.given = append(l.given, l.socket)
		}
		l.socket = socket
	case l.socket == nil || old == l.terms.config:
	default:
		// It was opened again, the old way, after it had been asked for.
		again := l.adopt(l.terms.config)
		if again.err != nil {
			l.log.Error("the address is opened anew", slog.String("listener", l.account.listener), slog.Any("error", again.err))
			l.restartAfter(0)
		}
		l.given = append(l.given, l.socket)
		l.socket = again.socket
	}
}

// adopter is a Network that can give a listening socket another configuration
// without closing it.
type adopter interface {
	// Adopt returns a Listener with the configuration cfg on the socket of l.
	// cfg has the bound address. Both have the queue in common and may serve by
	// turns; the caller owns each and may close either first, also while it
	// serves, without harm to the other. Options of the socket itself are set
	// when the new one first serves, so that it can be closed unused. The error
	// wraps errors.ErrUnsupported where the system cannot.
	Adopt(l transport.Listener, cfg transport.ListenConfig) (transport.Listener, error)
}

// errFixed says that this transport cannot change how a socket is served.
var errFixed = fmt.Errorf("how its sockets are served cannot be changed while it listens, only by a restart: %w", errors.ErrUnsupported)

// errAbsent says that a listener cannot be asked: the tree ends, or the listener
// is being replaced after it failed.
var errAbsent = errors.New("the listener does not answer")

// share answers with the same socket once more. Nothing is changed by that.
func (l *listener) share(m *share) {
	answer := sharedSocket{err: errAbsent}
	defer func() { m.answer <- answer }() // also should it panic
	if l.stage == stageServing || l.halted != nil && l.stage <= stageHalted {
		answer = l.adopt(m.config)
	}
}

func (l *listener) adopt(c transport.ListenConfig) sharedSocket {
	if l.socket == nil {
		return sharedSocket{}
	}
	a, can := l.network.Network.(adopter)
	if !can {
		return sharedSocket{err: errFixed}
	}
	socket, err := a.Adopt(l.socket, c)
	return sharedSocket{socket, err}
}

// lastPatience is how long a listener that is removed goes on to take the
// clients who had come before.
const lastPatience = 5 * time.Second

// queueServer is a Listener that can tell when nobody waits any more.
type queueServer interface {
	// ServeQueue is Serve until no client waits in the queue: then it returns nil.
	ServeQueue(ctx context.Context, a transport.Acceptance) error
}

// retire begins the end of a listener that a reload has removed.
func (l *listener) retire(ctx actor.Context) {
	halted := l.halted != nil
	l.halted.settle()
	l.halted = nil
	switch {
	case l.stage > stageHalted, halted && l.stage == stageEmptying: // it does so already
		return
	case halted:
		l.emptied(ctx)
		return
	}
	l.stage = stageEmptying
	l.stopRetry()
	if l.socket == nil {
		ctx.Stop(l.acceptor)
		return
	}
	// It borrows the socket for a last time, and stops itself.
	ctx.(actor.Supervisor).RestartChildren(l.acceptor)
}

// emptied closes the socket of a listener without an acceptor.
func (l *listener) emptied(ctx actor.Context) {
	if l.halted != nil {
		l.emptiedForNow(ctx)
		return
	}
	l.stage = stageDraining
	l.closeSocket()
	l.announceClosed()
	l.log.Info("listener removed, its sessions go on", slog.String("listener", l.account.listener),
		slog.Int("sessions", len(ctx.Children())))
	ctx.Send(ctx.Self(), &settle{})
}

// settle: from here on, no children means no sessions.
func (l *listener) settle(ctx actor.Context) {
	if l.stage == stageDraining {
		l.settled = true
		l.stopWhenEmpty(ctx)
	}
}

func (l *listener) announceClosed() {
	if !l.told {
		l.told = true
		close(l.closed)
	}
}
