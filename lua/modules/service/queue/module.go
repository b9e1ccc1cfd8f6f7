// Package queue is kumo.mpsc: named queues through which Lua states pass values to
// one another.
//
// A queue lives in memory and ends with the process. What is in it belongs to no
// state; the receiver gets a copy. Whoever waits ends with the context of its
// state.
package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	// MaxQueues is how many names can be in use.
	MaxQueues = 1024
	// MaxLength is how many values a queue holds that was defined without a buffer:
	// KumoMTA's has no end but that of the memory.
	MaxLength = 1 << 16

	define = "kumo.mpsc.define"
	class  = "kumo.Queue"
)

// Queues are all the queues of a process. The methods may be called from any
// goroutine.
type Queues struct {
	mu     sync.Mutex
	queues map[string]*queue
}

// New has no queues yet.
func New() *Queues { return &Queues{queues: map[string]*queue{}} }

// define is the queue of a name; capacity counts when it is new.
func (s *Queues) define(name string, capacity int) (*queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues[name]
	switch {
	case ok:
		return q, nil
	case len(s.queues) >= MaxQueues:
		return nil, fmt.Errorf("more than %d queues are defined", MaxQueues)
	}
	q = newQueue(capacity)
	s.queues[name] = q
	return q, nil
}

// Close closes all queues: who waits for room gets an error, who waits for values
// gets nil.
func (s *Queues) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		q.close()
	}
}

// Module is kumo.mpsc.
func (s *Queues) Module() spec.Module {
	queues := classOf()
	return spec.Module{
		Name: "kumo.mpsc",
		Doc:  "Queues through which Lua states pass values to one another.",
		Functions: []spec.Function{{
			Name: "define",
			Params: []spec.Param{
				{Name: "name", Type: "string", Doc: "the name of the queue"},
				{Name: "buffer", Type: "integer?", Doc: "how many values it holds, 1 to 65536, which is also the default"},
			},
			Results: []spec.Result{{Type: class, Doc: "the queue of that name"}},
			Doc:     "The queue of a name, made by the first call; later ones get it as it is.",
			Call:    func(e *spec.Env, L *lua.LState) int { return s.open(e, L, queues) },
		}},
		Classes: []spec.Class{*queues},
	}
}

func classOf() *spec.Class {
	v := spec.Param{Name: "value", Type: "any", Doc: "plain data, or an object that can be shared"}
	one := []spec.Result{{Type: "any", Doc: "the value; nil when there is none"}}
	flag := []spec.Result{{Type: "boolean", Doc: "whether it is so"}}
	return &spec.Class{
		Name: class,
		Doc:  "A queue, first in, first out, for any number of senders and receivers.",
		Methods: []spec.Function{
			{Name: "send", Params: []spec.Param{v}, Doc: "Puts a value in, waiting for room. It raises when the queue is closed.", Call: send},
			{Name: "try_send", Params: []spec.Param{v}, Results: flag, Doc: "Puts a value in if there is room now; false if not.", Call: trySend},
			{Name: "send_timeout", Params: []spec.Param{v, {Name: "seconds", Type: "number", Doc: "how long to wait"}}, Doc: "As send, and raises when there is no room in time.", Call: sendTimeout},
			{Name: "recv", Results: one, Doc: "Takes a value out, waiting for one; nil when the queue is closed and empty.", Call: receive},
			{Name: "try_recv", Results: one, Doc: "Takes a value out if there is one now.", Call: tryReceive},
			{Name: "recv_many", Params: []spec.Param{{Name: "limit", Type: "integer", Doc: "1 to 65536"}}, Results: []spec.Result{{Type: "any[]", Doc: "the values; empty when the queue is closed and empty"}},
				Doc: "Takes up to limit values out, waiting for the first.", Call: receiveMany},
			{Name: "close", Doc: "Lets no more values in; those inside can still be taken.", Call: closeQueue},
			{Name: "is_closed", Results: flag, Doc: "Whether it is closed.", Call: isClosed},
			{Name: "is_empty", Results: flag, Doc: "Whether no value is inside.", Call: isEmpty},
			{Name: "len", Results: []spec.Result{{Type: "integer", Doc: "the number"}}, Doc: "How many values are inside.", Call: length},
		},
	}
}

