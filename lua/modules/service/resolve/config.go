package resolve

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
)

const (
	maxServers  = 16
	systemName  = "HickorySystemConfig" // KumoMTA names resolvers after the library that it uses
	noUnbound   = "Unbound is not part of Troupe; expected name_servers, which may be an Unbound of your own"
	resolvConf  = "/etc/resolv.conf"
	maxAttempts = 10
)

// readResolver reads the configuration of a resolver: KumoMTA's forms but Unbound.
func (s *Resolvers) readResolver(L *lua.LState, function string, v lua.LValue) resolver {
	switch v := v.(type) {
	case lua.LString:
		if v == systemName {
			return s.system
		}
	case *lua.LTable:
		o := call.Options{L: L, Function: function, Table: v}
		switch {
		case o.Has("name_servers"):
			return readServers(o.At("resolver", v, "name_servers", "domain", "search", "options"))
		case o.Has("Hickory"):
			inner, _ := o.Inner("Hickory", "name_servers", "domain", "search", "options")
			return readServers(inner)
		case o.Has("Test"):
			inner, _ := o.Inner("Test", "zones", "servfail")
			return readZones(inner)
		case o.Has("Aggregate"):
			return s.readAggregate(o, v)
		case o.Has("Unbound"):
			o.Fail("Unbound", noUnbound)
		}
	}
	L.RaiseError("%s: expected a table with name_servers, Hickory, Test or Aggregate, or '%s'", function, systemName)
	return nil
}

func (s *Resolvers) readAggregate(o call.Options, t *lua.LTable) resolver {
	list, ok := t.RawGetString("Aggregate").(*lua.LTable)
	if !ok || list.Len() == 0 {
		o.Fail("Aggregate", "expected a list of resolvers")
	}
	var all aggregate
	for i := range list.Len() {
		all = append(all, s.readResolver(o.L, o.Function, list.RawGetInt(i+1)))
	}
	return all
}

func readZones(o call.Options) resolver {
	var texts []string
	list, ok := o.Table.RawGetString("zones").(*lua.LTable)
	if !ok {
		o.Fail("zones", "expected a list of zones")
	}
	for i := range list.Len() {
		switch v := list.RawGetInt(i + 1).(type) {
		case lua.LString:
			texts = append(texts, string(v))
		case *lua.LTable:
			texts = append(texts, o.At("zones", v, "zone", "secure").Name("zone"))
		default:
			o.Fail("zones", "expected texts, got %s", v.Type())
		}
	}
	z, err := newZones(texts, o.Strings("servfail"))
	if err != nil {
		o.Fail("zones", "%s", err)
	}
	return records{z}
}

func readServers(o call.Options) resolver {
	list, ok := o.Table.RawGetString("name_servers").(*lua.LTable)
	if !ok || list.Len() == 0 || list.Len() > maxServers {
		o.Fail("name_servers", "expected a list of 1 to %d servers", maxServers)
	}
	s := servers{timeout: defaultTimeout, attempts: defaultAttempts, recursion: true}
	for i := range list.Len() {
		s.all = append(s.all, readServer(o, list.RawGetInt(i+1)))
	}
	// Names are asked for as they are: a search list would make another of one.
	o.String("domain")
	o.Strings("search")
	known := []string{"timeout", "attempts", "edns0", "recursion_desired"}
	known = append(known, "ndots", "ip_strategy", "cache_size", "case_randomization", "negative_max_ttl", "negative_min_ttl",
		"num_concurrent_reqs", "positive_max_ttl", "positive_min_ttl", "preserve_intermediates", "server_ordering_strategy",
		"trust_anchor_file", "try_tcp_on_error", "use_hosts_file") // KumoMTA's, about what is not done here
	if options, ok := o.Inner("options", known...); ok {
		s.timeout = options.Duration("timeout", s.timeout)
		s.attempts = options.Int("attempts", 1, maxAttempts, s.attempts)
		s.edns = options.Bool("edns0")
		if options.Has("recursion_desired") {
			s.recursion = options.Bool("recursion_desired")
		}
	}
	return records{s}
}

func readServer(o call.Options, v lua.LValue) server {
	t, ok := v.(*lua.LTable)
	if !ok {
		return server{address: socket(o, "name_servers", lua.LVAsString(v)), udp: true, tcp: true, final: true}
	}
	o = o.At("name_servers", t, "socket_addr", "protocol", "trust_negative_responses", "bind_addr")
	s := server{address: socket(o, "socket_addr", o.String("socket_addr")), final: true}
	switch protocol := o.String("protocol"); protocol {
	case "", "udp_then_tcp":
		s.udp, s.tcp = true, true
	case "udp":
		s.udp = true
	case "tcp":
		s.tcp = true
	default:
		o.Fail("protocol", "expected udp, tcp or udp_then_tcp, got '%s'", protocol)
	}
	if o.Has("trust_negative_responses") {
		s.final = o.Bool("trust_negative_responses")
	}
	if o.Has("bind_addr") {
		addr, err := parseAddress(o.String("bind_addr"))
		if err != nil {
			o.Fail("bind_addr", "%s", err)
		}
		s.local = net.IP(addr.AsSlice())
	}
	return s
}

// socket is the address of a server; its port is 53 unless it says another.
func socket(o call.Options, key, text string) string {
	if both, err := netip.ParseAddrPort(text); err == nil && both.Port() != 0 {
		return both.String()
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(addr, 53).String()
	}
	o.Fail(key, "expected an address such as '192.0.2.1:53', got '%s'", text)
	return ""
}

// fromResolvConf is a file in the form of resolv.conf(5) as a configuration.
func fromResolvConf(path string) (map[string]any, error) {
	c, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, address := range c.Servers {
		all = append(all, net.JoinHostPort(address, c.Port))
	}
	search := []any{}
	for _, name := range c.Search {
		search = append(search, name)
	}
	return map[string]any{
		"name_servers": all,
		"search":       search,
		"options":      map[string]any{"ndots": c.Ndots, "timeout": c.Timeout, "attempts": min(max(c.Attempts, 1), maxAttempts)},
	}, nil
}
