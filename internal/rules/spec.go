package rules

import "net/netip"

// Choice is how a source is chosen out of several for a client that names none.
type Choice uint8

const (
	// NoChoice: the policy does not say; it is Sticky.
	NoChoice Choice = iota
	// Sticky: a client has always the same, for as long as the list has it.
	Sticky
	// RoundRobin: one after the other, whoever asks.
	RoundRobin
)

func (c Choice) String() string {
	if c == RoundRobin {
		return "round_robin"
	}
	return "sticky"
}

// Spec is what a policy asks for. The zero value is a policy that says nothing.
// A list that is nil was not given; one that is empty has nobody in it. It is
// plain data, equal under reflect.DeepEqual if the same was asked for in the
// same words.
type Spec struct {
	AllowClients      []Network
	AllowSources      []Network
	AllowDestinations []Destination
	DenyDestinations  []Destination
	// AllowLocalDestinations lets every client reach what is local to this host.
	AllowLocalDestinations bool
	// Source is what to send from for a client that does not bind. A network is
	// a pool: an address in it is derived for each client. Those with Freebind are
	// bound without being plumbed.
	Source       []Network
	SourceChoice Choice
	// RequireSource denies a CONNECT without a BIND before it. Nil: if
	// AllowSources is set and Source is not.
	RequireSource *bool
	// ForbidNames denies destinations that are names.
	ForbidNames bool
}

// requireSource is RequireSource with its default.
func (s *Spec) requireSource() bool {
	if s.RequireSource != nil {
		return *s.RequireSource
	}
	return s.AllowSources != nil && len(s.Source) == 0
}

// Empty reports whether nothing was said.
func (s *Spec) Empty() bool {
	return s.AllowClients == nil && s.AllowSources == nil && s.AllowDestinations == nil && s.DenyDestinations == nil &&
		!s.AllowLocalDestinations && s.Source == nil && s.RequireSource == nil && !s.ForbidNames
}

// SourceNetworks are the addresses and networks that clients may send from, or are
// sent from, as far as the policy names them: "*" names none.
func (s *Spec) SourceNetworks() (all []netip.Prefix) {
	for _, list := range [][]Network{s.Source, s.AllowSources} {
		for _, n := range list {
			if n.prefix.IsValid() {
				all = append(all, n.prefix)
			}
		}
	}
	return all
}

// FreebindNetworks are the addresses and networks of Source that are bound without
// being plumbed.
func (s *Spec) FreebindNetworks() (all []netip.Prefix) {
	for _, n := range s.Source {
		if n.freebind {
			all = append(all, n.prefix)
		}
	}
	return all
}
