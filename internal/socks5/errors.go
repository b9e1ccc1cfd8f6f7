package socks5

import "errors"

// The reasons for which a message is refused. Errors of this package wrap one
// of them and add the byte in question, never a byte of a name, user or
// password.
var (
	// ErrVersion: the first byte is not Version, or not AuthVersion where
	// credentials are due. There is no reply: the client does not speak this.
	ErrVersion = errors.New("wrong protocol version")
	// ErrNoMethods: a greeting that offers no method. There is no reply.
	ErrNoMethods = errors.New("no authentication method offered")
	// ErrEncoding: a user or password that is not UTF-8. KumoMTA's proxy
	// closes without a reply, and so should the caller.
	ErrEncoding = errors.New("user or password is not UTF-8")
	// ErrCommand: a command byte outside RFC 1928 section 4. The reply is
	// CommandNotSupported.
	ErrCommand = errors.New("unknown command")
	// ErrAddressType: an ATYP byte outside RFC 1928 section 5. The reply is
	// AddressNotSupported.
	ErrAddressType = errors.New("unknown address type")
	// ErrName: a domain name that is empty, is not UTF-8 or has control
	// characters in it. The reply is GeneralFailure.
	ErrName = errors.New("malformed domain name")
	// ErrPhase: a method of Server was called out of turn: a fault of the
	// caller, not of the client.
	ErrPhase = errors.New("call out of turn")
	// ErrUnencodable: a message that has no form on the wire, because a part
	// is longer than 255 bytes or a part that must not be empty is.
	ErrUnencodable = errors.New("message cannot be encoded")
)
