package socks5

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
)

// Greeting is a client's first message, RFC 1928 section 3.
type Greeting struct {
	// Methods holds at least one method, in the client's order. It aliases
	// the bytes that were parsed and is valid as long as they are.
	Methods []byte
}

// Offers reports whether the client can authenticate by m.
func (g Greeting) Offers(m Method) bool {
	return bytes.IndexByte(g.Methods, byte(m)) >= 0
}

// Credentials is a client's user name and password, RFC 1929 section 2, both
// UTF-8 of 0 to 255 bytes.
//
// It never prints the password: not by fmt, whatever the verb, not by slog, not
// as JSON. Package fmt cannot find these methods through an unexported field,
// so a type that holds Credentials in one has to redact itself.
type Credentials struct {
	User     string
	Password string `json:"-"`
}

// String is the user name, quoted since the client chose it.
func (c Credentials) String() string {
	return "{User:" + strconv.Quote(c.User) + " Password:redacted}"
}

// GoString keeps %#v from printing the password.
func (c Credentials) GoString() string { return "socks5.Credentials" + c.String() }

// Format keeps every verb, %d and %x too, from printing the password.
func (c Credentials) Format(s fmt.State, verb rune) {
	text := c.String()
	if verb == 'v' && s.Flag('#') {
		text = c.GoString()
	}
	// A failed write is the writer's to report; fmt has no way to return it.
	_, _ = s.Write([]byte(text))
}

// LogValue is a group with the user name alone.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", c.User))
}

// Request is what a client asks for, RFC 1928 section 4.
type Request struct {
	Command Command
	Address Address
}

// Address is where a request points: a domain name or an IP address.
type Address struct {
	// Host is the name, as sent; empty if the client sent an IP address.
	// It is UTF-8 of 1 to 255 bytes without control characters, and may well
	// spell an IP address.
	Host string
	// IP is the address, as sent: an IPv4-mapped one stays mapped. It is the
	// invalid zero value if the client sent a name.
	IP   netip.Addr
	Port uint16
}

// IsName reports whether the client sent a domain name.
func (a Address) IsName() bool { return a.Host != "" }

// AddrPort is IP and Port; it is not valid if the client sent a name.
func (a Address) AddrPort() netip.AddrPort { return netip.AddrPortFrom(a.IP, a.Port) }

// String is host:port, with brackets around a host that has colons.
func (a Address) String() string {
	if !a.IsName() {
		return a.AddrPort().String()
	}
	port := strconv.Itoa(int(a.Port))
	if strings.Contains(a.Host, ":") {
		return "[" + a.Host + "]:" + port
	}
	return a.Host + ":" + port
}
