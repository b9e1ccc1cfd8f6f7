package policy

import (
	"log/slog"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/suggest"
	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/modules/data"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// index lists all modules that the states of a load have.
func (p *program) index() *modules.Index {
	timers := data.Options{Timer: p.options.Meter.Timed}
	return modules.NewIndex(p.confine(slices.Concat(Modules(), p.process.Modules(), data.Modules(timers), p.services.Modules(), p.aaa().Modules())))
}

// openModules makes kumo and proxy available to require. They are no globals,
// as in KumoMTA, so that a policy written here runs there.
func (s *state) openModules() {
	s.L.G.Registry.RawSetString(stateKey, &lua.LUserData{Value: s, Metatable: lua.LNil})
	s.missed = s.program.modules.Open(s.L, s.env(), func(L *lua.LState, message string) { s.refuse(L, "", message) })
	kumo := s.L.GetField(s.L.GetField(s.L.GetGlobal("package"), "loaded"), "kumo").(*lua.LTable)
	kumo.RawSetString("version", lua.LString(s.program.options.Version))
}

// stateKey is where a Lua state has its state, in the registry, which no policy
// can reach.
const stateKey = "troupe.policy"

// stateOf is the state that a function of Modules was called in.
func stateOf(L *lua.LState) *state {
	return L.G.Registry.RawGetString(stateKey).(*lua.LUserData).Value.(*state)
}

// within makes a module's function of a method of the state.
func within(method func(*state, *lua.LState) int) func(*spec.Env, *lua.LState) int {
	return func(_ *spec.Env, L *lua.LState) int { return method(stateOf(L), L) }
}

// Modules describes the functions that act on the policy itself. They work in the
// states of this package alone.
func Modules() []spec.Module {
	listener := spec.Param{Name: "parameters", Type: "table", Doc: "What it listens on, and how it serves."}
	start := func(name, function string, keep func(*load, *decoder, *lua.LTable), doc string) spec.Function {
		return spec.Function{Name: name, Params: []spec.Param{listener}, Doc: doc, Call: within(starter(function, keep))}
	}
	const (
		socks   = "Starts a listener for SOCKS5 clients. Only in proxy_init. Raises all that is wrong with the parameters."
		forward = "Starts a listener for clients that say by a PROXY header, version 1 or 2, where they go and from which address, as MTAs do that speak to HAProxy. " +
			"KumoMTA has none like it. Only in proxy_init. Raises all that is wrong with the parameters."
		http = "Starts a listener for HTTP: metrics, status, administration. Only in proxy_init. Raises all that is wrong with the parameters."
	)
	return []spec.Module{{
		Name: "kumo",
		Doc:  "Handlers, and listeners by the names of earlier versions of KumoMTA.",
		Functions: []spec.Function{
			onFunction(), registrarsFunction(), spawnFunction(),
			start("start_proxy_listener", "kumo.start_proxy_listener", (*load).startListener, socks),
			start("start_proxy_http_listener", "kumo.start_proxy_http_listener", (*load).startHTTP, http),
		},
	}, {
		Name: "proxy",
		Doc:  "Listeners, the access log, and groups of destinations.",
		Functions: []spec.Function{
			start("start_proxy_listener", "proxy.start_proxy_listener", (*load).startListener, socks),
			start("start_forward_listener", "proxy.start_forward_listener", (*load).startForward, forward),
			start("start_http_listener", "proxy.start_http_listener", (*load).startHTTP, http),
			accessLogFunction(), groupsFunction(),
		},
	}}
}

func onFunction() spec.Function {
	return spec.Function{
		Name: "on",
		Params: []spec.Param{
			{Name: "event", Type: "string"},
			{Name: "handler", Type: "function"},
		},
		Doc: "Has the handler called at each event of that name. Only at the top level of the policy, which runs in each Lua " +
			"state. Raises when the event has a handler already, and says where; get_acl_definition may have several, which are asked in turn until one returns a value.",
		Call: within((*state).on),
	}
}

// on is kumo.on(name, function).
func (s *state) on(L *lua.LState) int {
	const function = "kumo.on"
	name, ok := L.Get(1).(lua.LString)
	if !ok {
		s.refuse(L, function, "expected the name of an event as the first argument, got "+describe(L.Get(1)))
	}
	f, ok := L.Get(2).(*lua.LFunction)
	if !ok {
		s.refuse(L, function, "expected a function as the second argument, got "+describe(L.Get(2)))
	}
	event := string(name)
	if s.event != "" {
		s.refuse(L, function, "called inside the "+s.event+" handler; register event "+quoteKey(event)+" at the top level of the policy")
	}
	first, taken := s.handlers[event]
	if taken && !slices.Contains(severalHandlers(), event) {
		s.refuse(L, function, "event "+quoteKey(event)+" already has a handler, registered at "+first.at.String())
	}
	at := s.caller(L)
	one := handler{function: f, at: at, stack: modules.Stack(L)}
	if taken {
		first.further = append(first.further, one)
		one = first
	}
	s.handlers[event] = one
	if s.loading != nil {
		s.warnMisspelt(event, at)
	}
	return 0
}

// warnMisspelt speaks up when an event that never happens looks like one that
// does. Any name is accepted, as in KumoMTA, so it is no error.
func (s *state) warnMisspelt(event string, at Position) {
	if slices.Contains(served(), event) {
		return
	}
	if clause := suggest.Hint(event, served()); clause != "" {
		s.program.log.LogAttrs(s.ctx, slog.LevelWarn, at.String()+": kumo.on: event "+quoteKey(event)+" never happens"+clause)
	}
}

func registrarsFunction() spec.Function {
	return spec.Function{
		Name:   "get_event_registrars",
		Params: []spec.Param{{Name: "event", Type: "string"}},
		Results: []spec.Result{{Type: "string[][]?",
			Doc: "For each handler the places, innermost first, that kumo.on was called from; nil when there is none."}},
		Doc:  "Says who registered the handlers of an event.",
		Call: within((*state).registrars),
	}
}

func (s *state) registrars(L *lua.LState) int {
	h, ok := s.handlers[L.CheckString(1)]
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	all := L.NewTable()
	for _, one := range slices.Concat([]handler{h}, h.further) {
		stack := L.NewTable()
		for _, place := range one.stack {
			stack.Append(lua.LString(place.String()))
		}
		all.Append(stack)
	}
	L.Push(all)
	return 1
}

// served are the events that happen by themselves.
func served() []string {
	return []string{proxyInit, authEvent, requestEvent, sessionEndEvent, basicEvent, bearerEvent, aclEvent}
}
