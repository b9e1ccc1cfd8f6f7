package policy

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/rules"
)

// forward reads the parameters of proxy.start_forward_listener.
func (d *decoder) forward(t *lua.LTable) Listener {
	l := defaultListener(d.at)
	l.Forward, l.ConnectTimeout = true, 0
	access := &ruleSettings{spec: &l.Rules}
	d.table("", t, slices.Concat([]field{
		{name: "listen", required: true, read: addressInto(&l.Listen)},
	}, l.timeFields(), l.commonFields(), access.forwardFields()))
	if t.RawGetString(string(rules.AllowClients)) == lua.LNil {
		// Who can connect can send from every address of this host.
		d.failBare(string(rules.AllowClients), "missing key 'allow_clients': a PROXY header has no password, so the clients are to be named; expected "+
			networks().many+", or { '*' } for everybody")
	}
	access.check(d)
	l.finishTimeouts(d)
	return l
}

// forwardFields are the rules of a listener whose destinations are never names.
func (s *ruleSettings) forwardFields() []field {
	return slices.DeleteFunc(s.fields(), func(f field) bool { return f.name == string(rules.ResolveNames) })
}

// balancerSettings are the keys about a load balancer in front.
type balancerSettings struct {
	use  *bool
	from *[]rules.Network
	bad  ruleSettings // only to hear of entries that are none
}

func (s *balancerSettings) fields() []field {
	return []field{
		{name: "proxy_protocol", read: boolInto(s.use)},
		{name: string(rules.ProxyProtocolFrom), read: listInto(&s.bad, s.from, networks())},
	}
}

// check refuses one key without the other: a header is believed of those alone
// who are named.
func (s *balancerSettings) check(d *decoder) {
	switch {
	case s.bad.bad || d.failed("proxy_protocol"):
	case *s.use && *s.from == nil:
		d.failBare("proxy_protocol", "missing key 'proxy_protocol_from': a header may say anything, so those who are believed are to be named; expected "+networks().many)
	case !*s.use && *s.from != nil:
		d.fail(string(rules.ProxyProtocolFrom), "expected only beside proxy_protocol = true")
	}
}
