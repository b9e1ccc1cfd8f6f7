package rules

import (
	"net/netip"
	"strings"
	"unicode"
)

// parsePrefix reads a network without ports. The prefix is not valid for every
// address.
func parsePrefix(text string) (netip.Prefix, *EntryError) {
	if text == "*" || text == "any" {
		return netip.Prefix{}, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, notPrefix(text)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, &EntryError{Problem: HostBits, Meant: masked.String()}
	}
	if addr := prefix.Addr(); addr.Is4In6() {
		// No bit is set behind the length, so the length is 96 at least.
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix, nil
}

// notPrefix says why a text is neither an address nor a network.
func notPrefix(text string) *EntryError {
	host, _, slash := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(host)
	switch {
	case text == "":
		return problem(Empty)
	case err == nil && addr.Zone() != "":
		return problem(HasZone)
	case err == nil && slash:
		return problem(PrefixLength)
	case strings.HasPrefix(text, "["):
		return problem(BadBrackets)
	case !strings.Contains(text, ":") && strings.IndexFunc(text, unicode.IsLetter) >= 0:
		return problem(IsName)
	}
	return problem(NotAddress)
}

func problem(p Problem) *EntryError { return &EntryError{Problem: p} }

// prefixesOf is what a parsed prefix stands for.
func prefixesOf(p netip.Prefix) []netip.Prefix {
	if p.IsValid() {
		return []netip.Prefix{p}
	}
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

// canonical is the one form in which an address is judged: not IPv4-mapped, and
// without a zone.
func canonical(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
