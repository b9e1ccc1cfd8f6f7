// Package census stands between an actor's mailbox and the actor, and sees what
// protoactor keeps to itself: the stack of a failure, the mail that an actor
// never got because it stopped first, and which actors there are and how they fare.
//
// It changes no delivery. What it sees goes to an Observer, and into a Tree, where
// whoever wants to know finds it without asking an actor. For actors of which there
// are very many it has a lighter mailbox, the Inbox, and a lighter list, the Roll.
package census

import (
	"runtime/debug"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/supervise"
)

// Undelivered is a message that owns something, a socket for instance. When the
// message can no longer be delivered, Undelivered is called, once, on whichever
// goroutine finds out, so that what it owns is released.
type Undelivered interface{ Undelivered() }

// Observer is told of failures, on the failed actor's goroutine, before its
// supervisor decides. It must not block.
type Observer interface {
	ActorFailed(who actor.Context, reason any, stack []byte)
}

type mailbox struct {
	actor.Mailbox
	actor    actor.MessageInvoker
	observer Observer
	node     *node
	stopping actor.Process // the actor in the registry, once it was told to stop
	failed   atomic.Bool   // once, at least: the mailbox may be suspended
	stopped  bool
}

// RegisterHandlers puts the census between the mailbox and its actor.
func (m *mailbox) RegisterHandlers(inv actor.MessageInvoker, d actor.Dispatcher) {
	m.actor = inv
	if who, ok := inv.(actor.Context); ok {
		m.node.enter(who)
	}
	m.Mailbox.RegisterHandlers(m, d)
}

// PostSystemMessage sees what the inner mailbox keeps to itself.
func (m *mailbox) PostSystemMessage(msg any) {
	switch msg.(type) {
	case *actor.SuspendMailbox:
		m.failed.Store(true)
	case *actor.ResumeMailbox:
		m.node.broughtBack(Failed)
	}
	m.Mailbox.PostSystemMessage(msg)
}

func (m *mailbox) InvokeUserMessage(msg any) {
	if m.stopped {
		drop(msg)
		return
	}
	m.actor.InvokeUserMessage(msg)
}

func (m *mailbox) InvokeSystemMessage(msg any) {
	switch msg.(type) {
	case *actor.Stop:
		m.node.stopping()
		if m.stopping == nil {
			m.stopping = registered(m.actor)
		}
	case *actor.Restart:
		if m.stopped {
			return // it was on its way, and would bring back what is gone
		}
		m.node.broughtBack(Running)
	}
	m.actor.InvokeSystemMessage(msg)
	// Gone from the registry is what stopped means to everybody else. Its
	// parent may have given the name to another actor by now.
	if m.stopping == nil || m.stopped || registered(m.actor) == m.stopping {
		return
	}
	m.stopped = true
	m.node.leave()
	if m.failed.Load() {
		// A mailbox that is suspended would keep its mail for ever.
		m.PostSystemMessage(&actor.ResumeMailbox{})
	}
}

func (m *mailbox) EscalateFailure(reason, msg any) {
	m.node.failed(supervise.Reason(reason))
	if who, ok := m.actor.(actor.Context); ok {
		m.observer.ActorFailed(who, reason, debug.Stack())
	}
	m.actor.EscalateFailure(reason, msg)
}

// registered is what the registry has under the actor's name, nil if nothing.
func registered(inv actor.MessageInvoker) actor.Process {
	ctx, ok := inv.(actor.Context)
	if !ok {
		return nil
	}
	process, there := ctx.ActorSystem().ProcessRegistry.GetLocal(ctx.Self().Id)
	if !there {
		return nil
	}
	return process
}

func drop(msg any) {
	_, msg, _ = actor.UnwrapEnvelope(msg)
	if u, ok := msg.(Undelivered); ok {
		u.Undelivered()
	}
}

// WatchDeadLetters releases what undeliverable messages own when they were sent
// to an actor that is already gone. It lasts as long as the system does.
func WatchDeadLetters(system *actor.ActorSystem) {
	system.EventStream.Subscribe(func(event any) {
		if dead, ok := event.(*actor.DeadLetterEvent); ok {
			drop(dead.Message)
		}
	})
}
