package socks5

import "encoding/binary"

// The functions below write what a client sends: for probes, tools and the
// tests that hold the parser to its word. On error they return dst unchanged
// and ErrUnencodable.

// AppendGreeting appends a greeting of 1 to 255 methods.
func AppendGreeting(dst []byte, g Greeting) ([]byte, error) {
	if len(g.Methods) == 0 || len(g.Methods) > 255 {
		return dst, ErrUnencodable
	}
	dst = append(dst, Version, byte(len(g.Methods)))
	return append(dst, g.Methods...), nil
}

// AppendCredentials appends a user name and a password of at most 255 bytes
// each.
func AppendCredentials(dst []byte, c Credentials) ([]byte, error) {
	if len(c.User) > 255 || len(c.Password) > 255 {
		return dst, ErrUnencodable
	}
	dst = append(dst, AuthVersion, byte(len(c.User)))
	dst = append(dst, c.User...)
	dst = append(dst, byte(len(c.Password)))
	return append(dst, c.Password...), nil
}

// AppendRequest appends a request, whatever its command. Its address is a name
// of 1 to 255 bytes or else a valid IP; the zone of an IP is not sent.
func AppendRequest(dst []byte, r Request) ([]byte, error) {
	address := r.Address
	if len(address.Host) > 255 || !address.IsName() && !address.IP.IsValid() {
		return dst, ErrUnencodable
	}
	dst = append(dst, Version, byte(r.Command), 0)
	if !address.IsName() {
		return appendIP(dst, address.IP, address.Port), nil
	}
	dst = append(dst, byte(typeName), byte(len(address.Host)))
	dst = append(dst, address.Host...)
	return binary.BigEndian.AppendUint16(dst, address.Port), nil
}
