package rules

import "net/netip"

// Host knows the addresses of the machine we run on. It may be asked from any
// goroutine; addresses are canonical: not IPv4-mapped, and without a zone.
type Host interface {
	// Local says whether packets to an address end on this machine.
	Local(netip.Addr) bool
	// Attached says whether an address is on a subnet of one of its interfaces.
	Attached(netip.Addr) bool
}

// What a destination is that a client from elsewhere cannot reach; the Entry of
// a Rule.
const (
	loopback    = "loopback"
	linkLocal   = "link-local"
	unspecified = "unspecified"
	multicast   = "multicast"
	broadcast   = "broadcast"
	metadata    = "cloud metadata"
	thisHost    = "an address of this host"
)

// local says what makes an address local, or "".
func local(host Host, a netip.Addr) string {
	switch {
	case a.IsLoopback():
		return loopback
	case a.IsLinkLocalUnicast(): // the most usual metadata address 169.254.169.254 among them
		return linkLocal
	case a.IsUnspecified() || a.Is4() && a.As4()[0] == 0: // Linux takes 0.0.0.0 for 127.0.0.1
		return unspecified
	case a.IsMulticast():
		return multicast
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return broadcast
	case isMetadata(a):
		return metadata
	case host.Local(a):
		return thisHost
	}
	return ""
}

// isMetadata knows the addresses, beside link-local ones, where clouds tell
// their machines secrets.
func isMetadata(a netip.Addr) bool {
	if a.Is4() {
		switch a.As4() {
		case [4]byte{100, 100, 100, 200}, // Alibaba Cloud
			[4]byte{192, 0, 0, 192},   // Oracle Cloud Classic
			[4]byte{168, 63, 129, 16}: // Azure WireServer
			return true
		}
		return false
	}
	b := a.As16()
	if b[0] != 0xfd { // all of them are unique local addresses
		return false
	}
	if [4]byte(b[:4]) == [4]byte{0xfd, 0x00, 0x0e, 0xc2} {
		return true // fd00:ec2::/32: Amazon EC2's, ::254 for metadata, ::23 for pod identities
	}
	switch b {
	case [16]byte{0xfd, 0x20, 0x00, 0xce, 14: 0x02, 15: 0x54}, // fd20:ce::254 Google Cloud
		[16]byte{0xfd, 0x00, 0x00, 0xc1, 12: 0xa9, 13: 0xfe, 14: 0xa9, 15: 0xfe}, // fd00:c1::a9fe:a9fe Oracle Cloud
		[16]byte{0xfd, 0x00, 0x00, 0x42, 15: 0x42},                               // fd00:42::42 Scaleway
		[16]byte{0xfd, 0x00, 0xa9, 0xfe, 0xa9, 0xfe, 15: 0x01},                   // fd00:a9fe:a9fe::1 Linode
		[16]byte{0xfd, 0x00, 0x01, 0x00, 12: 0x01, 13: 0x00, 14: 0x02, 15: 0x00}: // fd00:100::100:200 Alibaba Cloud
		return true
	}
	return false
}

// near says what makes a client one that may be served unasked, or "". The texts
// are whole, so that asking allocates nothing.
func near(host Host, a netip.Addr) string {
	const notSet = "not set: "
	switch {
	case a.IsLoopback():
		return notSet + loopback
	case a.IsLinkLocalUnicast():
		return notSet + linkLocal
	case a.IsPrivate(): // RFC 1918 and RFC 4193
		return notSet + "a private network"
	case host.Local(a):
		return notSet + thisHost
	case host.Attached(a):
		return notSet + "a network of this host"
	}
	return ""
}
