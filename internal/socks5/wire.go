package socks5

import "fmt"

const (
	// Version opens every message but those of the password sub-negotiation.
	Version = 0x05
	// AuthVersion opens the password sub-negotiation, RFC 1929 section 2.
	AuthVersion = 0x01
	// MaxMessage is the length in bytes of the longest message that a client
	// can send: a user name and a password of 255 bytes each.
	MaxMessage = 2 + 255 + 1 + 255
)

// Method is a way to authenticate, RFC 1928 section 3.
type Method byte

const (
	MethodNone         Method = 0x00
	MethodGSSAPI       Method = 0x01
	MethodPassword     Method = 0x02
	MethodUnacceptable Method = 0xff
)

func (m Method) String() string {
	switch m {
	case MethodNone:
		return "no authentication"
	case MethodGSSAPI:
		return "GSSAPI"
	case MethodPassword:
		return "username/password"
	case MethodUnacceptable:
		return "no acceptable method"
	}
	return fmt.Sprintf("method 0x%02x", byte(m))
}

// Command is what a client asks for, RFC 1928 section 4.
type Command byte

const (
	Connect   Command = 0x01
	Bind      Command = 0x02
	Associate Command = 0x03
)

func (c Command) String() string {
	switch c {
	case Connect:
		return "CONNECT"
	case Bind:
		return "BIND"
	case Associate:
		return "UDP ASSOCIATE"
	}
	return fmt.Sprintf("command 0x%02x", byte(c))
}

func (c Command) known() bool { return c >= Connect && c <= Associate }

// Reply is the answer to a request, RFC 1928 section 6.
type Reply byte

const (
	Succeeded           Reply = 0x00
	GeneralFailure      Reply = 0x01
	NotAllowed          Reply = 0x02
	NetworkUnreachable  Reply = 0x03
	HostUnreachable     Reply = 0x04
	ConnectionRefused   Reply = 0x05
	TTLExpired          Reply = 0x06
	CommandNotSupported Reply = 0x07
	AddressNotSupported Reply = 0x08
)

// String is the wording of RFC 1928 section 6.
func (r Reply) String() string {
	switch r {
	case Succeeded:
		return "succeeded"
	case GeneralFailure:
		return "general SOCKS server failure"
	case NotAllowed:
		return "connection not allowed by ruleset"
	case NetworkUnreachable:
		return "network unreachable"
	case HostUnreachable:
		return "host unreachable"
	case ConnectionRefused:
		return "connection refused"
	case TTLExpired:
		return "TTL expired"
	case CommandNotSupported:
		return "command not supported"
	case AddressNotSupported:
		return "address type not supported"
	}
	return fmt.Sprintf("reply 0x%02x", byte(r))
}

// addressType is the ATYP byte, RFC 1928 section 5.
type addressType byte

const (
	typeIPv4 addressType = 0x01
	typeName addressType = 0x03
	typeIPv6 addressType = 0x04
)
