package rules

import (
	"net/netip"
	"strings"
	"unicode"
)

// The grammar of entries:
//
//	network     = every | address | cidr
//	destination = network | ports | network ":" ports
//	every       = "*" | "any"
//	ports       = range *( "," range )
//	range       = port [ "-" port ]
//
// An IPv6 address or cidr before a port stands in brackets. Bits behind the
// prefix length are zero. An IPv4-mapped IPv6 address or network is the IPv4 one,
// and ::/0 has no IPv4 address in it.

// Network is an entry of a list of addresses: an address, a network, or every
// address of both families. It is comparable. The zero value is not an entry.
type Network struct {
	text     string
	prefix   netip.Prefix // not valid: every address
	freebind bool
}

// ParseNetwork reads an entry. The error is an *EntryError.
func ParseNetwork(text string) (Network, error) {
	prefix, bad := parsePrefix(text)
	if bad == nil {
		return Network{text: text, prefix: prefix}, nil
	}
	bad.Text = text
	tight := withoutBlanks(text)
	switch {
	case tight != text:
		bad.Problem, bad.Meant = Blanks, ""
		if _, worse := parsePrefix(tight); worse == nil {
			bad.Meant = tight
		}
	case bad.Problem == NotAddress || bad.Problem == PrefixLength || bad.Problem == BadBrackets:
		if d, worse := parseDestination(text); worse == nil && d.ports != nil {
			bad.Problem = HasPort
		}
	}
	return Network{}, bad
}

// String is the entry as it was written.
func (n Network) String() string { return n.text }

// Freely is the entry as a source whose addresses need not be ones of this machine:
// see Set.Freebind.
func (n Network) Freely() Network {
	n.freebind = true
	return n
}

// Freebind says whether the entry came out of Freely.
func (n Network) Freebind() bool { return n.freebind }

// Prefixes are the networks that the entry stands for: one, or that of all
// addresses of each family. They are masked, and not IPv4-mapped.
func (n Network) Prefixes() []netip.Prefix { return n.prefixes() }

// prefixes are the networks that the entry stands for.
func (n Network) prefixes() []netip.Prefix { return prefixesOf(n.prefix) }

// Destination is an entry of a list of destinations: a network, and the ports
// there. The zero value is not an entry.
type Destination struct {
	text   string
	prefix netip.Prefix // not valid: every address
	ports  []portRange  // nil: every port
}

// ParseDestination reads an entry. The error is an *EntryError.
func ParseDestination(text string) (Destination, error) {
	d, bad := parseDestination(text)
	if bad == nil {
		return d, nil
	}
	bad.Text = text
	if tight := withoutBlanks(text); tight != text {
		bad.Problem, bad.Meant = Blanks, tight
	}
	if _, worse := parseDestination(bad.Meant); worse != nil {
		bad.Meant = "" // it had something else wrong with it
	}
	return Destination{}, bad
}

// String is the entry as it was written.
func (d Destination) String() string { return d.text }

// prefixes are the networks that the entry stands for.
func (d Destination) prefixes() []netip.Prefix { return prefixesOf(d.prefix) }

func parseDestination(text string) (Destination, *EntryError) {
	host, ports, bad := splitDestination(text)
	if bad != nil {
		return Destination{}, bad
	}
	d := Destination{text: text}
	if host != "" {
		if d.prefix, bad = parsePrefix(host); bad != nil {
			return Destination{}, wholeEntry(text, host, bad)
		}
	}
	if ports != "" {
		if d.ports, bad = parsePorts(ports); bad != nil {
			return Destination{}, bad
		}
	}
	return d, nil
}

// splitDestination parts an entry into its network and its ports, without
// brackets. One of them may be empty: it was not given.
func splitDestination(text string) (host, ports string, bad *EntryError) {
	inner, bracketed := strings.CutPrefix(text, "[")
	switch {
	case bracketed:
		return splitBrackets(inner)
	case text != "" && strings.Trim(text, "0123456789,-") == "":
		return "", text, nil
	case strings.Count(text, ":") == 1:
		host, ports, _ = strings.Cut(text, ":")
		switch {
		case host == "":
			return "", "", problem(NotAddress)
		case ports == "":
			return "", "", problem(BadPort)
		}
		return host, ports, nil
	case text == "":
		return "", "", problem(Empty)
	}
	return text, "", nil
}

// splitBrackets goes on behind the opening bracket.
func splitBrackets(inner string) (host, ports string, bad *EntryError) {
	host, rest, closed := strings.Cut(inner, "]")
	ports, more := strings.CutPrefix(rest, ":")
	switch {
	case !closed, !strings.Contains(host, ":"), !more && rest != "":
		return "", "", problem(BadBrackets)
	case more && ports == "":
		return "", "", problem(BadPort)
	}
	return host, ports, nil
}

// wholeEntry makes what is wrong with the network of an entry a statement about
// the entry.
func wholeEntry(text, host string, bad *EntryError) *EntryError {
	if text != host {
		if bad.Meant != "" {
			bad.Meant = strings.Replace(text, host, bad.Meant, 1)
		}
		return bad
	}
	// With several colons the port was not told from the address.
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		meant := "[" + text[:i] + "]" + text[i:]
		if _, worse := parseDestination(meant); worse == nil {
			return &EntryError{Problem: NoBrackets, Meant: meant}
		}
	}
	return bad
}

func withoutBlanks(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}
