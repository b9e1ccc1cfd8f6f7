// Package aaa is the Lua module kumo.aaa: access control lists as objects, and what
// a policy can ask and set about who may do what.
//
// It decides nothing and runs no handler: that is done by internal/access and
// lua/policy, which hands both in as a Process. Its data comes from calls out of
// Lua and goes there.
package aaa

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/internal/acctlog"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// Process is what the functions of one policy act on. Its fields are set before
// the first state is opened. The functions are called in the goroutine of the
// state that is given.
type Process struct {
	// Engine has what is remembered of lists and decisions.
	Engine *access.Engine
	// Query decides for a handler.
	Query func(L *lua.LState, q access.Query) (access.Decision, error)
	// ConfigureLog takes note of the accounting log that the policy asks for.
	ConfigureLog func(L *lua.LState, c acctlog.Config) error
}

// Modules describes the functions.
func (p *Process) Modules() []spec.Module {
	return []spec.Module{{
		Name: "kumo.aaa",
		Doc:  "Who may do what on the HTTP listeners: access control lists, and the log of logins and decisions.",
		Functions: []spec.Function{
			makeList(), loadMap(), p.fallBack(),
			p.lifetime("set_acl_cache_ttl", "what get_acl_definition has returned", func(e *access.Engine) setter { return e.SetDefinitionTTL }),
			p.lifetime("set_check_cache_ttl", "a decision", func(e *access.Engine) setter { return e.SetDecisionTTL }),
			makeResource(), p.query(), p.configureLog(),
		},
		Classes: []spec.Class{
			{Name: listName, Doc: "An access control list: what get_acl_definition returns. kumo.memoize can keep it."},
			mapClass(),
			{Name: resourceName, Doc: "What access is asked for."},
			decisionClass(),
		},
	}}
}
