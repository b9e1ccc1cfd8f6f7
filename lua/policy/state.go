package policy

import (
	"context"
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/engine"
	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/modules/service"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// state is one Lua state with a policy in it. It is used by one goroutine at a
// time.
type state struct {
	program *program
	// loading is set in the state that a load runs in, where proxy_init starts
	// listeners. It is nil in those that serve hooks.
	loading  *load
	L        *lua.LState
	handlers map[string]handler
	// event is the event whose handler runs, empty at the top level of the file.
	event string
	// ctx is that of the call that runs.
	ctx context.Context
	// missed are the names that the policy has read and that no module has.
	missed *modules.Missed
	// raised is what one of our functions raised last, to know it again when it
	// comes back out of Lua as plain text.
	raised Errors
}

// handler is what kumo.on registered.
type handler struct {
	function *lua.LFunction
	at       Position
	stack    []modules.Place // of the call of kumo.on
	further  []handler       // of the same event, in the order of their registration
}

// newState makes a state in which nothing has run.
func (p *program) newState(loading *load) *state {
	s := &state{program: p, loading: loading, handlers: make(map[string]handler), ctx: context.Background()}
	s.L = engine.New(engine.Options{
		Stdout:     p.options.Stdout,
		SearchPath: searchPath(),
		Compile:    s.compileFile,
	})
	s.refuseHarm()
	s.confine()
	s.openRequire()
	s.openModules()
	return s
}

// close ends the state and what it has left open.
func (s *state) close() {
	if err := service.CloseState(s.L); err != nil {
		s.program.log.Debug("what a Lua state had left open could not be closed", slog.Any("error", err))
	}
	engine.Close(s.L)
}

// env is what the functions of this state may use.
func (s *state) env() *spec.Env {
	return &spec.Env{
		Log:   s.program.log,
		Key:   s.program.hooks.key,
		Event: s.program.hooks.event,
		Top:   func() bool { return s.event == "" },
	}
}

// runTop runs the file from top to bottom.
func (s *state) runTop(ctx context.Context) Errors {
	_, errs := s.run(ctx, "", s.L.NewFunctionFromProto(s.program.main), 0)
	return errs
}

// handle runs the handler of an event, which must have one, and gives nret results.
func (s *state) handle(ctx context.Context, event string, nret int, args ...lua.LValue) ([]lua.LValue, Errors) {
	h, ok := s.handlers[event]
	if !ok {
		return nil, Errors{fileError(s.program.name, "event "+quoteKey(event)+" has a handler in some Lua states of this policy "+
			"and not in others; register it at the top level, under no condition", spec.ErrNoHandler)}
	}
	return s.run(ctx, event, h.function, nret, args...)
}

// currentEvent is the global by which a policy can tell what runs, as in KumoMTA.
const currentEvent = "_KUMO_CURRENT_EVENT"

// run calls a function under a context.
func (s *state) run(ctx context.Context, event string, f *lua.LFunction, nret int, args ...lua.LValue) ([]lua.LValue, Errors) {
	s.ctx, s.event = ctx, event
	s.L.SetContext(ctx)
	if event != "" {
		s.L.SetGlobal(currentEvent, lua.LString(event))
	}
	results, failed := callLua(s.L, f, nret, args)
	if failed != nil {
		return nil, s.explain(failed)
	}
	return results, nil
}
