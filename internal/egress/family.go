package egress

import "net/netip"

// Family is an address family, or the absence of a restriction to one.
type Family uint8

const (
	Any Family = iota
	IPv4
	IPv6
)

// FamilyOf is the family that addr is dialled in: IPv4 for an IPv4-mapped one.
// It is Any for the invalid address, as of a request without a source.
func FamilyOf(addr netip.Addr) Family {
	switch addr = addr.Unmap(); {
	case addr.Is4():
		return IPv4
	case addr.Is6():
		return IPv6
	}
	return Any
}

func (f Family) String() string {
	switch f {
	case IPv4:
		return "IPv4"
	case IPv6:
		return "IPv6"
	}
	return "any family"
}

// other is the family that f is not; Any has none.
func (f Family) other() Family {
	switch f {
	case IPv4:
		return IPv6
	case IPv6:
		return IPv4
	}
	return Any
}

// network is the family in the words of net.Resolver.
func (f Family) network() string {
	switch f {
	case IPv4:
		return "ip4"
	case IPv6:
		return "ip6"
	}
	return "ip"
}

// canonical is the one form under which an address is compared and dialled: not
// IPv4-mapped, and without a zone, since netip.Prefix.Contains is false for
// every address with one, whatever a rule meant to forbid.
func canonical(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
