package proxyproto

import "errors"

// The reasons for which a header is refused. Errors of this package wrap one of
// them; the connection had better be closed.
var (
	// ErrSignature: the first bytes are of neither version. The client does not
	// speak this.
	ErrSignature = errors.New("no PROXY header")
	// ErrTooLong: a line of version 1 that does not end within its 107 bytes, or a
	// header of version 2 above MaxPayload.
	ErrTooLong = errors.New("PROXY header too long")
	// ErrVersion: the signature of version 2, and then another version.
	ErrVersion = errors.New("unknown version of the PROXY protocol")
	// ErrCommand: neither LOCAL nor PROXY.
	ErrCommand = errors.New("unknown PROXY command")
	// ErrFamily: a family or transport that no TCP connection has, or one that is
	// not known.
	ErrFamily = errors.New("unknown address family in the PROXY header")
	// ErrAddress: addresses or ports that are none, or not of the family named.
	ErrAddress = errors.New("malformed address in the PROXY header")
	// ErrField: an additional field of version 2 that goes beyond the header.
	ErrField = errors.New("malformed field in the PROXY header")
	// ErrChecksum: the header is not what its CRC32C says.
	ErrChecksum = errors.New("wrong checksum in the PROXY header")
	// ErrUnencodable: a header that has no form in a version.
	ErrUnencodable = errors.New("PROXY header cannot be encoded")
)
