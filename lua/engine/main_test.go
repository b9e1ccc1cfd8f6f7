package engine

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mustState is a state that is closed with the test, and what print wrote.
func mustState(t testing.TB, o Options) (*lua.LState, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	if o.Stdout == nil {
		o.Stdout = &out
	}
	L := New(o)
	t.Cleanup(func() { Close(L) })
	return L, &out
}

func mustCompile(t testing.TB, L *lua.LState, source string) *lua.LFunction {
	t.Helper()
	chunk, err := compile("test", source)
	if err != nil {
		t.Fatal(err)
	}
	return L.NewFunctionFromProto(chunk)
}

// run runs a script and gives its results.
func run(t testing.TB, L *lua.LState, source string, args ...lua.LValue) ([]lua.LValue, error) {
	t.Helper()
	return Call(L, mustCompile(t, L, source), lua.MultRet, args...)
}

// mustTimeOut runs a script that must be ended by the deadline.
func mustTimeOut(t *testing.T, L *lua.LState, source string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	L.SetContext(ctx)
	_, err := run(t, L, source)
	L.RemoveContext()
	var failure *RunError
	if !errors.As(err, &failure) || !failure.Timeout || !errors.Is(err, context.DeadlineExceeded) || !IsTimeout(err) {
		t.Errorf("%s: got %v; want the deadline", source, err)
	}
}

// mustFail runs a script that must end in an error with that text.
func mustFail(t *testing.T, L *lua.LState, source, want string) {
	t.Helper()
	_, err := run(t, L, source)
	if err == nil || err.Error() != want {
		t.Errorf("%s: got %v; want %s", source, err, want)
	}
}
