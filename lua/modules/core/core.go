// Package core has the functions of the module kumo that are about the daemon
// itself: its log, its version, how long Lua states are kept, which files are
// watched.
//
// It registers no handler, starts no listener and builds no state: that is
// lua/policy, which opens this module beside its own. What the functions act on
// is a Process, shared by all states of one policy.
package core

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/pool"
	"github.com/troupe-proxy/troupe/lua/value"
)

// Process is what the functions act on. Its fields are set before the first
// state is opened and not changed afterwards; what they point to may be used by
// several states at once.
type Process struct {
	// Limits are those of the pools that the policy's states live in.
	Limits *pool.Limits
	// Globs are the files that a change of which is to be noticed.
	Globs *Globs
	// SetLogFilter changes what the log shows. Nil: the function is refused.
	SetLogFilter func(filter string) error
	// Figures are the metrics of the daemon as plain values, in the shape of
	// /metrics.json. Nil: the function is refused.
	Figures func(ctx context.Context) (any, error)
	// Bump makes states be built anew.
	Bump func()
}

// Modules describes the functions.
func (p *Process) Modules() []spec.Module {
	m := spec.Module{
		Name:    "kumo",
		Doc:     "The daemon itself: log, limits of Lua states, files to watch.",
		Refused: map[string]string{},
	}
	m.Functions = append(m.Functions, logFunctions()...)
	m.Functions = append(m.Functions, p.limitFunctions()...)
	m.Functions = append(m.Functions, p.globFunctions()...)
	m.Functions = append(m.Functions, traceback(), validationFailed())
	m.Functions = append(m.Functions, spec.Function{
		Name: "bump_config_epoch",
		Doc: "Has every Lua state built anew before its next use: what handlers kept in variables is forgotten. " +
			"The text of the policy stays the one that was loaded; to load it anew is a reload.",
		Call: func(*spec.Env, *lua.LState) int { p.Bump(); return 0 },
	})
	const alone = "this program has no daemon around it"
	if p.SetLogFilter != nil {
		m.Functions = append(m.Functions, p.setLogFilter())
	} else {
		m.Refused["set_diagnostic_log_filter"] = alone
	}
	if p.Figures != nil {
		m.Functions = append(m.Functions, p.figures())
	} else {
		m.Refused["prometheus_metrics"] = alone
	}
	return []spec.Module{m}
}

func (p *Process) setLogFilter() spec.Function {
	return spec.Function{
		Name:   "set_diagnostic_log_filter",
		Params: []spec.Param{{Name: "filter", Type: "string", Doc: "Targets and levels, such as 'info,lua=debug'."}},
		Doc:    "Changes what the diagnostic log shows, from now on. Raises when the filter cannot be read.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			if err := p.SetLogFilter(L.CheckString(1)); err != nil {
				L.RaiseError("kumo.set_diagnostic_log_filter: %s", err)
			}
			return 0
		},
	}
}

func (p *Process) figures() spec.Function {
	return spec.Function{
		Name:    "prometheus_metrics",
		Results: []spec.Result{{Type: "table<string, any>", Doc: "As /metrics.json has it, by the name of the family."}},
		Doc:     "The metrics of the daemon. It is meant for tests and for finding mistakes.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			figures, err := p.Figures(contextOf(L))
			if err != nil {
				L.RaiseError("kumo.prometheus_metrics: %s", err)
			}
			L.Push(value.FromGo(L, figures))
			return 1
		},
	}
}

func contextOf(L *lua.LState) context.Context {
	if ctx := L.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
