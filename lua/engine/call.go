package engine

import (
	"context"
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// RunError is an error that Lua code raised and did not catch, or the end of the
// context, or a fault in Go.
type RunError struct {
	// Value is what was raised; nil for a fault in Go.
	Value lua.LValue
	// Message is the value as text, with the position when it has one.
	Message string
	// Traceback are the calls that were active, in the form of the reference
	// implementation.
	Traceback string
	// Timeout: the context ended; errors.Is tells DeadlineExceeded from Canceled.
	Timeout bool
	cause   error
}

func (e *RunError) Error() string { return e.Message }

// Unwrap is the error of the context, ErrUnusable after a fault in Go, or nil.
func (e *RunError) Unwrap() error { return e.cause }

// Call runs a function with the arguments and returns nret results, or all when
// nret is lua.MultRet. The error is a *RunError, or ErrUnusable. After a fault in
// Go the state is unusable and Call says so from then on; after any other error it
// may be used again. It may be called from a Go function that Lua called, with that
// function's L: an error in fn then leaves the calls below as they are, unlike the
// library's PCall. fn cannot yield.
//
// The deadline is that of L.SetContext. Lua code cannot catch it.
func Call(L *lua.LState, fn *lua.LFunction, nret int, args ...lua.LValue) ([]lua.LValue, error) {
	if L.IsClosed() {
		return nil, ErrUnusable
	}
	m := of(L)
	if m.broken {
		return nil, ErrUnusable
	}
	return m.call(L, fn, nret, args)
}

func (m *machine) call(L *lua.LState, fn *lua.LFunction, nret int, args []lua.LValue) (results []lua.LValue, err error) {
	base := L.GetTop()
	before := m.mark()
	th := m.takeProtected()
	defer func() {
		if reason := recover(); reason != nil {
			m.restore(before)
			results, err = nil, m.runError(L, th, reason)
		}
		L.SetTop(base)
	}()
	th.Push(fn)
	for _, arg := range args {
		th.Push(arg)
	}
	if m.launch(L, th, len(args)) == failed {
		return nil, m.errorOf(L, th, L.Get(base+2))
	}
	n := L.GetTop() - base - 1
	results = make([]lua.LValue, 0, max(n, nret))
	for i := range n {
		results = append(results, L.Get(base+2+i))
	}
	m.giveBack(th)
	if nret == lua.MultRet {
		return results, nil
	}
	for len(results) < nret {
		results = append(results, lua.LNil)
	}
	return results[:nret], nil
}

// runError makes an error of what came by panic: the end of the context or a
// fault.
func (m *machine) runError(L, th *lua.LState, reason any) error {
	var bug *fault
	switch reason := reason.(type) {
	case *lua.ApiError:
		return m.errorOf(L, th, reason.Object)
	case *fault:
		bug = reason
	default:
		bug = &fault{reason: reason}
	}
	m.broken = true
	return &RunError{
		Message:   bug.Error(),
		Traceback: string(bug.stack),
		cause:     fmt.Errorf("%w: %w", ErrUnusable, bug),
	}
}

func (m *machine) errorOf(L, th *lua.LState, value lua.LValue) error {
	e := &RunError{Value: value, Message: m.errorText(value)}
	th.Parent = L
	e.Traceback = Traceback(th, 0)
	th.Parent = nil
	if err := done(L); err != nil {
		e.Timeout, e.cause = true, err
	}
	return e
}

// errorText never calls Lua code: it may be what failed.
func (m *machine) errorText(value lua.LValue) string {
	switch value := value.(type) {
	case lua.LString:
		return string(value)
	case lua.LNumber:
		return formatNumber(value)
	case *lua.LUserData:
		if err, ok := value.Value.(error); ok {
			return err.Error()
		}
	}
	return fmt.Sprintf("(error object is a %s value)", typeName(m.main, value))
}

// IsTimeout says that the error comes from the end of a context.
func IsTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
