package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// A listener that is drained takes the clients who had come before, closes its
// socket and keeps its sessions. The socket is closed and not merely left alone:
// a client that is refused goes elsewhere at once, and one that is let into a queue
// which nobody serves waits until it gives up. It is opened anew when the drain is
// undone.

func newHalt(by string) *halt { return &halt{by: by, done: make(chan struct{})} }

// settle says that nobody need wait for the socket to be closed. It may be called
// again, and on nil.
func (h *halt) settle() {
	if h != nil {
		h.once.Do(func() { close(h.done) })
	}
}

// reason is why the listener does not accept.
func (h *halt) reason() string { return "drained by request of " + h.by }

// halt begins a drain.
func (l *listener) halt(ctx actor.Context, m *halt) {
	switch {
	case l.stage == stageHalted, l.stage > stageHalted, l.stage == stageEmptying && l.halted == nil:
		m.settle() // it takes nobody, or is about to be gone for good
		return
	case l.halted != nil: // and about to close
		if l.halted != m {
			l.halted.settle()
			l.halted = m
		}
		return
	}
	l.halted, l.stage = m, stageEmptying
	l.stopRetry()
	if l.socket == nil {
		ctx.Stop(l.acceptor)
	} else {
		ctx.(actor.Supervisor).RestartChildren(l.acceptor) // it takes those who wait, and stops itself
	}
	l.account.health.halt(time.Now(), m.reason())
}

// emptiedForNow closes the socket of a drained listener, which has no acceptor any
// more.
func (l *listener) emptiedForNow(ctx actor.Context) {
	l.stage = stageHalted
	l.closeSocket()
	l.account.health.halt(time.Now(), l.halted.reason())
	l.log.Info("listener drained, its sessions go on", slog.String("listener", l.account.listener),
		slog.String("by", l.halted.by), slog.Int("sessions", len(ctx.Children())))
	l.halted.settle()
}

// unhalt takes clients again. Somebody else may have the address by now: then the
// answer says so, and it is tried again for ever.
func (l *listener) unhalt(ctx actor.Context, m *unhalt) {
	var err error
	defer func() { m.answer <- err }() // also should it panic
	if l.halted == nil || l.stage > stageHalted {
		return
	}
	closed := l.stage == stageHalted
	l.halted.settle()
	l.halted, l.stage = nil, stageServing
	l.account.health.down(time.Now(), "its drain was undone a moment ago")
	l.log.Info("listener takes clients again", slog.String("listener", l.account.listener))
	if !closed { // its acceptor is there, or its end is on the way to us
		ctx.(actor.Supervisor).RestartChildren(l.acceptor)
		return
	}
	if l.socket, err = l.network.Listen(l.terms.config); err != nil {
		l.socket = nil
		l.account.health.down(time.Now(), err.Error())
		l.restartAfter(bindFirst)
	}
	l.spawnAcceptor(ctx)
}

// adjustHalted takes over the terms by which a drained listener is to take clients
// once it does so again.
func (l *listener) adjustHalted(m *adjust) {
	old := l.terms
	l.terms = m.terms
	old.generation.leave()
	m.terms.beginning() // nobody waits for it to accept
	switch {
	case l.socket != nil: // the queue is being emptied
		l.replaceSocket(old.config, m.socket)
	case m.socket != nil:
		l.close(m.socket)
	}
}

// drained is the supervisor's answer to a drain.
type drained struct {
	listeners []string // that are drained, or were
	spared    []string // that go on
	halts     []*halt
	answers   []<-chan error // of those that are to take clients again
	err       error
}

// errNotListening is the error of a listener that is not there.
var errNotListening = errors.New("there is no such listener")

// drainListeners has listeners halt, or go on.
func (s *supervisor) drainListeners(ctx actor.Context, m *drain) {
	answer := drained{err: ErrStopping}
	defer func() { m.answer <- answer }()
	if s.draining || s.leaving && m.undo && !m.last {
		return
	}
	answer.err = nil
	s.leaving = s.leaving || m.last
	for _, l := range s.listeners {
		if l.removed || m.only != "" && m.only != l.account.listener {
			continue
		}
		if m.spareLasting && l.halted == nil && s.config.lasts(l.openListener) {
			answer.spared = append(answer.spared, l.account.listener)
			continue
		}
		if m.undo && m.last && (l.halted == nil || l.halted.by != m.by) {
			continue // somebody else has drained it meanwhile
		}
		answer.listeners = append(answer.listeners, l.account.listener)
		if !m.undo {
			l.halted = newHalt(m.by)
			answer.halts = append(answer.halts, l.halted)
			ctx.Send(l.pid, l.halted)
			continue
		}
		l.halted = nil
		back := make(chan error, 1)
		answer.answers = append(answer.answers, back)
		ctx.Send(l.pid, &unhalt{answer: back})
	}
	if m.only != "" && len(answer.listeners) == 0 {
		answer.err = fmt.Errorf("%s: %w", m.only, errNotListening)
	}
}

// haltAgain repeats a drain to the actor of a listener, which may have lost it.
func (s *supervisor) haltAgain(was *served) {
	l := s.find(was.openListener)
	if l == nil || was.halted == nil {
		return
	}
	l.halted = was.halted
	s.root.Send(l.pid, was.halted)
}
