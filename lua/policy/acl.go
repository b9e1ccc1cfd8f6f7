package policy

import (
	"context"
	"errors"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/internal/acctlog"
	"github.com/troupe-proxy/troupe/lua/modules/aaa"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// aclEvent is asked for the access control list of a resource.
const aclEvent = "get_acl_definition"

// EventACL is the event of Authorize, for Has.
const EventACL = aclEvent

// severalHandlers are the events that may have more than one handler.
func severalHandlers() []string { return []string{aclEvent} }

// Authorize says whether somebody may do something on an HTTP listener, by the
// policy's access control lists and the built-in ones. What was decided is
// remembered for a while. The error is a *HookError: the policy has not decided,
// and nothing is allowed. The accounting log is told of decisions.
func (h *Hooks) Authorize(ctx context.Context, q access.Query) (access.Decision, error) {
	if h == nil {
		return access.NewEngine(nil).Decide(ctx, q, nil)
	}
	d, err := h.program.access.Decide(ctx, q, h.define(h.http.pool))
	if err == nil {
		h.acct().Authorization(acctlog.Authorization{Query: q, Decision: d})
	}
	return d, err
}

// define asks for lists in states of a pool; nil when nobody is there to ask.
func (h *Hooks) define(p *pool.Pool[*state]) access.Define {
	if !h.Has(aclEvent) {
		return nil
	}
	return func(ctx context.Context, resource string) (*access.List, error) {
		var list *access.List
		var refused error
		err := p.Do(ctx, aclEvent, func(ctx context.Context, s *state) error {
			v, errs := s.firstAnswer(ctx, aclEvent, lua.LString(resource))
			if errs != nil {
				return errs
			}
			list, refused = listAnswer(v)
			return nil
		})
		if err == nil {
			err = refused // only now: a call that was given up may still be writing
		}
		if err != nil {
			return nil, &HookError{Event: aclEvent, Err: err}
		}
		return list, nil
	}
}

func listAnswer(v lua.LValue) (*access.List, error) {
	if v == lua.LNil {
		return nil, nil
	}
	if list, ok := aaa.ListOf(v); ok {
		return list, nil
	}
	return nil, &errAnswer{"expected an access control list or nil, got " + v.Type().String()}
}

// firstAnswer calls the handlers of an event one after the other until one returns
// a value; nil is a value.
func (s *state) firstAnswer(ctx context.Context, event string, args ...lua.LValue) (lua.LValue, Errors) {
	first, ok := s.handlers[event]
	if !ok {
		_, errs := s.handle(ctx, event, 0) // which says what is wrong
		return lua.LNil, errs
	}
	for _, h := range slices.Concat([]handler{first}, first.further) {
		results, errs := s.run(ctx, event, h.function, lua.MultRet, args...)
		if errs != nil {
			return lua.LNil, errs
		}
		if len(results) > 0 {
			return results[0], nil
		}
	}
	return lua.LNil, nil
}

// The errors of kumo.aaa.query_resource_access where it would ask itself.
var (
	errAskAtTop = errors.New("called at the top level of the policy; call it in a handler")
	errAskSelf  = errors.New("called in the " + aclEvent + " handler, which it would ask")
)

// queryAccess is kumo.aaa.query_resource_access. Handlers wait in it, so it has
// the states of those that ask others.
func (h *Hooks) queryAccess(L *lua.LState, q access.Query) (access.Decision, error) {
	s := stateOf(L)
	switch s.event {
	case "":
		return access.Decision{}, errAskAtTop
	case aclEvent:
		return access.Decision{}, errAskSelf
	}
	return h.program.access.Decide(s.ctx, q, h.define(h.nested))
}

// aaa is the module kumo.aaa of this program. Its hooks are made after it.
func (p *program) aaa() *aaa.Process {
	return &aaa.Process{
		Engine:       p.access,
		Query:        func(L *lua.LState, q access.Query) (access.Decision, error) { return p.hooks.queryAccess(L, q) },
		ConfigureLog: configureLog,
	}
}
