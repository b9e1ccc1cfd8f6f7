package source

import (
	"net/netip"
	"slices"
)

// How many addresses are known from load. Of wider networks addresses are known once
// somebody asks for them.
const (
	// MostOfNetwork is how many addresses a network may have that is written out: a
	// /24 of IPv4, a /120 of IPv6.
	MostOfNetwork = 256
	// MostKnown is how many are written out in all.
	MostKnown = 4096
)

// named is an address that a policy names.
type named struct {
	addr   netip.Addr
	single bool // itself, and not only a network that it is in
}

// expand writes networks out: single addresses first, then the networks in their
// order. left are those of which not all addresses are there.
func expand(networks []netip.Prefix) (known []named, left []netip.Prefix) {
	seen := make(map[netip.Addr]bool)
	add := func(a netip.Addr, single bool) bool {
		if seen[a] {
			return true
		}
		if len(known) >= MostKnown {
			return false
		}
		seen[a] = true
		known = append(known, named{a, single})
		return true
	}
	for _, p := range networks {
		if p.IsSingleIP() && !p.Addr().IsUnspecified() && !add(p.Addr(), true) {
			left = append(left, p)
		}
	}
	for _, p := range networks {
		if !p.IsSingleIP() && !eachOf(p, func(a netip.Addr) bool { return add(a, false) }) && !slices.Contains(left, p) {
			left = append(left, p)
		}
	}
	return known, left
}

// eachOf calls f for the addresses of a small network that can be sent from, as long
// as it returns true. The first and the last of IPv4 and the first of IPv6 have other
// uses: RFC 1122 section 3.2.1.3 and RFC 4291 section 2.6.1.
func eachOf(p netip.Prefix, f func(netip.Addr) bool) (all bool) {
	free := p.Addr().BitLen() - p.Bits()
	if free > 8 {
		return false
	}
	a := p.Masked().Addr()
	size := 1 << free
	for i := range size {
		other := free > 1 && (i == 0 || p.Addr().Is4() && i == size-1)
		if !other && !f(a) {
			return false
		}
		a = a.Next()
	}
	return true
}
