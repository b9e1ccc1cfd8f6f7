package rules

import (
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// Set is the rules of one listener, ready to be asked. It may be asked from any
// goroutine and allocates nothing, but what its Host may. But for the turns of
// RoundRobin it never changes.
type Set struct {
	host Host

	clients  *networks     // nil: allow_clients is not set
	bindable *networks     // nil: allow_sources is not set
	chosen   *networks     // nil: source is not set
	allow    *destinations // nil: allow_destinations is not set
	deny     *destinations

	allowLocal    bool
	requireSource bool
	forbidNames   bool
	chooses       bool
	freebinds     bool // one of source does
	ipv4, ipv6    sources
}

// Compile makes a Set of a Spec for a machine, whose Host must not be nil. The
// error is a Conflicts, unless it is the program's fault.
func Compile(spec *Spec, host Host) (*Set, error) {
	if host == nil {
		return nil, errNoHost
	}
	if conflicts := spec.Check(); conflicts != nil {
		return nil, conflicts
	}
	s := &Set{
		host:          host,
		deny:          newDestinations(DenyDestinations, spec.DenyDestinations),
		allowLocal:    spec.AllowLocalDestinations,
		requireSource: spec.requireSource(),
		forbidNames:   spec.ForbidNames,
		chooses:       len(spec.Source) > 0,
		ipv4:          sources{choice: spec.SourceChoice},
		ipv6:          sources{choice: spec.SourceChoice},
	}
	if spec.AllowClients != nil {
		s.clients = newNetworks(AllowClients, spec.AllowClients)
	}
	if spec.AllowSources != nil {
		s.bindable = newNetworks(AllowSources, spec.AllowSources)
	}
	if spec.AllowDestinations != nil {
		s.allow = newDestinations(AllowDestinations, spec.AllowDestinations)
	}
	if spec.Source != nil {
		s.chosen = newNetworks(Source, spec.Source)
	}
	for _, e := range spec.Source {
		s.freebinds = s.freebinds || e.freebind
		s.family(e.prefix.Addr()).add(e.prefix)
	}
	return s, nil
}

func (s *Set) family(a netip.Addr) *sources {
	if egress.FamilyOf(a) == egress.IPv6 {
		return &s.ipv6
	}
	return &s.ipv4
}

// NearOnly says whether only clients near this machine are served, because
// allow_clients, which would open it, is not set. authenticated says that nobody
// is served further who has not proved who they are.
func (s *Set) NearOnly(authenticated bool) bool { return s.clients == nil && !authenticated }

// Client judges a client by its address, before it has said anything.
// authenticated is as in NearOnly.
func (s *Set) Client(client netip.Addr, authenticated bool) Verdict {
	client = canonical(client)
	switch {
	case !client.IsValid():
		return denied(NoAddress, Rule{})
	case s.clients != nil:
		r, ok := s.clients.find(client)
		if !ok {
			return denied(ClientNotListed, r)
		}
		return allowed(r)
	case authenticated:
		return allowed(Rule{})
	}
	if what := near(s.host, client); what != "" {
		return allowed(Rule{Key: AllowClients, Entry: what})
	}
	return denied(ClientNotLocal, Rule{Key: AllowClients, Entry: "not set"})
}

// Source judges the address that a client asks to send from. The unspecified
// address names none, so it is denied where one is required.
func (s *Set) Source(source netip.Addr) Verdict {
	source = canonical(source)
	switch {
	case !source.IsValid():
		return denied(NoAddress, Rule{})
	case s.requireSource && source.IsUnspecified():
		return denied(SourceRequired, Rule{Key: RequireSource})
	case s.bindable == nil:
		return allowed(Rule{})
	}
	r, ok := s.bindable.find(source)
	if !ok {
		return denied(SourceNotListed, r)
	}
	return allowed(r)
}

// Freebind says whether an address is bound though it need not be one of this
// machine: the most specific entry of source that has it says so. Whether the address
// was chosen or asked for does not matter.
func (s *Set) Freebind(source netip.Addr) bool {
	if !s.freebinds || !source.IsValid() {
		return false
	}
	i, ok := s.chosen.table.Lookup(canonical(source))
	return ok && s.chosen.entries[i].freebind
}

// Unbound judges a CONNECT of a client that has chosen no source.
func (s *Set) Unbound() Verdict {
	if s.requireSource {
		return denied(SourceRequired, Rule{Key: RequireSource})
	}
	return allowed(Rule{})
}

// Granting is the rule by which a client may have a source: the entry of allow_sources
// that has it, or else that of source, by which it may have been chosen. ok is false
// when no entry has it: then it was not restricted.
func (s *Set) Granting(source netip.Addr) (r Rule, ok bool) {
	source = canonical(source)
	for _, list := range []*networks{s.bindable, s.chosen} {
		if list == nil || !source.IsValid() {
			continue
		}
		if r, ok = list.find(source); ok {
			return r, true
		}
	}
	return Rule{}, false
}

// Chooses says whether a source is chosen for clients that choose none, and of
// which family: Any if there are sources of both.
func (s *Set) Chooses() (family egress.Family, ok bool) {
	switch {
	case len(s.ipv6.pools) == 0 && s.chooses:
		return egress.IPv4, true
	case len(s.ipv4.pools) == 0 && s.chooses:
		return egress.IPv6, true
	}
	return egress.Any, s.chooses
}

// Choose returns the source to dial an upstream from, for a client that chose
// none, out of those that usable means; nil means all. ok is false when there is
// none of the upstream's family, or none that is usable: then it is not to be
// dialled, if Chooses. A sticky choice depends on the addresses of the client and of
// the sources alone, and on which of these are usable: it is the same after a
// restart and on other machines.
func (s *Set) Choose(client, upstream netip.Addr, usable func(netip.Addr) bool) (source netip.Addr, ok bool) {
	from := s.family(upstream)
	if len(from.pools) == 0 {
		return netip.Addr{}, false
	}
	return from.choose(canonical(client), usable)
}

// Name judges a destination that is a name, before it is resolved: whether names
// are served, and what its port alone decides. What it resolves to is for
// Destination.
func (s *Set) Name(port uint16) Verdict {
	if s.forbidNames {
		return denied(NamesForbidden, Rule{Key: ResolveNames})
	}
	if r, ok := s.deny.anywhere(port); ok {
		return denied(DestinationDenied, r)
	}
	if s.allow != nil && !s.allow.somewhere(port) {
		return denied(DestinationNotListed, Rule{Key: AllowDestinations})
	}
	return allowed(Rule{})
}

// Destination judges an address that is about to be dialled for a client.
func (s *Set) Destination(client netip.Addr, dest netip.AddrPort) Verdict {
	to := canonical(dest.Addr())
	if !to.IsValid() {
		return denied(NoAddress, Rule{})
	}
	means := readingsOf(to)
	for _, a := range means.all() {
		if r, ok := s.deny.find(a, dest.Port()); ok {
			return denied(DestinationDenied, r)
		}
	}
	if !s.allowLocal && !client.IsLoopback() {
		for _, a := range means.all() {
			if what := local(s.host, a); what != "" {
				return denied(DestinationLocal, Rule{Key: AllowLocalDestinations, Entry: what})
			}
		}
	}
	if s.allow == nil {
		return allowed(Rule{})
	}
	r, ok := s.allow.find(to, dest.Port())
	if !ok {
		return denied(DestinationNotListed, r)
	}
	return allowed(r)
}
