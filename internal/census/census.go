// Package census stands between an actor's mailbox and the actor, and sees what
// protoactor keeps to itself: the stack of a failure, and the mail that an actor
// never got because it stopped first.
//
// It changes no delivery and answers nobody. What it sees goes to an Observer.
package census

import (
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
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

// Mailbox wraps a mailbox so that its actor is observed.
func Mailbox(inner actor.MailboxProducer, o Observer) actor.MailboxProducer {
	return func() actor.Mailbox { return &mailbox{Mailbox: inner(), observer: o} }
}

type mailbox struct {
	actor.Mailbox
	actor    actor.MessageInvoker
	observer Observer
	stopping actor.Process // the actor in the registry, once it was told to stop
	failed   bool          // once, at least: the mailbox may be suspended
	stopped  bool
}

// RegisterHandlers puts the census between the mailbox and its actor.
func (m *mailbox) RegisterHandlers(inv actor.MessageInvoker, d actor.Dispatcher) {
	m.actor = inv
	m.Mailbox.RegisterHandlers(m, d)
}

func (m *mailbox) InvokeUserMessage(msg any) {
	if m.stopped {
		drop(msg)
		return
	}
	m.actor.InvokeUserMessage(msg)
}

func (m *mailbox) InvokeSystemMessage(msg any) {
	if _, ok := msg.(*actor.Stop); ok && m.stopping == nil {
		m.stopping = registered(m.actor)
	}
	m.actor.InvokeSystemMessage(msg)
	// Gone from the registry is what stopped means to everybody else. Its
	// parent may have given the name to another actor by now.
	if m.stopping == nil || m.stopped || registered(m.actor) == m.stopping {
		return
	}
	m.stopped = true
	if m.failed {
		// A mailbox that is suspended would keep its mail for ever.
		m.PostSystemMessage(&actor.ResumeMailbox{})
	}
}

func (m *mailbox) EscalateFailure(reason, msg any) {
	m.failed = true
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
