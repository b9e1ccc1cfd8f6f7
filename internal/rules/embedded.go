package rules

import "net/netip"

// readings are the addresses that a packet to one address may be meant for: the
// address, and the IPv4 addresses that are embedded in it.
type readings struct {
	addrs [6]netip.Addr
	n     int
}

func (r *readings) all() []netip.Addr { return r.addrs[:r.n] }

func (r *readings) add(a netip.Addr) {
	r.addrs[r.n] = a
	r.n++
}

func (r *readings) add4(a, b, c, d byte) { r.add(netip.AddrFrom4([4]byte{a, b, c, d})) }

// readingsOf reads a canonical address.
func readingsOf(a netip.Addr) (r readings) {
	r.add(a)
	if a.Is4() {
		return r
	}
	b := a.As16()
	switch {
	case [12]byte(b[:12]) == [12]byte{}: // IPv4-compatible, RFC 4291 section 2.5.5.1
		r.add4(b[12], b[13], b[14], b[15])
	case [12]byte(b[:12]) == [12]byte{8: 0xff, 9: 0xff}: // IPv4-translated, RFC 7915 section 2.3
		r.add4(b[12], b[13], b[14], b[15])
	case [12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}: // NAT64, RFC 6052 section 2.1
		r.add4(b[12], b[13], b[14], b[15])
	case [6]byte(b[:6]) == [6]byte{0, 0x64, 0xff, 0x9b, 0, 1}: // NAT64 for local use, RFC 8215
		r.addLocalNAT64(b)
	case b[0] == 0x20 && b[1] == 0x02: // 6to4, RFC 3056 section 2
		r.add4(b[2], b[3], b[4], b[5])
	case [4]byte(b[:4]) == [4]byte{0x20, 0x01}: // Teredo, RFC 4380 section 4: the server, and the client inverted
		r.add4(b[4], b[5], b[6], b[7])
		r.add4(^b[12], ^b[13], ^b[14], ^b[15])
	}
	if b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe { // ISATAP, RFC 5214 section 6.1
		r.add4(b[12], b[13], b[14], b[15])
	}
	return r
}

// addLocalNAT64 adds the readings of an address in 64:ff9b:1::/48. Where the
// IPv4 address stands depends on the length of the prefix in use, RFC 6052
// section 2.2, which only the network knows. What reads 0.x.x.x or x.0.0.0 is
// taken for zeros of the prefix or behind the address, or every address would be denied
// for one of its readings.
func (r *readings) addLocalNAT64(b [16]byte) {
	for _, at := range [...][4]int{{6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}} {
		v4 := [4]byte{b[at[0]], b[at[1]], b[at[2]], b[at[3]]}
		if v4[0] != 0 && [3]byte(v4[1:]) != [3]byte{} {
			r.add(netip.AddrFrom4(v4))
		}
	}
}
