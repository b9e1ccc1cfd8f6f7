package proxyproto

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parseV1 reads PROXY SP family SP source SP destination SP port SP port CRLF,
// section 2.1. Exactly one space is between two fields.
func parseV1(b []byte) (Header, int, error) {
	n, err := lineEnd(b)
	if n == 0 {
		return Header{}, 0, err
	}
	family, rest, _ := strings.Cut(string(b[len(v1Start):n-2]), " ")
	h := Header{Version: 1, Command: Proxy}
	switch family {
	case "UNKNOWN": // and whatever follows is to be ignored
		return h, n, nil
	case "TCP4", "TCP6":
	default:
		return Header{}, 0, fmt.Errorf("%w: neither TCP4 nor TCP6 nor UNKNOWN", ErrFamily)
	}
	fields := strings.Split(rest, " ")
	if len(fields) != 4 {
		return Header{}, 0, fmt.Errorf("%w: %d fields where two addresses and two ports are due", ErrAddress, len(fields))
	}
	for i, end := range []*netip.AddrPort{&h.Source, &h.Destination} {
		if *end, err = parseEnd(family, fields[i], fields[2+i]); err != nil {
			return Header{}, 0, err
		}
	}
	return h, n, nil
}

func parseEnd(family, address, port string) (netip.AddrPort, error) {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Zone() != "" || ip.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, fmt.Errorf("%w: none of %s", ErrAddress, family)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(port) > 1 && port[0] == '0' {
		return netip.AddrPort{}, fmt.Errorf("%w: no port", ErrAddress)
	}
	return netip.AddrPortFrom(ip, uint16(number)), nil
}

// AppendV1 appends a header in version 1. One that does not speak for anybody is
// UNKNOWN; LOCAL has no form there. It fails with ErrUnencodable.
func AppendV1(b []byte, h Header) ([]byte, error) {
	if h.Command != Proxy {
		return b, fmt.Errorf("%w: version 1 has no %v", ErrUnencodable, h.Command)
	}
	family, err := familyOf(h)
	switch {
	case err != nil:
		return b, err
	case family == familyNone:
		return append(b, v1Start+"UNKNOWN\r\n"...), nil
	}
	name := "TCP4 "
	if family == familyIPv6 {
		name = "TCP6 "
	}
	b = append(append(b, v1Start...), name...)
	b = append(h.Source.Addr().AppendTo(b), ' ')
	b = append(h.Destination.Addr().AppendTo(b), ' ')
	b = append(strconv.AppendUint(b, uint64(h.Source.Port()), 10), ' ')
	b = strconv.AppendUint(b, uint64(h.Destination.Port()), 10)
	return append(b, "\r\n"...), nil
}
