// Package task runs a goroutine that an actor owns.
//
// An actor's Receive must not block, and a panic in a goroutine of its own
// would end the process. So whatever blocks runs as a task: it gets a context
// that its actor cancels, a panic in it becomes an error, and its end comes
// back to the actor as a message, in the actor's own turn.
//
// It does not restart anything: the actor that receives an Exit it did not ask
// for panics with it, and its supervisor decides.
package task

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
)

// Task is one running goroutine.
type Task struct {
	cancel context.CancelFunc
}

// Exit tells the owner that its task has returned. An owner that was restarted
// meanwhile can get the exit of its predecessor's task: compare Task.
type Exit struct {
	Task *Task
	Err  error
}

// Panic is the error of a task that panicked.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap lets errors.Is see an error that was panicked with.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Go runs fn on a goroutine of its own, owned by the actor whose turn it is.
// The task ends when fn returns, which it must do soon after ctx ends.
func Go(owner actor.Context, fn func(ctx context.Context) error) *Task {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Task{cancel: cancel}
	// An actor's context belongs to its turn: what the goroutine needs is taken now.
	go t.run(ctx, owner.ActorSystem().Root, owner.Self(), fn)
	return t
}

// Cancel ends the task's context. It does not wait. A nil Task is allowed.
func (t *Task) Cancel() {
	if t != nil {
		t.cancel()
	}
}

func (t *Task) run(ctx context.Context, root *actor.RootContext, owner *actor.PID, fn func(context.Context) error) {
	defer t.cancel()
	root.Send(owner, &Exit{Task: t, Err: Protect(ctx, fn)})
}

// Protect calls fn and turns a panic into a *Panic.
func Protect(ctx context.Context, fn func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn(ctx)
}
