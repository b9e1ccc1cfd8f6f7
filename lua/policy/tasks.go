package policy

import (
	"context"
	"fmt"
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/suggest"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/pool"
	"github.com/troupe-proxy/troupe/lua/value"
)

// tasks are the handlers that run beside everything else, asked for with
// kumo.spawn_task: one goroutine and one Lua state each, without a deadline.
type tasks struct {
	hooks *Hooks
	pool  *pool.Pool[*state]
	ctx   context.Context
	end   context.CancelFunc

	mu      sync.Mutex
	started bool
	closed  bool
	waiting []task // until start
	running group
}

// task is one call of kumo.spawn_task.
type task struct {
	event string
	args  any
}

func (t *tasks) open(h *Hooks) {
	t.hooks = h
	t.ctx, t.end = context.WithCancel(context.Background())
	once := pool.NewLimits()
	once.SetMaxUses(1)
	t.pool = pool.New(pool.Options[*state]{
		Build: h.program.build, Close: (*state).close,
		Size: mostTasks, Wait: -1, Deadline: -1, HeapBudget: h.limits.HeapBudget,
		Limits: once, Meter: h.program.options.Meter,
	})
}

// add takes a task, which begins now or with start.
func (t *tasks) add(one task) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return pool.ErrClosed
	case !t.started && len(t.waiting) >= mostTasks:
		return fmt.Errorf("more than %d tasks were asked for", mostTasks)
	case !t.started:
		t.waiting = append(t.waiting, one)
	default:
		t.running.Go(func() { t.run(one) })
	}
	return nil
}

func (t *tasks) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.started || t.closed {
		return
	}
	t.started = true
	for _, one := range t.waiting {
		t.running.Go(func() { t.run(one) })
	}
	t.waiting = nil
}

// run is the goroutine of a task. That nobody handles its event is known now only:
// when it is asked for, the policy may not have registered its handlers yet.
func (t *tasks) run(one task) {
	if !t.hooks.Has(one.event) {
		t.hooks.logFailure("a task of the policy failed", &HookError{Event: one.event, Err: spec.ErrNoHandler})
		return
	}
	err := t.pool.Do(t.ctx, one.event, func(ctx context.Context, s *state) error {
		args, errs := s.fromGo(ctx, []any{one.args})
		if errs == nil {
			_, errs = s.handle(ctx, one.event, 0, args...)
		}
		if errs != nil {
			return errs
		}
		return nil
	})
	if err != nil && t.ctx.Err() == nil {
		t.hooks.logFailure("a task of the policy failed", &HookError{Event: one.event, Err: err})
	}
}

func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.end()
	t.pool.Close()
	t.running.Wait() // soon: their calls have ended or were given up
}

func spawnFunction() spec.Function {
	return spec.Function{
		Name:   "spawn_task",
		Params: []spec.Param{{Name: "parameters", Type: "table", Doc: "event_name, and args, a list that the handler gets as its one argument."}},
		Doc: "Has the handler of an event run beside everything else, in a Lua state of its own and without a deadline. Its error " +
			"goes to the log, as does that the event has none. While the policy is loaded, tasks are noted, and begin once it is in force; at the top level, " +
			"which runs in each Lua state, that is done once for each load.",
		Call: within((*state).spawnTask),
	}
}

func (s *state) spawnTask(L *lua.LState) int {
	const function = "kumo.spawn_task"
	t, ok := L.Get(1).(*lua.LTable)
	if !ok {
		s.refuse(L, function, "expected a table such as { event_name = 'name', args = {} }, got "+describe(L.Get(1)))
	}
	known := []string{"event_name", "args"}
	for _, k := range sortedKeys(t) {
		if name, ok := k.(lua.LString); !ok || !slices.Contains(known, string(name)) {
			s.refuse(L, function, "unknown key "+quoteKey(k.String())+suggest.Hint(k.String(), known)+" (known keys: event_name, args)")
		}
	}
	event, ok := t.RawGetString("event_name").(lua.LString)
	if !ok {
		s.refuse(L, function, "event_name: expected the name of an event, got "+describe(t.RawGetString("event_name")))
	}
	if s.loading == nil && s.event == "" {
		return 0 // asked for by the load already
	}
	args, err := value.ToGo(t.RawGetString("args"))
	if err != nil {
		s.refuse(L, function, "args: "+err.Error())
	}
	if args == nil {
		args = []any{}
	}
	if err := s.program.hooks.tasks.add(task{event: string(event), args: args}); err != nil {
		s.refuse(L, function, err.Error())
	}
	return 0
}
