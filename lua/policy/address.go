package policy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// The reasons why a text is not a listen address. Each stands behind "expected
// host:port such as ..., got ...".
var (
	errNoPort       = errors.New("the port is missing")
	errEmptyHost    = errors.New("the host is empty; 0.0.0.0 is every IPv4 address, [::] every IPv6 address")
	errBrackets     = errors.New("an IPv6 address stands in brackets, as in [::1]:1080")
	errBracketsHost = errors.New("only an IPv6 address stands in brackets")
	errPort         = errors.New("the port is a number between 0 and 65535")
	errHost         = errors.New("the host is neither an IP address nor a name")
)

// checkAddress checks the form of host:port and returns a spelling of it that is
// the same for the same address, to find one that was given twice. It resolves
// nothing.
func checkAddress(text string) (canonical string, port uint16, err error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, splitReason(text)
	}
	if port, err = checkPort(portText); err != nil {
		return "", 0, err
	}
	if host == "" {
		return "", 0, errEmptyHost
	}
	addr, err := netip.ParseAddr(host)
	bracketed := strings.HasPrefix(text, "[")
	switch {
	case err == nil && bracketed != addr.Is6():
		return "", 0, errBracketsHost
	case err == nil:
		return netip.AddrPortFrom(addr.Unmap(), port).String(), port, nil
	case bracketed || !isHostName(host):
		return "", 0, errHost
	}
	return fmt.Sprintf("%s:%d", strings.ToLower(host), port), port, nil
}

// splitReason says in our words why net.SplitHostPort gave up.
func splitReason(text string) error {
	_, err := netip.ParseAddr(strings.Trim(text, "[]"))
	colons := strings.Count(text, ":")
	switch {
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"), colons == 0:
		return errNoPort
	case colons > 1 && (err == nil || !strings.HasPrefix(text, "[")):
		return errBrackets
	}
	return errHost
}

func checkPort(text string) (uint16, error) {
	if text == "" {
		return 0, errNoPort
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || strings.HasPrefix(text, "+") {
		return 0, errPort
	}
	return uint16(port), nil
}

// isHostName accepts what a resolver may be asked for: letters, digits, hyphens
// and underscores between dots (RFC 1123 section 2.1; the underscore occurs in
// /etc/hosts). A last label of digits is a mistyped IPv4 address, not a name.
func isHostName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		if strings.IndexFunc(label, notInHostName) >= 0 {
			return false
		}
		last = label
	}
	return strings.Trim(last, "0123456789") != ""
}

func notInHostName(r rune) bool {
	inName := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	return !inName
}

// parseTrusted reads one entry of trusted_hosts: an address, a network whose
// host bits are zero, or "any". IPv4-mapped IPv6 is unmapped, because clients'
// addresses are unmapped before they are compared.
func parseTrusted(entry string) ([]netip.Prefix, error) {
	if entry == "any" {
		return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}, nil
	}
	if addr, err := netip.ParseAddr(entry); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(entry)
	if err != nil {
		return nil, fmt.Errorf("%s is not a valid CIDR: expected an address, a network such as 10.0.0.0/8, or 'any'", quote(entry))
	}
	if masked := prefix.Masked(); masked != prefix {
		return nil, fmt.Errorf("%s is not a valid CIDR: host bits are set. Did you mean %s?", quote(entry), masked)
	}
	if addr := prefix.Addr(); addr.Is4In6() {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return []netip.Prefix{prefix}, nil
}
