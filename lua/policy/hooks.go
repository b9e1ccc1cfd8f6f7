package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/accesslog"
	"github.com/troupe-proxy/troupe/internal/acctlog"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// HookLimits bound what calls of handlers may cost. Zero values are the defaults.
type HookLimits struct {
	// States is how many calls may run at once. Default 64.
	States int
	// Wait is how long a call waits for its turn. Default 2 s.
	Wait time.Duration
	// Deadline bounds one call. Default 5 s.
	Deadline time.Duration
	// HeapBudget is by how many bytes the heap may grow during a call that takes
	// longer than some milliseconds, and during the load of the policy. Default 256 MiB.
	HeapBudget uint64
}

func (l HookLimits) withDefaults() HookLimits {
	return HookLimits{
		States:     cmp.Or(l.States, 64),
		Wait:       cmp.Or(l.Wait, 2*time.Second),
		Deadline:   cmp.Or(l.Deadline, 5*time.Second),
		HeapBudget: cmp.Or(l.HeapBudget, pool.DefaultHeapBudget),
	}
}

// How many calls of the lesser kinds may run at once.
const (
	nestedStates  = 16 // handlers that ask other handlers
	sessionStates = 2
	mostTasks     = 64
)

// Hooks calls the handlers that a policy has registered, for callers that know no
// Lua. Each call runs in a Lua state of its own, under a deadline. Its methods may
// be called from any goroutine, and those of a nil *Hooks, the policy of the
// command line, find no handler.
type Hooks struct {
	program *program
	events  map[string]struct{} // not changed once the policy is loaded
	acctLog *acctlog.Config     // nor is this; nil: the policy asks for none
	// accessLog neither; nil: the policy asks for none.
	accessLog *accesslog.Config
	limits    HookLimits

	socks  *pool.Pool[*state] // what clients wait for
	nested *pool.Pool[*state] // what handlers wait for, so that they never wait for themselves
	http   httpHooks
	tasks  tasks
	ends   sessionEnds
}

func newHooks(p *program) *Hooks {
	h := &Hooks{program: p, limits: p.options.Hooks.withDefaults()}
	h.socks = h.pool(h.limits.States)
	h.nested = h.pool(nestedStates)
	h.http = newHTTPHooks(h)
	h.tasks.open(h)
	h.ends.open(h)
	return h
}

// pool is one for calls that somebody waits for.
func (h *Hooks) pool(size int) *pool.Pool[*state] {
	return pool.New(pool.Options[*state]{
		Build: h.program.build, Close: (*state).close,
		Size: size, Wait: h.limits.Wait, Deadline: h.limits.Deadline, HeapBudget: h.limits.HeapBudget,
		Limits: h.program.process.Limits, Meter: h.program.options.Meter,
	})
}

// register notes which events have a handler.
func (h *Hooks) register(handlers map[string]handler) {
	events := make(map[string]struct{}, len(handlers))
	for event := range handlers {
		events[event] = struct{}{}
	}
	h.events = events
}

// Has says whether the policy has a handler for an event.
func (h *Hooks) Has(event string) bool {
	if h == nil {
		return false
	}
	_, ok := h.events[event]
	return ok
}

// Patience is how long a call of Authenticate or Request may take at most.
func (h *Hooks) Patience() time.Duration {
	if h == nil {
		return 0
	}
	return h.socks.Patience()
}

// Epoch is the number that Start and Bump raise.
func (h *Hooks) Epoch() uint64 {
	if h == nil {
		return 0
	}
	return h.program.options.Epoch.Load()
}

// Start begins the tasks that the policy asked for with kumo.spawn_task while it
// was loaded, and the logs that it asked for, or ends those of the policy before. It is called once the policy is in force; one that is only checked
// starts nothing.
func (h *Hooks) Start() {
	if h != nil {
		h.program.options.Epoch.Add(1)
		h.program.options.AcctLog.Configure(h.acctLog)
		h.program.options.AccessLog.Configure(h.accessLog)
		h.tasks.start()
	}
}

// Bump raises the epoch and has all Lua states built anew before their next use.
func (h *Hooks) Bump() {
	if h == nil {
		return
	}
	h.program.options.Epoch.Add(1)
	h.socks.Bump()
	h.nested.Bump()
	h.http.pool.Bump()
	h.ends.pool.Bump()
}

// Close ends the hooks: further calls are refused with pool.ErrClosed, those that
// run come to their end, tasks are cancelled, ends of sessions that wait are still
// told for some seconds. It waits for all of that, at most as long as two calls
// may take, and leaves no goroutine but that of a call which does not return. It
// may be called again.
func (h *Hooks) Close() {
	if h == nil {
		return
	}
	h.tasks.close()
	h.ends.close()
	h.socks.Close()
	h.http.pool.Close()
	h.nested.Close()
	if p := h.program; p.services != p.options.Services {
		if err := p.services.Close(); err != nil {
			h.logFailure("what the policy had open could not be closed", err)
		}
	}
}

// ErrHook is what every failed call of a handler is, for errors.Is: it raised an
// error, returned something else than it should, took too long, or no Lua state
// was free. It says nothing about who asked.
var ErrHook = errors.New("the policy gave no answer")

// HookError is the error of a failed call. It unwraps to ErrHook and to its cause,
// such as pool.ErrBusy, pool.ErrDeadline, or an Errors with the place in the policy.
type HookError struct {
	Event string
	Err   error
}

func (e *HookError) Error() string { return fmt.Sprintf("%s: %v", e.Event, e.Err) }

// Unwrap gives ErrHook and the cause.
func (e *HookError) Unwrap() []error { return []error{ErrHook, e.Err} }

// ErrAnswer is what a HookError is, for errors.Is, when the handler returned
// something else than it should: nothing, or a value of the wrong type. Unlike a
// failure this is the handler's own word, and it vouches for nobody.
var ErrAnswer = errors.New("the answer of the policy is none")

// errAnswer: the call succeeded and its answer is no good.
type errAnswer struct{ message string }

func (e *errAnswer) Error() string { return e.message }

func (e *errAnswer) Unwrap() error { return ErrAnswer }

// query is one call of a handler: how its arguments are made and its first result
// read, both in the goroutine of the call.
type query struct {
	event string
	args  func(L *lua.LState) []lua.LValue
	read  func(v lua.LValue) error
}

// ask calls a handler with one result. An answer that read refuses leaves the
// state as good as it was, so that a client cannot make states be built.
func (h *Hooks) ask(ctx context.Context, p *pool.Pool[*state], q query) error {
	var refused error
	err := p.Do(ctx, q.event, func(ctx context.Context, s *state) error {
		results, errs := s.handle(ctx, q.event, 1, q.args(s.L)...)
		if errs != nil {
			return errs
		}
		refused = q.read(results[0])
		return nil
	})
	if err == nil {
		// Only now: a call that was given up may still be writing.
		err = refused
	}
	if err != nil {
		return &HookError{Event: q.event, Err: err}
	}
	return nil
}

// logFailure tells the operator of a failed call for which nobody waits.
func (h *Hooks) logFailure(what string, err error) {
	h.program.log.LogAttrs(context.Background(), slog.LevelError, what, slog.Any("error", err))
}

// group waits for goroutines, no longer than it is told to.
type group struct{ sync.WaitGroup }

// waitFor reports whether all have ended in time.
func (g *group) waitFor(d time.Duration) bool {
	done := make(chan struct{})
	go func() { g.Wait(); close(done) }()
	patience := time.NewTimer(d)
	defer patience.Stop()
	select {
	case <-done:
		return true
	case <-patience.C:
		return false
	}
}
