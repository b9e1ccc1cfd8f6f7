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
	stopping bool
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
	m.actor.InvokeSystemMessage(msg)
	if _, ok := msg.(*actor.Stop); ok {
		m.stopping = true
	}
	if m.stopping && !m.stopped {
		m.stopped = gone(m.actor)
	}
}

func (m *mailbox) EscalateFailure(reason, msg any) {
	if who, ok := m.actor.(actor.Context); ok {
		m.observer.ActorFailed(who, reason, debug.Stack())
	}
	m.actor.EscalateFailure(reason, msg)
}

// gone reports whether the actor has left the registry, which is what stopped
// means to everybody else.
func gone(inv actor.MessageInvoker) bool {
	ctx, ok := inv.(actor.Context)
	if !ok {
		return false
	}
	_, there := ctx.ActorSystem().ProcessRegistry.GetLocal(ctx.Self().Id)
	return !there
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
