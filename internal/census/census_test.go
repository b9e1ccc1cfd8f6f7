package census_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/internal/census"
)

func TestMain(m *testing.M) {
	// The library throttles its lines about dead letters with a goroutine that
	// lives for a second after each.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"))
}

const patience = 10 * time.Second

var errActor = errors.New("actor failed")

// parcel is a message that owns something.
type parcel struct {
	delivered, dropped atomic.Int64
	gone               chan struct{}
}

func newParcel() *parcel { return &parcel{gone: make(chan struct{}, 10)} }

// Undelivered implements census.Undelivered.
func (p *parcel) Undelivered() {
	p.dropped.Add(1)
	p.gone <- struct{}{}
}

func (p *parcel) wantDropped(t *testing.T) {
	t.Helper()
	await(t, "the parcel to be dropped", p.gone)
	if d, u := p.delivered.Load(), p.dropped.Load(); d != 0 || u != 1 {
		t.Errorf("delivered %d times, dropped %d; want dropped once", d, u)
	}
}

// hold makes the actor wait in its turn, and then panic if it is to fail.
type hold struct {
	entered, release chan struct{}
	fail             bool
}

func newHold(fail bool) *hold {
	return &hold{entered: make(chan struct{}), release: make(chan struct{}), fail: fail}
}

type recipient struct{ inbox *census.Inbox }

// Hold implements census.Holder.
func (r *recipient) Hold(b *census.Inbox) { r.inbox = b }

// Receive implements actor.Actor.
func (r *recipient) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Stopped:
		if r.inbox != nil {
			r.inbox.Close()
		}
	case *parcel:
		m.delivered.Add(1)
		m.gone <- struct{}{}
	case *hold:
		close(m.entered)
		<-m.release
		if m.fail {
			fail()
		}
	}
}

func fail() { panic(errActor) }

// failure is what an observer was told.
type failure struct {
	who    string
	reason error
	stack  string
}

type observer chan failure

// ActorFailed implements census.Observer.
func (o observer) ActorFailed(who actor.Context, reason any, stack []byte) {
	err, _ := reason.(error)
	o <- failure{who.Self().Id, err, string(stack)}
}

// world is one observed actor under a guardian.
type world struct {
	system  *actor.ActorSystem
	props   *actor.Props
	pid     *actor.PID
	noticed observer
}

// eachMailbox runs a test with every kind of mailbox.
func eachMailbox(t *testing.T, test func(t *testing.T, kind mailboxKind)) {
	t.Helper()
	for name, kind := range map[string]mailboxKind{
		"mailbox": func(o census.Observer) actor.MailboxProducer {
			return new(census.Tree).Mailbox("recipient", actor.UnboundedLockfree(), o)
		},
		"inbox": census.Inboxes,
	} {
		t.Run(name, func(t *testing.T) { test(t, kind) })
	}
}

type mailboxKind func(census.Observer) actor.MailboxProducer

// start spawns the actor, about whose failures directive decides.
func start(t *testing.T, kind mailboxKind, directive actor.Directive) *world {
	t.Helper()
	w := &world{noticed: make(observer, 10)}
	w.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	census.WatchDeadLetters(w.system)
	w.props = actor.PropsFromProducer(func() actor.Actor { return &recipient{} }, actor.WithMailbox(kind(w.noticed)))
	decide := actor.NewOneForOneStrategy(100, time.Hour, func(any) actor.Directive { return directive })
	pid, err := w.system.Root.Copy().WithGuardian(decide).SpawnNamed(w.props, "recipient")
	if err != nil {
		t.Fatal(err)
	}
	w.pid = pid
	t.Cleanup(func() { _ = w.system.Root.StopFuture(pid).Wait() })
	return w
}

