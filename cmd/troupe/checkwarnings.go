package main

import (
	"fmt"
	"net/netip"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// warnings are what is worth a look in a policy that loads.
func warnings(p *policy.Policy, main []byte, heard *heard) []string {
	all := heard.warnings()
	uses := p.MissingNames(p.Name, main)
	for _, file := range p.Files {
		if file == p.Name {
			continue
		}
		if text, err := readFile(file); err == nil {
			uses = append(uses, p.MissingNames(file, text)...)
		}
	}
	for _, u := range uses {
		all = append(all, fmt.Sprintf("%s: %s", u.At, u.Why))
	}
	all = append(all, overlaps(p)...)
	if len(p.Listeners) == 0 {
		all = append(all, p.Name+": there is no proxy listener: no client is served")
	}
	if p.Hooks.Has(policy.EventAuth) {
		return all
	}
	for i := range p.Listeners {
		if l := &p.Listeners[i]; l.RequireAuth {
			all = append(all, fmt.Sprintf("%s: listener %s: require_auth = true, and nobody can be let in: there is no hook %s", l.At, l.Listen, policy.EventAuth))
		}
	}
	return all
}

// overlaps are listeners of which the second cannot be opened, since the first has
// its port on all addresses. Those on the very same address are an error already.
func overlaps(p *policy.Policy) (all []string) {
	type place struct {
		at    policy.Position
		bound netip.AddrPort
	}
	var places []place
	add := func(at policy.Position, listen string) {
		// A name is looked up by the daemon, and a Unix socket has no port.
		if a, err := netip.ParseAddrPort(listen); err == nil && a.Port() != 0 {
			places = append(places, place{at, a})
		}
	}
	for i := range p.Listeners {
		add(p.Listeners[i].At, p.Listeners[i].Listen)
	}
	for i := range p.HTTP {
		add(p.HTTP[i].At, p.HTTP[i].Listen)
	}
	for _, wide := range places {
		for _, one := range places {
			if one.bound != wide.bound && covers(wide.bound, one.bound) {
				all = append(all, fmt.Sprintf("%s: listener %s: cannot be opened beside that on %s (%s), which has the port on all addresses",
					one.at, one.bound, wide.bound, wide.at))
			}
		}
	}
	return all
}

// covers says whether a socket on wide has the port of one, too. That on all of IPv6
// has IPv4 besides.
func covers(wide, one netip.AddrPort) bool {
	if wide.Port() != one.Port() || !wide.Addr().IsUnspecified() {
		return false
	}
	return wide.Addr().Is6() || one.Addr().Unmap().Is4()
}
