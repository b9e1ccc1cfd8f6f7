package rules

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
)

// maxRoundBits bounds a network that is gone round: one that mails from ever new
// addresses looks like one who evades blocks.
const maxRoundBits = 16

// sources chooses one of the sources of one family.
type sources struct {
	choice Choice
	pools  []pool
	turn   atomic.Uint64 // how many were chosen, of RoundRobin
}

// pool is one entry of source: an address, or a network of them.
type pool struct {
	base netip.Addr
	bits int // of an address in it that are free; 0: it is one address
	hash uint64
}

// add takes an entry that Check found usable.
func (s *sources) add(p netip.Prefix) {
	s.pools = append(s.pools, pool{
		base: p.Addr(),
		bits: p.Addr().BitLen() - p.Bits(),
		hash: mix(hash(p.Addr()) + uint64(p.Bits())),
	})
}

// mostTries is how many addresses of a network are looked at for a usable one.
const mostTries = 256

// choose returns a source for a client, out of those that usable means; nil means
// all. Each entry is chosen equally often, however many addresses it has. While one
// is not usable its clients go to the others, and nobody else moves. ok is false
// where none is usable.
func (s *sources) choose(client netip.Addr, usable func(netip.Addr) bool) (source netip.Addr, ok bool) {
	if s.choice == RoundRobin {
		turn := s.turn.Add(1) - 1
		n := uint64(len(s.pools))
		for next := range n { // it is another's turn
			i := (turn + next) % n
			if source, ok = s.pools[i].usable(0, turn/n, usable); ok {
				return source, true
			}
		}
		return netip.Addr{}, false
	}
	who := hash(client)
	most := uint64(0)
	for i := range s.pools {
		// Rendezvous hashing: every pair of client and entry has a weight of
		// its own, so that an entry that comes or goes moves none but the
		// clients that it gets or had.
		weight := mix(who ^ s.pools[i].hash)
		if ok && weight <= most {
			continue
		}
		if a, can := s.pools[i].usable(mix(weight), mix(weight+1), usable); can {
			source, ok, most = a, true, weight
		}
	}
	return source, ok
}

// usable returns the address with a number, or the next one that can be used.
func (p *pool) usable(high, low uint64, usable func(netip.Addr) bool) (netip.Addr, bool) {
	tries := uint64(mostTries)
	if p.bits < 8 {
		tries = 1 << p.bits
	}
	for i := range tries {
		if a := p.address(high, low+i); usable == nil || usable(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// address returns the address with a number of 128 bits. In a large network it
// has the number's bits, in a small one the number wraps. The first and last address
// of an IPv4 network and the first of an IPv6 one have other uses, RFC 1122 section
// 3.2.1.3 and RFC 4291 section 2.6.1; networks of two addresses have no such.
func (p *pool) address(high, low uint64) netip.Addr {
	switch {
	case p.bits == 0:
		return p.base
	case p.bits <= 32:
		high, low = 0, p.wrapped(low)
	default:
		high &= 1<<max(p.bits-64, 0) - 1
		if p.bits < 64 {
			low &= 1<<p.bits - 1
		}
		if high == 0 && low == 0 {
			low = 1
		}
	}
	if p.base.Is4() {
		b := p.base.As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|uint32(low))
		return netip.AddrFrom4(b)
	}
	b := p.base.As16()
	binary.BigEndian.PutUint64(b[:8], binary.BigEndian.Uint64(b[:8])|high)
	binary.BigEndian.PutUint64(b[8:], binary.BigEndian.Uint64(b[8:])|low)
	return netip.AddrFrom16(b)
}

// wrapped is a number's place in a network of at most 2^32 addresses.
func (p *pool) wrapped(n uint64) uint64 {
	size, first := uint64(1)<<p.bits, uint64(0)
	switch {
	case p.bits == 1:
	case p.base.Is4():
		size, first = size-2, 1
	default:
		size, first = size-1, 1
	}
	return first + n%size
}

// hash and mix decide which source a client has, so they are never to change:
// clients would change their addresses with the version. hash is that of the
// 16-byte form, IPv4 as IPv4-mapped.
func hash(a netip.Addr) uint64 {
	b := a.As16()
	return mix(mix(binary.BigEndian.Uint64(b[:8])) ^ binary.BigEndian.Uint64(b[8:]))
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014): each bit of
// the result depends on each bit of x.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