func await[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case v := <-ch:
		return v
	case <-limit.C:
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// Mail that is delivered is nobody else's business.
func TestDelivered(t *testing.T) { eachMailbox(t, delivered) }

func delivered(t *testing.T, kind mailboxKind) {
	w := start(t, kind, actor.StopDirective)
	p := newParcel()
	w.system.Root.Send(w.pid, p)
	await(t, "the parcel", p.gone)
	if d, u := p.delivered.Load(), p.dropped.Load(); d != 1 || u != 0 {
		t.Errorf("delivered %d times, dropped %d; want delivered once", d, u)
	}
}

// A failure is told with the stack of the culprit, before anybody decides, and
// the mail behind it goes on.
func TestFailureIsObservedWithItsStack(t *testing.T) { eachMailbox(t, failureIsObservedWithItsStack) }

func failureIsObservedWithItsStack(t *testing.T, kind mailboxKind) {
	w := start(t, kind, actor.ResumeDirective)
	h, p := newHold(true), newParcel()
	close(h.release)
	w.system.Root.Send(w.pid, h)
	w.system.Root.Send(w.pid, p)
	f := await(t, "the failure", w.noticed)
	if f.who != "recipient" || !errors.Is(f.reason, errActor) || !strings.Contains(f.stack, "census_test.fail") {
		t.Errorf("told %q, %v, stack %s; want the actor, its reason, and where it was", f.who, f.reason, f.stack)
	}
	await(t, "the mail behind it", p.gone)
	if p.delivered.Load() != 1 {
		t.Error("the mail behind a failure was not delivered")
	}
}

// Mail to an actor that is gone, or never was, is dropped.
func TestMailToNobody(t *testing.T) { eachMailbox(t, mailToNobody) }

func mailToNobody(t *testing.T, kind mailboxKind) {
	w := start(t, kind, actor.StopDirective)
	if err := w.system.Root.StopFuture(w.pid).Wait(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []*actor.PID{w.pid, w.system.NewLocalPID("nobody")} {
		p := newParcel()
		w.system.Root.Send(pid, p)
		p.wantDropped(t)
	}
}

// Mail that lies in the mailbox when the actor ends is dropped, whether the
// actor was stopped, stopped itself behind other mail, or failed for good. Such
// mail of a failed actor used to be forgotten, as its mailbox stayed suspended.
func TestMailLeftInTheMailbox(t *testing.T) { eachMailbox(t, mailLeftInTheMailbox) }

func mailLeftInTheMailbox(t *testing.T, kind mailboxKind) {
	tests := []struct {
		name string
		fail bool
		stop func(w *world)
	}{
		{"stopped", false, func(w *world) { w.system.Root.Stop(w.pid) }},
		{"poisoned", false, func(w *world) { w.system.Root.Poison(w.pid) }},
		{"failed", true, func(*world) {}},
		{"failed and stopped", true, func(w *world) { w.system.Root.Stop(w.pid) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, kind, actor.StopDirective)
			h, p := newHold(tt.fail), newParcel()
			go w.system.Root.Send(w.pid, h) // an inbox works in the sender's turn
			await(t, "the actor's turn", h.entered)
			tt.stop(w)
			w.system.Root.Send(w.pid, p)
			close(h.release)
			p.wantDropped(t)
		})
	}
}

// Mail is dropped also when another actor has the name by then.
func TestMailLeftUnderANameUsedAgain(t *testing.T) { eachMailbox(t, mailLeftUnderANameUsedAgain) }

func mailLeftUnderANameUsedAgain(t *testing.T, kind mailboxKind) {
	w := start(t, kind, actor.StopDirective)
	h, p := newHold(false), newParcel()
	again := make(chan error, 1)
	// Called by the actor that stops, before it looks whether it is gone.
	w.system.ProcessRegistry.Add(successor{w, again}, "watcher")
	go w.system.Root.Send(w.pid, h) // an inbox works in the sender's turn
	await(t, "the actor's turn", h.entered)
	process, _ := w.system.ProcessRegistry.GetLocal(w.pid.Id)
	process.SendSystemMessage(w.pid, &actor.Watch{Watcher: w.system.NewLocalPID("watcher")})
	w.system.Root.Stop(w.pid)
	w.system.Root.Send(w.pid, p)
	close(h.release)
	if err := await(t, "the successor", again); err != nil {
		t.Fatal(err)
	}
	p.wantDropped(t)
	w.system.Root.Stop(w.system.NewLocalPID("recipient"))
}

// successor is a watcher that gives the name of whoever ended to another.
type successor struct {
	w     *world
	again chan error
}

// SendSystemMessage implements actor.Process.
func (s successor) SendSystemMessage(_ *actor.PID, m any) {
	if _, ok := m.(*actor.Terminated); ok {
		_, err := s.w.system.Root.SpawnNamed(s.w.props, "recipient")
		s.again <- err
	}
}

// SendUserMessage implements actor.Process.
func (successor) SendUserMessage(*actor.PID, any) {}

// Stop implements actor.Process.
func (successor) Stop(*actor.PID) {}

// eventually waits until cond is true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
