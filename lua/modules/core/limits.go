package core

import (
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// longestAge is how long a state may be kept at most, in seconds: longer than
// anybody waits, and far from what a duration holds.
const longestAge = 365 * 24 * 3600

func (p *Process) limitFunctions() []spec.Function {
	return []spec.Function{
		limit("set_max_spare_lua_contexts", "count", 0, math.MaxInt32, p.Limits.SetMaxSpare,
			"Bounds how many Lua states of each kind are kept for later calls. Default 8192, but never more than may run at once."),
		limit("set_max_lua_context_use_count", "count", 1, math.MaxInt32, p.Limits.SetMaxUses,
			"Bounds how many calls a Lua state serves before another is built. Default 1024."),
		limit("set_max_lua_context_age", "seconds", 0, longestAge,
			func(n int64) { p.Limits.SetMaxAge(time.Duration(n) * time.Second) },
			"Bounds for how long a Lua state is used. Default 300 seconds."),
		limit("set_lua_gc_on_put", "percent", 0, 100, p.Limits.SetGCOnPut,
			"The chance that garbage is collected when a Lua state has served a call. Default 0. Garbage is the process's "+
				"and not a state's, so it is collected at most once a second."),
	}
}

// limit is a function that takes one whole number of a range.
func limit(name, param string, low, high int64, set func(int64), doc string) spec.Function {
	return spec.Function{
		Name:   name,
		Params: []spec.Param{{Name: param, Type: "integer"}},
		Doc:    doc,
		Call: func(_ *spec.Env, L *lua.LState) int {
			n, ok := L.Get(1).(lua.LNumber)
			if f := float64(n); !ok || f != math.Trunc(f) || f < float64(low) || f > float64(high) {
				shown := L.Get(1).Type().String()
				if ok {
					shown = n.String()
				}
				L.RaiseError("kumo.%s: expected a whole number between %d and %d, got %s", name, low, high, shown)
			}
			set(int64(n))
			return 0
		},
	}
}

func validationFailed() spec.Function {
	return spec.Function{
		Name: "validation_failed",
		Doc:  "Does nothing: a policy is wrong exactly when it raises an error. It is here for policies written for KumoMTA.",
		Call: func(*spec.Env, *lua.LState) int { return 0 },
	}
}
