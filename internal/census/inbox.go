package census

import (
	"runtime/debug"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// Inbox is a mailbox whose actor works on the goroutine of whoever posts: a
// message to an actor at rest is handed over without a queue. What comes while
// it is at work waits for that goroutine. It is for actors of which there are
// very many: at rest it holds no queue.
//
// It observes like Mailbox. Batches of messages are not taken apart.
type Inbox struct {
	actor    actor.MessageInvoker // nil when it has stopped and had its mail; written under mu
	observer Observer

	mu        sync.Mutex
	system    []any // to be handed over, oldest first, ahead of all user's; guarded by mu
	user      []any // likewise; guarded by mu
	running   bool  // a goroutine is handing over; guarded by mu
	suspended bool  // the actor failed, and its supervisor has not decided; guarded by mu
	closed    bool  // guarded by mu
}

// Holder is an actor that is given its Inbox, before its first message. It may
// let others post to it directly, and must close it once it has stopped.
type Holder interface{ Hold(*Inbox) }

// Inboxes makes an Inbox for each actor. The dispatcher of the props is not used.
func Inboxes(o Observer) actor.MailboxProducer {
	return func() actor.Mailbox { return &Inbox{observer: o} }
}

// RegisterHandlers implements actor.Mailbox.
func (b *Inbox) RegisterHandlers(inv actor.MessageInvoker, _ actor.Dispatcher) {
	b.actor = inv
	ctx, ok := inv.(actor.Context)
	if !ok {
		return
	}
	if h, ok := ctx.Actor().(Holder); ok {
		h.Hold(b)
	}
}

// Start implements actor.Mailbox.
func (b *Inbox) Start() {}

// UserMessageCount implements actor.Mailbox.
func (b *Inbox) UserMessageCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.user)
}

// PostUserMessage implements actor.Mailbox. Any goroutine may call it, as long as
// there is an actor, or was. A message to one that has stopped is dropped.
func (b *Inbox) PostUserMessage(msg any) {
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		drop(msg)
	case b.running || b.suspended:
		b.user = append(b.user, msg)
		b.mu.Unlock()
	default:
		b.running = true
		b.mu.Unlock()
		b.hand(msg, false)
		b.drain()
	}
}

// PostSystemMessage implements actor.Mailbox.
func (b *Inbox) PostSystemMessage(msg any) {
	b.mu.Lock()
	if b.actor == nil {
		b.mu.Unlock()
		return
	}
	b.system = append(b.system, msg)
	if b.running {
		b.mu.Unlock()
		return
	}
	b.running = true
	b.mu.Unlock()
	b.drain()
}

// Stop stops the actor, behind what it is doing now.
func (b *Inbox) Stop() { b.PostSystemMessage(&actor.Stop{}) }

// Close drops the mail that the actor will not get any more. The actor calls it
// when it has stopped.
func (b *Inbox) Close() {
	b.mu.Lock()
	left := b.user
	b.user, b.closed = nil, true
	b.mu.Unlock()
	for _, msg := range left {
		drop(msg)
	}
}

// drain hands over what waits, by the goroutine that set running. An actor that has
// stopped is let go of then: a parent's PIDSet keeps the PIDs of children that are
// gone, until others take their place, and each of them leads here.
func (b *Inbox) drain() {
	for {
		b.mu.Lock()
		msg, system, ok := b.next()
		if !ok {
			b.running = false
			if b.closed {
				b.actor = nil
			}
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		b.hand(msg, system)
	}
}

// next takes the message whose turn it is. Called with the mutex held.
func (b *Inbox) next() (msg any, system, ok bool) {
	for len(b.system) > 0 {
		msg, b.system = take(b.system)
		switch msg.(type) {
		case *actor.SuspendMailbox:
			b.suspended = true
		case *actor.ResumeMailbox:
			b.suspended = false
		default:
			return msg, true, true
		}
	}
	if b.suspended || len(b.user) == 0 {
		return nil, false, false
	}
	msg, b.user = take(b.user)
	return msg, false, true
}

// take takes the first of a queue, and gives its room back when that was all.
func take(queue []any) (first any, rest []any) {
	first = queue[0]
	if len(queue) == 1 {
		return first, nil
	}
	return first, slices.Delete(queue, 0, 1)
}

// hand gives the actor one message. A panic goes to its supervisor.
func (b *Inbox) hand(msg any, system bool) {
	done := false
	defer func() {
		if !done {
			b.failed(recover(), msg)
		}
	}()
	if system {
		b.actor.InvokeSystemMessage(msg)
	} else {
		b.actor.InvokeUserMessage(msg)
	}
	done = true
}

func (b *Inbox) failed(reason, msg any) {
	if who, ok := b.actor.(actor.Context); ok {
		b.observer.ActorFailed(who, reason, debug.Stack())
	}
	b.actor.EscalateFailure(reason, msg)
}
