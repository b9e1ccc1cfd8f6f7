// Package luatest opens Lua states with modules in them, for tests.
package luatest

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/handle"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

// Patience is how long a test waits for what must happen.
const Patience = 20 * time.Second

// State is a Lua state of a test, with kumo, redis and sqlite as globals as far as
// the modules have them. It is used by one goroutine at a time.
type State struct {
	L   *lua.LState
	Env *spec.Env
}

// New opens a state, which the end of the test closes.
func New(t testing.TB, all ...spec.Module) *State {
	t.Helper()
	s := &State{L: lua.NewState(), Env: &spec.Env{
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Top: func() bool { return false },
	}}
	modules.Open(s.L, s.Env, all, nil)
	loaded := s.L.GetField(s.L.GetGlobal("package"), "loaded").(*lua.LTable)
	for _, name := range []string{"kumo", "redis", "sqlite"} {
		s.L.SetGlobal(name, loaded.RawGetString(name))
	}
	t.Cleanup(func() {
		if err := handle.CloseState(s.L); err != nil {
			t.Errorf("closing the state: %v", err)
		}
		s.L.Close()
	})
	return s
}

// Try runs code under a context and returns what the code returns, as plain Go.
func (s *State) Try(ctx context.Context, code string) ([]any, error) {
	s.L.SetContext(ctx)
	defer s.L.RemoveContext()
	fn, err := s.L.LoadString(code)
	if err != nil {
		return nil, err
	}
	top := s.L.GetTop()
	defer func() { s.L.SetTop(top) }()
	if err := s.L.CallByParam(lua.P{Fn: fn, NRet: lua.MultRet, Protect: true}); err != nil {
		return nil, err
	}
	var results []any
	for i := top + 1; i <= s.L.GetTop(); i++ {
		v, err := value.ToGo(s.L.Get(i))
		if err != nil {
			return nil, err
		}
		results = append(results, v)
	}
	return results, nil
}

// Must is Try where the code must not raise; it returns the first result.
func (s *State) Must(t testing.TB, code string) any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	results, err := s.Try(ctx, code)
	if err != nil {
		t.Fatalf("%s\nraised: %v", code, err)
	}
	if len(results) == 0 {
		return nil
	}
	return results[0]
}

// Raises checks that the code raises an error with want in it, and returns the
// text of the error.
func (s *State) Raises(t testing.TB, code, want string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	results, err := s.Try(ctx, code)
	if err == nil {
		t.Errorf("%s\ngot %v; want an error with %q", code, results, want)
		return ""
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%s\ngot %v; want an error with %q", code, err, want)
	}
	return err.Error()
}
