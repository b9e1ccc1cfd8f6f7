// Package resolve is kumo.dns: questions to the domain name system.
//
// It asks the resolver of the operating system, or name servers and zones that the
// policy says, and remembers no answer: the resolver does, or kumo.memoize. Each
// question ends with the context of its state. The proxy's own connections are not
// resolved here.
package resolve

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	module       = "kumo.dns."
	maxResolvers = 256
)

// Resolvers are those of a process. The methods may be called from any goroutine.
type Resolvers struct {
	system resolver

	mu    sync.Mutex
	first resolver
	named map[string]resolver
}

// New has the resolver of the operating system.
func New() *Resolvers {
	s := system{&net.Resolver{}}
	return &Resolvers{system: s, first: s, named: map[string]resolver{}}
}

// resolver is the one that argument n names, or the default.
func (s *Resolvers) resolver(L *lua.LState, n int, function string) resolver {
	name := L.OptString(n, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" {
		return s.first
	}
	r, ok := s.named[name]
	if !ok {
		L.RaiseError("%s: no resolver '%s' is defined", module+function, name)
	}
	return r
}

func (s *Resolvers) define(name string, r resolver) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.named[name]; !ok && len(s.named) >= maxResolvers {
		return fmt.Errorf("more than %d resolvers are defined", maxResolvers)
	}
	s.named[name] = r
	return nil
}

// Module is kumo.dns.
func (s *Resolvers) Module() spec.Module {
	const otherwise = "it is not part of Troupe, which delivers no mail"
	return spec.Module{
		Name:      "kumo.dns",
		Doc:       "Questions to the domain name system. Nothing is remembered: put kumo.memoize before a question that is asked often.",
		Functions: append(s.lookups(), s.settings()...),
		Refused: map[string]string{
			"configure_unbound_resolver":          noUnbound,
			"configure_test_resolver":             "use configure_resolver with Test",
			"configure_test_mta_sts":              otherwise,
			"set_mta_sts_enabled":                 otherwise,
			"set_mx_concurrency_limit":            otherwise,
			"set_mx_timeout":                      "say timeout in the options of configure_resolver",
			"set_mx_negative_cache_ttl":           "nothing is remembered here; use kumo.memoize",
			"set_mx_transient_negative_cache_ttl": "nothing is remembered here; use kumo.memoize",
		},
	}
}

func (s *Resolvers) lookups() []spec.Function {
	domain := spec.Param{Name: "domain", Type: "string", Doc: "the name"}
	ip := spec.Param{Name: "ip", Type: "string", Doc: "an address, with a port or without"}
	named := spec.Param{Name: "resolver", Type: "string?", Doc: "the name of a resolver of define_resolver"}
	listed := []spec.Result{{Type: "string[]", Doc: "the answers"}}
	spelling := []spec.Result{{Type: "string", Doc: "the name"}}
	return []spec.Function{
		{Name: "lookup_mx", Params: []spec.Param{domain, named},
			Results: []spec.Result{{Type: "table", Doc: "hosts, by_pref, site_name, domain_name, is_mx, is_domain_literal"}},
			Doc:     "Where mail for a domain goes. It raises when the domain does not exist.", Call: s.lookupMX},
		{Name: "lookup_txt", Params: []spec.Param{domain, named}, Results: listed,
			Doc: "The TXT records of a name. It raises when the name does not exist.", Call: s.lookupTXT},
		{Name: "lookup_addr", Params: []spec.Param{domain, named, {Name: "strategy", Type: "string?", Doc: "Ipv4Only, Ipv6Only, Ipv4AndIpv6 (the default), Ipv4thenIpv6 or Ipv6thenIpv4"}}, Results: listed,
			Doc: "The addresses of a name. It raises when there are none.", Call: s.lookupAddr},
		{Name: "lookup_ptr", Params: []spec.Param{ip, named}, Results: listed,
			Doc: "The names of an address. It raises when there are none.", Call: s.lookupPTR},
		{Name: "rbl_lookup", Params: []spec.Param{ip, {Name: "zone", Type: "string", Doc: "the name of the list"}, named},
			Results: []spec.Result{{Type: "string?", Doc: "what the list says, such as 127.0.0.2; nil if the address is not on it"}, {Type: "string?", Doc: "why"}},
			Doc:     "Asks a blocklist about an address.", Call: s.rblLookup},
		{Name: "ptr_host", Params: []spec.Param{ip}, Results: spelling, Doc: "The name that has the PTR records of an address. Nothing is asked.", Call: ptrHost},
		{Name: "reverse_ip", Params: []spec.Param{ip}, Results: spelling, Doc: "An address reversed, as names of lists begin. Nothing is asked.", Call: reverseIP},
	}
}

