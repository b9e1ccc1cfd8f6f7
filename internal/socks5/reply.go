package socks5

import (
	"encoding/binary"
	"net/netip"
)

// AppendMethod appends the answer to a greeting, RFC 1928 section 3.
func AppendMethod(dst []byte, m Method) []byte {
	return append(dst, Version, byte(m))
}

// AppendAuthStatus appends the answer to credentials, RFC 1929 section 2.
func AppendAuthStatus(dst []byte, ok bool) []byte {
	if ok {
		return append(dst, AuthVersion, 0x00)
	}
	return append(dst, AuthVersion, 0x01)
}

// AppendReply appends the answer to a request, RFC 1928 section 6. The address
// is ours: bound by a BIND, or the local end of a CONNECT. An invalid one is
// written as 0.0.0.0:0, and so is any address of a failure, as KumoMTA's proxy
// does it for IPv6 requests too. An IPv4-mapped address is written as IPv4.
func AppendReply(dst []byte, r Reply, bound netip.AddrPort) []byte {
	if r != Succeeded || !bound.IsValid() {
		bound = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	dst = append(dst, Version, byte(r), 0)
	return appendIP(dst, bound.Addr().Unmap(), bound.Port())
}

// appendIP appends ATYP, address and port of a valid address, as it is: an
// IPv4-mapped one as IPv6.
func appendIP(dst []byte, ip netip.Addr, port uint16) []byte {
	if ip.Is4() {
		a := ip.As4()
		dst = append(append(dst, byte(typeIPv4)), a[:]...)
	} else {
		a := ip.As16()
		dst = append(append(dst, byte(typeIPv6)), a[:]...)
	}
	return binary.BigEndian.AppendUint16(dst, port)
}
