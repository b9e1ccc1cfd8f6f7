package proxyproto

import (
	"fmt"
	"net/netip"
)

// Command is what a header is for.
type Command uint8

const (
	// Local: the sender speaks for itself, as in a health check. Version 1 has no
	// such command.
	Local Command = 0x0
	// Proxy: the sender speaks for somebody else.
	Proxy Command = 0x1
)

func (c Command) String() string {
	switch c {
	case Local:
		return "LOCAL"
	case Proxy:
		return "PROXY"
	}
	return fmt.Sprintf("command 0x%x", uint8(c))
}

// Header is what is said in front of a connection.
type Header struct {
	Version uint8 // 1 or 2
	Command Command
	// Source and Destination are the two ends of the connection that is spoken for,
	// of one family, as sent: an IPv4-mapped address stays mapped. Both are not
	// valid when the sender speaks for itself or does not say for whom (UNKNOWN in
	// version 1, UNSPEC in version 2).
	Source, Destination netip.AddrPort
}

// Speaks reports whether the header names the two ends of a connection. Without
// them the ends are those of the connection that the header came by.
func (h Header) Speaks() bool { return h.Source.IsValid() }
