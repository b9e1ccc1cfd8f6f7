package memo

import (
	"context"
	"errors"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const function = "kumo.memoize"

// defaultPopulateTimeout is KumoMTA's.
const defaultPopulateTimeout = 2 * time.Minute

// Module is kumo.memoize.
func (m *Memo) Module() spec.Module {
	return spec.Module{
		Name: "kumo",
		Doc:  "Caches of function results, shared by all Lua states.",
		Functions: []spec.Function{{
			Name: "memoize",
			Params: []spec.Param{
				{Name: "fn", Type: "function", Doc: "what computes a result that is not in the cache"},
				{Name: "params", Type: "table", Doc: "name, ttl and capacity, which are required; invalidate_with_epoch, populate_timeout (2 minutes), retry_on_populate_timeout, allow_stale_reads"},
			},
			Results: []spec.Result{{Type: "function", Doc: "fn with a cache in front of it"}},
			Doc: "Remembers what fn returned for the same arguments, for ttl and up to capacity results. All states share the cache of a name; other params under the same name begin an empty one. " +
				"While one caller runs fn, others with the same arguments wait for it, no longer than populate_timeout, and share its result or its error; with retry_on_populate_timeout they then run fn themselves. Errors are not kept. " +
				"With allow_stale_reads they get the old result instead of waiting. With invalidate_with_epoch results end with the configuration they were computed under. " +
				"Arguments and results are nil, booleans, numbers, strings and tables of these; results may also be objects that can be shared, such as address maps. Every caller gets a copy. Several results come as one list. " +
				"It raises when the arguments or results cannot be kept, when fn asks for the very result it computes, and when more than 64 such functions run inside one another.",
			Call: m.memoize,
		}},
	}
}

func (m *Memo) memoize(e *spec.Env, L *lua.LState) int {
	fn := L.CheckFunction(1)
	o := call.Table(L, 2, function, "name", "ttl", "capacity", "invalidate_with_epoch",
		"retry_on_populate_timeout", "populate_timeout", "allow_stale_reads")
	if !o.Has("ttl") {
		o.Fail("ttl", "expected a duration")
	}
	p := params{
		name:            o.Name("name"),
		ttl:             o.Duration("ttl", 0),
		capacity:        o.Int("capacity", 1, MaxCapacity, 0),
		withEpoch:       o.Bool("invalidate_with_epoch"),
		retryOnTimeout:  o.Bool("retry_on_populate_timeout"),
		populateTimeout: o.Duration("populate_timeout", defaultPopulateTimeout),
		stale:           o.Bool("allow_stale_reads"),
	}
	if p.capacity == 0 {
		o.Fail("capacity", "expected a whole number from 1 to %d", MaxCapacity)
	}
	if err := m.define(p); err != nil {
		o.Fail("name", "'%s': %s", p.name, err)
	}
	memoized := &memoized{memo: m, env: e, name: p.name, fn: fn}
	L.Push(L.NewFunction(memoized.call))
	return 1
}

// memoized is the function that memoize returned, in its state.
type memoized struct {
	memo *Memo
	env  *spec.Env
	name string
	fn   *lua.LFunction
}

// call is one call of it from Lua.
func (f *memoized) call(L *lua.LState) int {
	c := f.memo.cache(f.name)
	k := f.key(L, c)
	f.memo.counted(c)
	ctx := call.Context(L)
	for {
		a, err := c.look(k, f.env, time.Now())
		switch {
		case err != nil:
			return f.raise(L, err)
		case a.hit:
			L.Push(value.FromGo(L, a.value))
			return 1
		case a.run != nil:
			L.Push(value.FromGo(L, f.run(L, c, k, a.run)))
			return 1
		}
		err = c.wait(ctx, a.flight, f.env)
		switch {
		case errors.Is(err, errPopulate) && c.params.retryOnTimeout:
			c.drop(k, a.flight)
		case err != nil:
			return f.raise(L, err)
		case a.flight.err != nil:
			return f.raise(L, a.flight.err)
		case !a.flight.again:
			L.Push(value.FromGo(L, a.flight.value))
			return 1
		}
	}
}

func (m *Memo) counted(c *cache) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.count.Lookups++
}

func (f *memoized) raise(L *lua.LState, err error) int {
	L.RaiseError("%s '%s': %s", function, f.name, err)
	return 0
}

// key is that of the arguments on the stack.
func (f *memoized) key(L *lua.LState, c *cache) key {
	args := make([]any, L.GetTop())
	for i := range args {
		arg, err := value.ToGo(L.Get(i + 1))
		if err != nil {
			f.raise(L, fmt.Errorf("argument %d cannot be part of a key: %w", i+1, err))
		}
		args[i] = arg
	}
	var epoch uint64
	if c.params.withEpoch {
		epoch = f.memo.epoch()
	}
	return keyOf(epoch, args)
}

// run runs the function in the state of its caller. However it ends, the flight
// lands: an error goes on up in this state as it is, and its text to those who
// wait, unless it was the end of this caller's own time.
func (f *memoized) run(L *lua.LState, c *cache, k key, flight *flight) any {
	outer := L.Context()
	ctx, cancel := context.WithTimeout(call.Context(L), c.params.populateTimeout)
	L.SetContext(ctx)
	defer func() {
		cancel()
		if outer == nil {
			L.RemoveContext()
		} else {
			L.SetContext(outer)
		}
		if r := recover(); r != nil {
			flight.again = call.Context(L).Err() != nil
			flight.err = fmt.Errorf("the function raised: %s", textOf(r))
			if flight.again {
				flight.err = nil
			}
			c.land(k, flight, time.Now())
			panic(r)
		}
		c.land(k, flight, time.Now())
	}()
	flight.value = f.results(L)
	return flight.value
}

// results calls the function with the arguments on the stack.
func (f *memoized) results(L *lua.LState) any {
	n := L.GetTop()
	L.Push(f.fn)
	for i := range n {
		L.Push(L.Get(i + 1))
	}
	L.Call(n, lua.MultRet)
	all := make([]any, L.GetTop()-n)
	for i := range all {
		v, err := value.Share(L.Get(n + i + 1))
		if err != nil {
			f.raise(L, fmt.Errorf("the result cannot be kept: %w", err))
		}
		all[i] = v
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// textOf is what was raised, as a text that no state owns.
func textOf(r any) string {
	if raised, ok := r.(*lua.ApiError); ok && raised.Object != nil {
		return raised.Object.String()
	}
	return call.ErrPanic.Error()
}
