package task_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/internal/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

var errTask = errors.New("task failed")

// owner starts a task when it starts and again for each message that is one,
// and tells what it hears of its exits.
type owner struct {
	run     func(ctx context.Context) error
	started chan *task.Task
	exits   chan *task.Exit
}

// Receive implements actor.Actor.
func (o *owner) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		o.started <- task.Go(ctx, o.run)
	case *task.Exit:
		o.exits <- m
	}
}

// own spawns an owner of run, which the end of the test stops.
func own(t *testing.T, run func(ctx context.Context) error) *owner {
	t.Helper()
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	o := &owner{run: run, started: make(chan *task.Task, 1), exits: make(chan *task.Exit, 1)}
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return o }))
	t.Cleanup(func() {
		if err := system.Root.StopFuture(pid).Wait(); err != nil {
			t.Error(err)
		}
	})
	return o
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

func TestExitReachesTheOwner(t *testing.T) {
	for _, want := range []error{nil, errTask} {
		o := own(t, func(context.Context) error { return want })
		started, exit := await(t, "the task", o.started), await(t, "its exit", o.exits)
		if exit.Task != started || !errors.Is(exit.Err, want) {
			t.Errorf("exit %+v; want that of %p with %v", exit, started, want)
		}
	}
}

func TestPanicBecomesAnErrorWithItsStack(t *testing.T) {
	o := own(t, breakDown)
	exit := await(t, "the exit", o.exits)
	p, ok := errors.AsType[*task.Panic](exit.Err)
	if !ok {
		t.Fatalf("ended with %v; want a panic", exit.Err)
	}
	if !errors.Is(p, errTask) || p.Error() != "panic: task failed" || !strings.Contains(string(p.Stack), "breakDown") {
		t.Errorf("panic %q with stack %s; want the value and where it was", p, p.Stack)
	}
}

func breakDown(context.Context) error { panic(errTask) }

func TestPanicWithAnotherValue(t *testing.T) {
	err := task.Protect(t.Context(), func(context.Context) error { panic(42) })
	if err == nil || err.Error() != "panic: 42" || errors.Unwrap(err) != nil {
		t.Errorf("got %v; want panic: 42 and nothing in it", err)
	}
}

func TestCancelEndsTheContext(t *testing.T) {
	o := own(t, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	started := await(t, "the task", o.started)
	started.Cancel()
	started.Cancel()
	if exit := await(t, "the exit", o.exits); !errors.Is(exit.Err, context.Canceled) {
		t.Errorf("ended with %v; want cancelled", exit.Err)
	}
	var none *task.Task
	none.Cancel() // an actor that has not started one yet
}

// A context that nobody cancelled ends with its task, so that what hangs on it
// ends too.
func TestContextEndsWithTheTask(t *testing.T) {
	escaped := make(chan context.Context, 1)
	o := own(t, func(ctx context.Context) error { escaped <- ctx; return nil })
	await(t, "the exit", o.exits)
	await(t, "the context to end", await(t, "the context", escaped).Done())
}
