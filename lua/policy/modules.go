package policy

import (
	"log/slog"
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// openModules makes kumo and proxy available to require. They are no globals,
// as in KumoMTA, so that a policy written here runs there.
func (l *load) openModules(L *lua.LState) {
	modules := map[string]map[string]lua.LValue{
		"kumo": {
			"on":                        L.NewFunction(l.on),
			"log_error":                 l.logger(L, "kumo.log_error"),
			"log_warn":                  l.logger(L, "kumo.log_warn"),
			"log_info":                  l.logger(L, "kumo.log_info"),
			"log_debug":                 l.logger(L, "kumo.log_debug"),
			"version":                   lua.LString(l.options.Version),
			"start_proxy_listener":      l.starter(L, "kumo.start_proxy_listener", l.startListener),
			"start_proxy_http_listener": l.starter(L, "kumo.start_proxy_http_listener", l.startHTTP),
		},
		"proxy": {
			"start_proxy_listener": l.starter(L, "proxy.start_proxy_listener", l.startListener),
			"start_http_listener":  l.starter(L, "proxy.start_http_listener", l.startHTTP),
		},
	}
	loaded := L.GetField(L.GetGlobal("package"), "loaded")
	for name, fields := range modules {
		table := L.NewTable()
		for field, value := range fields {
			table.RawSetString(field, value)
		}
		meta := L.NewTable()
		meta.RawSetString("__index", L.NewFunction(l.missing(name, modules)))
		L.SetMetatable(table, meta)
		L.SetField(loaded, name, table)
	}
}

// missing refuses a field that a module does not have. Nil in its place would
// show up later and elsewhere, as "attempt to call a nil value".
func (l *load) missing(module string, modules map[string]map[string]lua.LValue) lua.LGFunction {
	return func(L *lua.LState) int {
		key, ok := L.Get(2).(lua.LString)
		if !ok {
			l.refuse(L, "", module+"["+describe(L.Get(2))+"] is not part of this version of Troupe")
		}
		field := string(key)
		clause := ""
		for _, other := range slices.Sorted(maps.Keys(modules)) {
			if _, has := modules[other][field]; has {
				clause = ", did you mean '" + other + "." + field + "'?"
			}
		}
		if near := closest(field, slices.Sorted(maps.Keys(modules[module]))); clause == "" && near != "" {
			clause = ", did you mean '" + module + "." + near + "'?"
		}
		l.refuse(L, "", module+"."+cut(field)+" is not part of this version of Troupe"+clause)
		return 0
	}
}

// on is kumo.on(name, function).
func (l *load) on(L *lua.LState) int {
	const function = "kumo.on"
	name, ok := L.Get(1).(lua.LString)
	if !ok {
		l.refuse(L, function, "expected the name of an event as the first argument, got "+describe(L.Get(1)))
	}
	f, ok := L.Get(2).(*lua.LFunction)
	if !ok {
		l.refuse(L, function, "expected a function as the second argument, got "+describe(L.Get(2)))
	}
	event := string(name)
	if l.event != "" {
		l.refuse(L, function, "called inside the "+l.event+" handler; register event "+quoteKey(event)+" at the top level of the policy")
	}
	if slices.Contains(notServed(), event) {
		l.refuse(L, function, "event '"+event+"' is not served by this version of Troupe")
	}
	if first, taken := l.handlers[event]; taken {
		l.refuse(L, function, "event "+quoteKey(event)+" already has a handler, registered at "+first.at.String())
	}
	at := l.caller(L)
	l.handlers[event] = handler{function: f, at: at}
	if event != proxyInit {
		l.warnMisspelt(event, at)
	}
	return 0
}

// warnMisspelt speaks up when an event that never happens looks like one that
// does. Any name is accepted, as in KumoMTA, so it is no error.
func (l *load) warnMisspelt(event string, at Position) {
	if clause := hint(event, append(notServed(), proxyInit)); clause != "" {
		l.log(slog.LevelWarn, at.String()+": kumo.on: event "+quoteKey(event)+" never happens"+clause)
	}
}

// notServed are the events that decide who may do what. To accept a handler for
// one and never call it would open what the policy means to close.
func notServed() []string {
	return []string{
		"proxy_server_auth_rfc1929", "http_server_validate_auth_basic",
		"http_server_validate_auth_bearer", "get_acl_definition",
	}
}