func (s *Resolvers) settings() []spec.Function {
	config := spec.Param{Name: "config", Type: "table|string", Doc: "name_servers, each 'IP:PORT' or a table with socket_addr, protocol, trust_negative_responses and bind_addr, and options with timeout, attempts, edns0 and recursion_desired; or Hickory with the same; Test with zones and servfail; Aggregate with a list of all these; or 'HickorySystemConfig'"}
	return []spec.Function{
		{Name: "configure_resolver", Params: []spec.Param{config}, Doc: "The resolver of questions that name none. It raises on unknown keys and bad values.", Call: s.configure},
		{Name: "define_resolver", Params: []spec.Param{{Name: "name", Type: "string", Doc: "its name"}, config}, Doc: "A resolver with a name.", Call: s.defineNamed},
		{Name: "load_resolv_conf", Params: []spec.Param{{Name: "path", Type: "string?", Doc: resolvConf}}, Results: []spec.Result{{Type: "table", Doc: "a configuration"}},
			Doc: "Reads a file in the form of resolv.conf as a configuration of a resolver.", Call: loadResolvConf},
	}
}

func (s *Resolvers) lookupMX(_ *spec.Env, L *lua.LState) int {
	found, err := lookupMX(call.Context(L), s.resolver(L, 2, "lookup_mx"), L.CheckString(1))
	if err != nil {
		return raise(L, "lookup_mx", L.CheckString(1), err)
	}
	L.Push(found.table(L))
	return 1
}

func (s *Resolvers) lookupTXT(_ *spec.Env, L *lua.LState) int {
	found, err := s.resolver(L, 2, "lookup_txt").txt(call.Context(L), absolute(L.CheckString(1)))
	if err != nil {
		return raise(L, "lookup_txt", L.CheckString(1), err)
	}
	L.Push(value.FromGo(L, append([]string{}, found...)))
	return 1
}

func (s *Resolvers) lookupAddr(_ *spec.Env, L *lua.LState) int {
	found, err := lookupIP(call.Context(L), s.resolver(L, 2, "lookup_addr"), L.CheckString(1), L.OptString(3, bothFamilies))
	if err != nil {
		return raise(L, "lookup_addr", L.CheckString(1), err)
	}
	L.Push(value.FromGo(L, found))
	return 1
}

func (s *Resolvers) lookupPTR(_ *spec.Env, L *lua.LState) int {
	addr, err := parseAddress(L.CheckString(1))
	var found []string
	if err == nil {
		found, err = s.resolver(L, 2, "lookup_ptr").ptr(call.Context(L), addr)
	}
	if err == nil && len(found) == 0 {
		err = errNoName
	}
	if err != nil {
		return raise(L, "lookup_ptr", L.CheckString(1), err)
	}
	L.Push(value.FromGo(L, found))
	return 1
}

func (s *Resolvers) rblLookup(_ *spec.Env, L *lua.LState) int {
	addr, err := parseAddress(L.CheckString(1))
	var listed, why string
	if err == nil {
		listed, why, err = lookupList(call.Context(L), s.resolver(L, 3, "rbl_lookup"), addr, L.CheckString(2))
	}
	if err != nil {
		return raise(L, "rbl_lookup", L.CheckString(1), err)
	}
	for _, text := range []string{listed, why} {
		if text == "" {
			L.Push(lua.LNil)
		} else {
			L.Push(lua.LString(text))
		}
	}
	return 2
}

// spell writes an address as a name.
func spell(L *lua.LState, function string, as func(netip.Addr) string) int {
	addr, err := parseAddress(L.CheckString(1))
	if err != nil {
		return raise(L, function, L.CheckString(1), err)
	}
	L.Push(lua.LString(as(addr)))
	return 1
}

func ptrHost(_ *spec.Env, L *lua.LState) int {
	return spell(L, "ptr_host", pointerName)
}

func reverseIP(_ *spec.Env, L *lua.LState) int {
	return spell(L, "reverse_ip", reversed)
}

func (s *Resolvers) configure(_ *spec.Env, L *lua.LState) int {
	r := s.readResolver(L, module+"configure_resolver", L.Get(1))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = r
	return 0
}

func (s *Resolvers) defineNamed(_ *spec.Env, L *lua.LState) int {
	const function = "define_resolver"
	name := L.CheckString(1)
	if err := s.define(name, s.readResolver(L, module+function, L.Get(2))); err != nil {
		return raise(L, function, name, err)
	}
	return 0
}

func loadResolvConf(_ *spec.Env, L *lua.LState) int {
	path := L.OptString(1, resolvConf)
	config, err := fromResolvConf(path)
	if err != nil {
		return raise(L, "load_resolv_conf", path, err)
	}
	L.Push(value.FromGo(L, config))
	return 1
}

// raise raises an error about a name that was asked for.
func raise(L *lua.LState, function, name string, err error) int {
	return call.Raise(L, module+function, fmt.Errorf("%s: %w", name, err))
}