func (s *Queues) open(e *spec.Env, L *lua.LState, class *spec.Class) int {
	name := L.CheckString(1)
	capacity := MaxLength
	if L.Get(2) != lua.LNil {
		capacity = within(L, define, 2)
	}
	q, err := s.define(name, capacity)
	if err != nil {
		return call.Raise(L, define, err)
	}
	L.Push(object.New(e, L, class, q))
	return 1
}

// within is argument n, a number of values.
func within(L *lua.LState, function string, n int) int {
	if count := L.CheckNumber(n); count >= 1 && count <= MaxLength && count == lua.LNumber(int(count)) {
		return int(count)
	}
	L.RaiseError("%s: expected a whole number from 1 to %d, got %s", function, MaxLength, L.Get(n))
	return 0
}

func self(L *lua.LState, method string) *queue { return object.Self[*queue](L, class+":"+method) }

// outgoing is the value to send, as no state owns it.
func outgoing(L *lua.LState, method string) any {
	v, err := value.Share(L.Get(2))
	if err != nil {
		call.Raise(L, class+":"+method, err)
	}
	return v
}

func send(_ *spec.Env, L *lua.LState) int {
	q := self(L, "send")
	if err := q.send(call.Context(L), outgoing(L, "send")); err != nil {
		return call.Raise(L, class+":send", err)
	}
	return 0
}

func trySend(_ *spec.Env, L *lua.LState) int {
	q := self(L, "try_send")
	_, err := q.trySend(outgoing(L, "try_send"))
	L.Push(lua.LBool(err == nil))
	return 1
}

func sendTimeout(_ *spec.Env, L *lua.LState) int {
	const method = class + ":send_timeout"
	q := self(L, "send_timeout")
	v := outgoing(L, "send_timeout")
	patience, err := duration.FromLua(L.CheckNumber(3))
	if err != nil {
		return call.Raise(L, method, err)
	}
	ctx, cancel := context.WithTimeoutCause(call.Context(L), patience, errFull)
	defer cancel()
	err = q.send(ctx, v)
	switch cause := context.Cause(ctx); {
	case err != nil && errors.Is(cause, errFull):
		return call.Raise(L, method, errFull)
	case err != nil:
		return call.Raise(L, method, err)
	}
	return 0
}

func receive(_ *spec.Env, L *lua.LState) int {
	values, err := self(L, "recv").receive(call.Context(L), 1)
	if err != nil {
		return call.Raise(L, class+":recv", err)
	}
	return pushFirst(L, values)
}

func tryReceive(_ *spec.Env, L *lua.LState) int {
	values, _, _ := self(L, "try_recv").tryReceive(1)
	return pushFirst(L, values)
}

func pushFirst(L *lua.LState, values []any) int {
	if len(values) == 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(value.FromGo(L, values[0]))
	return 1
}

func receiveMany(_ *spec.Env, L *lua.LState) int {
	q := self(L, "recv_many")
	values, err := q.receive(call.Context(L), within(L, class+":recv_many", 2))
	if err != nil {
		return call.Raise(L, class+":recv_many", err)
	}
	L.Push(value.FromGo(L, values))
	return 1
}

func closeQueue(_ *spec.Env, L *lua.LState) int {
	self(L, "close").close()
	return 0
}

func isClosed(_ *spec.Env, L *lua.LState) int {
	_, closed := self(L, "is_closed").state()
	L.Push(lua.LBool(closed))
	return 1
}

func isEmpty(_ *spec.Env, L *lua.LState) int {
	n, _ := self(L, "is_empty").state()
	L.Push(lua.LBool(n == 0))
	return 1
}

func length(_ *spec.Env, L *lua.LState) int {
	n, _ := self(L, "len").state()
	L.Push(lua.LNumber(n))
	return 1
}
