package socks5

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkVersion refuses a message by its first byte, if that is there.
func checkVersion(b []byte, want byte) error {
	if len(b) > 0 && b[0] != want {
		return fmt.Errorf("%w: 0x%02x where 0x%02x is due", ErrVersion, b[0], want)
	}
	return nil
}

// parseGreeting reads VER NMETHODS METHODS, RFC 1928 section 3.
func parseGreeting(b []byte) (Greeting, int, error) {
	if err := checkVersion(b, Version); err != nil {
		return Greeting{}, 0, err
	}
	if len(b) < 2 {
		return Greeting{}, 0, nil
	}
	n := 2 + int(b[1])
	if n == 2 {
		return Greeting{}, n, ErrNoMethods
	}
	if len(b) < n {
		return Greeting{}, 0, nil
	}
	// The capacity ends with the message, so that an append to Methods cannot
	// overwrite what follows it in the caller's buffer.
	return Greeting{Methods: b[2:n:n]}, n, nil
}

// parseCredentials reads VER ULEN UNAME PLEN PASSWD, RFC 1929 section 2.
func parseCredentials(b []byte) (Credentials, int, error) {
	if err := checkVersion(b, AuthVersion); err != nil {
		return Credentials{}, 0, err
	}
	if len(b) < 2 {
		return Credentials{}, 0, nil
	}
	userEnd := 2 + int(b[1])
	if len(b) <= userEnd {
		return Credentials{}, 0, nil
	}
	n := userEnd + 1 + int(b[userEnd])
	if len(b) < n {
		return Credentials{}, 0, nil
	}
	user, password := b[2:userEnd], b[userEnd+1:n]
	if !utf8.Valid(user) || !utf8.Valid(password) {
		return Credentials{}, n, ErrEncoding
	}
	return Credentials{User: string(user), Password: string(password)}, n, nil
}

// parseRequest reads VER CMD RSV ATYP DST.ADDR DST.PORT, RFC 1928 section 4.
func parseRequest(b []byte) (Request, int, error) {
	if err := checkVersion(b, Version); err != nil {
		return Request{}, 0, err
	}
	const header = 4
	if len(b) < header {
		return Request{}, 0, nil
	}
	command, kind := Command(b[1]), addressType(b[3])

	var n int
	switch kind {
	case typeIPv4:
		n = header + 4 + 2
	case typeIPv6:
		n = header + 16 + 2
	case typeName:
		if len(b) == header {
			return Request{}, 0, nil
		}
		n = header + 1 + int(b[header]) + 2
	default:
		if !command.known() {
			return Request{}, 0, commandError(command)
		}
		return Request{}, 0, fmt.Errorf("%w: 0x%02x", ErrAddressType, byte(kind))
	}
	if len(b) < n {
		return Request{}, 0, nil
	}
	if !command.known() {
		return Request{}, n, commandError(command)
	}
	address, err := parseAddress(kind, b[header:n])
	if err != nil {
		return Request{}, n, err
	}
	return Request{Command: command, Address: address}, n, nil
}

func commandError(c Command) error {
	return fmt.Errorf("%w: 0x%02x", ErrCommand, byte(c))
}

// parseAddress reads the address and port that make up all of b.
func parseAddress(kind addressType, b []byte) (Address, error) {
	host, port := b[:len(b)-2], binary.BigEndian.Uint16(b[len(b)-2:])
	switch kind {
	case typeIPv4:
		return Address{IP: netip.AddrFrom4([4]byte(host)), Port: port}, nil
	case typeIPv6:
		return Address{IP: netip.AddrFrom16([16]byte(host)), Port: port}, nil
	}
	name := string(host[1:])
	if !validName(name) {
		return Address{}, ErrName
	}
	return Address{Host: name, Port: port}, nil
}

// validName keeps out what a resolver, a log or a policy could take for the end
// of the name. Whether such a name can exist is the resolver's to say.
func validName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}
