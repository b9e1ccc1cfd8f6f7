package access

import (
	"net/netip"
	"slices"
)

// Criteria say of whoever asks whether a rule is about them. The set of kinds is
// closed. A value is not changed once it is made.
type Criteria interface {
	Match(a Auth) bool
	// Plain is the value as KumoMTA writes it in JSON and Lua.
	Plain() any
}

// AllOf holds when all in it do. There is at least one.
type AllOf []Criteria

// AnyOf holds when one in it does. There is at least one.
type AnyOf []Criteria

// Not holds when the one in it does not.
type Not struct{ Criteria Criteria }

// Individual holds for who has an identity of that name.
type Individual string

// Group holds for who is in the group.
type Group string

// Machine holds for one address.
type Machine netip.Addr

// MachineSet holds for the addresses of networks.
type MachineSet []netip.Prefix

// State holds for everybody, or for those who have an identity, or for those who
// have none.
type State string

// The states.
const (
	Any             State = "Any"
	Authenticated   State = "Authenticated"
	Unauthenticated State = "Unauthenticated"
)

// Match implements Criteria.
func (c AllOf) Match(a Auth) bool {
	return !slices.ContainsFunc(c, func(one Criteria) bool { return !one.Match(a) })
}

// Match implements Criteria.
func (c AnyOf) Match(a Auth) bool {
	return slices.ContainsFunc(c, func(one Criteria) bool { return one.Match(a) })
}

// Match implements Criteria.
func (c Not) Match(a Auth) bool { return !c.Criteria.Match(a) }

// Match implements Criteria.
func (c Individual) Match(a Auth) bool {
	return slices.ContainsFunc(a.Identities, func(id Identity) bool { return id.Identity == string(c) })
}

// Match implements Criteria.
func (c Group) Match(a Auth) bool { return slices.Contains(a.Groups, string(c)) }

// Match implements Criteria. An address that is not known is none of the machines.
func (c Machine) Match(a Auth) bool { return a.Peer.IsValid() && a.Peer == netip.Addr(c) }

// Match implements Criteria.
func (c MachineSet) Match(a Auth) bool {
	return slices.ContainsFunc(c, func(p netip.Prefix) bool { return p.Contains(a.Peer) })
}

// Match implements Criteria.
func (c State) Match(a Auth) bool {
	switch c {
	case Any:
		return true
	case Authenticated:
		return len(a.Identities) > 0
	case Unauthenticated:
		return len(a.Identities) == 0
	}
	return false
}

func plainList(list []Criteria) []any {
	all := make([]any, len(list))
	for i, c := range list {
		all[i] = c.Plain()
	}
	return all
}

// identity wraps what is said of one identity.
func identity(kind string, v any) any {
	return map[string]any{"Identity": map[string]any{kind: v}}
}

// Plain implements Criteria.
func (c AllOf) Plain() any { return map[string]any{"AllOf": plainList(c)} }

// Plain implements Criteria.
func (c AnyOf) Plain() any { return map[string]any{"AnyOf": plainList(c)} }

// Plain implements Criteria.
func (c Not) Plain() any { return map[string]any{"Not": c.Criteria.Plain()} }

// Plain implements Criteria.
func (c Individual) Plain() any { return identity("Individual", string(c)) }

// Plain implements Criteria.
func (c Group) Plain() any { return identity("Group", string(c)) }

// Plain implements Criteria.
func (c Machine) Plain() any { return identity("Machine", netip.Addr(c).String()) }

// Plain implements Criteria.
func (c MachineSet) Plain() any {
	all := make([]any, len(c))
	for i, p := range c {
		all[i] = p.String()
	}
	return identity("MachineSet", all)
}

// Plain implements Criteria.
func (c State) Plain() any { return map[string]any{"Identity": string(c)} }
