package policy

import (
	"context"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/keysource"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

// event runs the handler of an event for another handler, or for a key source,
// and returns what that returned.
func (h *Hooks) event(ctx context.Context, name string, args []any) ([]any, error) {
	if !h.Has(name) {
		return nil, spec.ErrNoHandler
	}
	var results []any
	err := h.nested.Do(ctx, name, func(ctx context.Context, s *state) error {
		values, errs := s.fromGo(ctx, args)
		if errs != nil {
			return errs
		}
		returned, errs := s.handle(ctx, name, 1, values...)
		if errs != nil {
			return errs
		}
		first, err := value.ToGo(returned[0])
		results = []any{first}
		return err
	})
	if err != nil {
		return nil, &HookError{Event: name, Err: err}
	}
	return results, nil
}

// fromGo makes Lua values of plain ones.
func (s *state) fromGo(ctx context.Context, args []any) ([]lua.LValue, Errors) {
	// A conversion that fails raises, so it is done in a function that Lua calls.
	values := make([]lua.LValue, len(args))
	_, errs := s.run(ctx, "", s.L.NewFunction(func(L *lua.LState) int {
		for i, a := range args {
			values[i] = value.FromGo(L, a)
		}
		return 0
	}), 0)
	return values, errs
}

// key reads a key source that a function was given. The error never holds the key.
func (h *Hooks) key(ctx context.Context, _ *lua.LState, v lua.LValue) ([]byte, error) {
	source, err := keySource(v)
	if err != nil {
		return nil, fmt.Errorf("expected %s, got %w", keySourceForm, err)
	}
	return h.loader().Load(ctx, source)
}

// loader reads key sources, those with events too.
func (h *Hooks) loader() *keysource.Loader { return &keysource.Loader{Event: h.event} }
