package limit

import "net/netip"

// networkBits are those of an IPv6 address that say whose it is: RFC 6177 gives
// the smallest site a /64, out of which each host takes as many addresses as it
// likes.
const networkBits = 64

// Client is what a limit on clients counts by: an IPv4 address, or the /64 network
// of an IPv6 one. IPv4-mapped addresses are IPv4. The zero value is no client's.
func Client(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := networkBits
	if a.Is4() {
		bits = 32
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
