// Package call reads the arguments of one call from Lua and raises what is wrong
// with them, naming the function and the argument.
//
// It does no work of any function and keeps nothing: its data comes from the
// stack of a Lua state and goes to the function called. It is used in the
// goroutine of that state.
package call

import (
	"context"
	"errors"

	lua "github.com/yuin/gopher-lua"
)

// Context is the context of the state: what blocks ends with it. A state without
// one has no end.
func Context(L *lua.LState) context.Context {
	if ctx := L.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// Raise raises err as the error of a function. It does not return; the result is
// for the caller's return statement.
func Raise(L *lua.LState, function string, err error) int {
	L.RaiseError("%s: %s", function, err)
	return 0
}

// Await runs work in a goroutine of its own and waits until it is done or ctx is,
// whichever is first: a system call on a dead disk cannot be ended, only left
// behind. What work still returns after that goes to discard, unless discard is
// nil, and a slot of slots is held until then, so that at most cap(slots)
// goroutines are ever left behind.
func Await[T any](ctx context.Context, slots chan struct{}, work func() (T, error), discard func(T)) (T, error) {
	var none T
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	w := waiter[T]{result: make(chan outcome[T]), left: make(chan struct{}), slots: slots, discard: discard}
	go w.run(work)
	select {
	case r := <-w.result:
		return r.value, r.err
	case <-ctx.Done():
		close(w.left)
		return none, ctx.Err()
	}
}

// ErrPanic is the error of work that panicked.
var ErrPanic = errors.New("internal error")

type outcome[T any] struct {
	value T
	err   error
}

type waiter[T any] struct {
	result  chan outcome[T]
	left    chan struct{} // closed: nobody waits any more
	slots   chan struct{}
	discard func(T)
}

func (w *waiter[T]) run(work func() (T, error)) {
	defer func() { <-w.slots }()
	r := w.protect(work)
	select {
	case w.result <- r:
	case <-w.left:
		if w.discard != nil && r.err == nil {
			w.discard(r.value)
		}
	}
}

// protect turns a panic into an error: in a goroutine of its own it would end the
// daemon.
func (w *waiter[T]) protect(work func() (T, error)) (r outcome[T]) {
	defer func() {
		if recover() != nil {
			r.err = ErrPanic
		}
	}()
	r.value, r.err = work()
	return r
}
