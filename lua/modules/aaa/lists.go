package aaa

import (
	"context"
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

// raise raises err as the error of a function. It does not return; the result is
// for the caller's return statement.
func raise(L *lua.LState, function string, err error) int {
	L.RaiseError("kumo.aaa.%s: %s", function, err)
	return 0
}

func makeList() spec.Function {
	const name = "make_access_control_list"
	return spec.Function{
		Name: name,
		Params: []spec.Param{{Name: "rules", Type: "table[]", Doc: "rules, each with criteria, privilege (such as 'GET') and " +
			"access ('Allow' or 'Deny')"}},
		Results: []spec.Result{{Type: listName, Doc: "the list"}},
		Doc: "Makes an access control list for get_acl_definition to return. The first rule decides whose criteria hold and whose " +
			"privilege is the one asked for. Criteria are { Identity = ... }, { AllOf = { ... } }, { AnyOf = { ... } } and { Not = ... }; " +
			"an identity is { Individual = name }, { Group = name }, { Machine = ip }, { MachineSet = { networks } }, " +
			"'Any', 'Authenticated' or 'Unauthenticated'. An identity may also stand alone for a criterion, and { Any = {} } for 'Any'. " +
			"Raises all that is wrong with the rules.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			plain, err := value.ToGo(L.Get(1))
			if err != nil {
				return raise(L, name, err)
			}
			l, err := access.ParseRules(plain)
			if err != nil {
				return raise(L, name, err)
			}
			L.Push(list{l}.ToLua(L))
			return 1
		},
	}
}

func loadMap() spec.Function {
	const name = "load_acl_map"
	return spec.Function{
		Name:    name,
		Params:  []spec.Param{{Name: "source", Type: "string|table", Doc: "a file name, or another key source such as { key_data = text }"}},
		Results: []spec.Result{{Type: mapName, Doc: "the lists of the file; kumo.memoize can keep it"}},
		Doc: "Reads access control lists from TOML of at most 256 KiB: tables [[acl.\"resource\"]], each with allow, privileges, and identity " +
			"or criteria. Raises all that is wrong with them, with the lines.",
		Call: func(e *spec.Env, L *lua.LState) int {
			ctx := L.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			text, err := e.Key(ctx, L, L.Get(1))
			if err != nil {
				return raise(L, name, err)
			}
			file, isFile := L.Get(1).(lua.LString)
			if !isFile {
				file = "the text"
			}
			m, err := access.ParseMap(string(file), text)
			if err != nil {
				return raise(L, name, err)
			}
			L.Push(listMap{m}.ToLua(L))
			return 1
		},
	}
}

func mapClass() spec.Class {
	return spec.Class{Name: mapName, Doc: "Access control lists by resource.", Methods: []spec.Function{{
		Name:    "get",
		Params:  []spec.Param{{Name: "resource", Type: "string", Doc: "the name of a resource, as get_acl_definition is given it"}},
		Results: []spec.Result{{Type: listName + "?", Doc: "its list, or nil"}},
		Doc:     "The list of a resource.",
		Call:    getList,
	}}}
}

func getList(_ *spec.Env, L *lua.LState) int {
	m, ok := unwrap[listMap](L.Get(1))
	if !ok {
		L.RaiseError("%s:get: expected its object as first argument, got %s; a method is called with a colon", mapName, L.Get(1).Type())
	}
	if l := m.Get(L.CheckString(2)); l != nil {
		L.Push(list{l}.ToLua(L))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

var errNoBool = errors.New("expected true or false")

func (p *Process) fallBack() spec.Function {
	const name = "set_fall_back_to_acl_map"
	return spec.Function{
		Name:   name,
		Params: []spec.Param{{Name: "on", Type: "boolean", Doc: "true unless it is called"}},
		Doc: "Whether the built-in access control lists stand for resources of which get_acl_definition returns none. " +
			"Where there is no such handler, they always do. Call it at the top level or in proxy_init.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			on, ok := L.Get(1).(lua.LBool)
			if !ok {
				return raise(L, name, errNoBool)
			}
			p.Engine.SetFallBack(bool(on))
			return 0
		},
	}
}

type setter func(time.Duration)

func (p *Process) lifetime(name, what string, of func(*access.Engine) setter) spec.Function {
	return spec.Function{
		Name:   name,
		Params: []spec.Param{{Name: "ttl", Type: "integer|string", Doc: "a duration, such as 30 or '5 minutes'; 0 remembers nothing"}},
		Doc: "For how long " + what + " is remembered, up to 24 hours; 5 minutes unless it is called. A reload and " +
			"kumo.bump_config_epoch forget it too. Call it at the top level or in proxy_init.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			ttl, err := duration.FromLua(L.Get(1))
			if err != nil {
				return raise(L, name, err)
			}
			if ttl > longestTTL {
				return raise(L, name, errLongTTL)
			}
			of(p.Engine)(ttl)
			return 0
		},
	}
}

// longestTTL: rights that were revoked must end some day.
const longestTTL = 24 * time.Hour

var errLongTTL = errors.New("expected at most 24 hours")
