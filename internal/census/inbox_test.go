package census_test

import (
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/census"
)

// number is a message of which the order matters.
type number struct{ sender, n int }

// counter checks that it is never in two turns at once, and that the messages
// of a sender arrive in their order.
type counter struct {
	t     *testing.T
	inbox *census.Inbox
	turns sync.Mutex
	last  [senders]int
	all   int
	done  chan struct{}
}

const senders, each = 8, 2000

// Hold implements census.Holder.
func (c *counter) Hold(b *census.Inbox) { c.inbox = b }

// Receive implements actor.Actor.
func (c *counter) Receive(ctx actor.Context) {
	if !c.turns.TryLock() {
		c.t.Error("two turns at once")
		return
	}
	defer c.turns.Unlock()
	switch m := ctx.Message().(type) {
	case *actor.Stopped:
		c.inbox.Close()
		close(c.done)
	case number:
		if m.n != c.last[m.sender]+1 {
			c.t.Errorf("sender %d: got %d after %d", m.sender, m.n, c.last[m.sender])
		}
		c.last[m.sender] = m.n
		if m.n == each/2 {
			// Sent by the actor itself, it waits for the end of the turn.
			c.inbox.PostUserMessage(newParcel())
		}
		if c.all++; c.all == senders*each {
			c.inbox.Stop()
		}
	}
}

// Many senders: each message has a turn of its own, and none is lost.
func TestInboxOrder(t *testing.T) {
	system := actor.NewActorSystem()
	c := &counter{t: t, done: make(chan struct{})}
	system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return c },
		actor.WithMailbox(census.Inboxes(make(observer, 10)))))
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for n := range each {
				c.inbox.PostUserMessage(number{sender, n + 1})
			}
		})
	}
	all.Wait()
	await(t, "the actor to stop itself", c.done)
	p := newParcel()
	c.inbox.PostUserMessage(p)
	p.wantDropped(t)
}

// A message to an actor at rest is over when the sender goes on, and leaves no
// queue behind.
func TestInboxHandsOver(t *testing.T) {
	w := start(t, census.Inboxes, actor.StopDirective)
	p := newParcel()
	w.system.Root.Send(w.pid, p)
	if got := p.delivered.Load(); got != 1 {
		t.Errorf("delivered %d times when the sender goes on; want 1", got)
	}
}

// An actor that has stopped was kept in memory, with its session and the policy of
// that, for as long as anybody had its PID: the parent has, until another child takes
// the place in its set.
func TestInboxLetsGo(t *testing.T) {
	system := actor.NewActorSystem()
	stop := func() (pid *actor.PID, gone weak.Pointer[counter]) {
		c := &counter{t: t, done: make(chan struct{})}
		pid = system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return c },
			actor.WithMailbox(census.Inboxes(make(observer, 10)))))
		system.Root.Send(pid, struct{}{}) // now the PID knows the way by itself
		c.inbox.Stop()
		await(t, "the actor to stop", c.done)
		return pid, weak.Make(c)
	}
	pid, gone := stop()
	runtime.GC()
	if gone.Value() != nil {
		t.Error("the actor that has stopped is kept in memory by its PID")
	}
	system.Root.Send(pid, newParcel()) // goes nowhere, and does no harm
	system.Root.Stop(pid)
}
