package pool

import (
	"errors"
	"fmt"
)

var (
	// ErrBusy says that no state was free in time, or too many are abandoned.
	ErrBusy = errors.New("no Lua state is free")
	// ErrDeadline says that the call ran longer than it may.
	ErrDeadline = errors.New("ran longer than it may")
	// ErrHeap says that the heap grew by more than the budget while the call ran.
	ErrHeap = errors.New("used more memory than it may")
	// ErrClosed says that the pool was closed.
	ErrClosed = errors.New("the pool of Lua states is closed")
	// ErrBuild says that no state could be built. It wraps the reason.
	ErrBuild = errors.New("a Lua state could not be built")
)

// Panic is the error of a call that panicked in Go.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("internal error: %v", p.Value) }

// Unwrap lets errors.Is see an error that was panicked with.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
