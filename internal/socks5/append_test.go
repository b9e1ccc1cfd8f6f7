package socks5_test

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

func TestReplies(t *testing.T) {
	ip4 := netip.MustParseAddrPort("192.0.2.1:25")
	ip6 := netip.MustParseAddrPort("[2001:db8::1]:25")
	mapped := netip.MustParseAddrPort("[::ffff:192.0.2.1]:25")
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"no authentication", socks5.AppendMethod(nil, socks5.MethodNone), "0500"},
		{"password", socks5.AppendMethod(nil, socks5.MethodPassword), "0502"},
		{"no acceptable method", socks5.AppendMethod(nil, socks5.MethodUnacceptable), "05ff"},
		{"authenticated", socks5.AppendAuthStatus(nil, true), "0100"},
		{"not authenticated", socks5.AppendAuthStatus(nil, false), "0101"},
		{"success IPv4", socks5.AppendReply(nil, socks5.Succeeded, ip4), "05000001c00002010019"},
		{"success IPv6", socks5.AppendReply(nil, socks5.Succeeded, ip6), "0500000420010db80000000000000000000000010019"},
		{"success IPv4-mapped", socks5.AppendReply(nil, socks5.Succeeded, mapped), "05000001c00002010019"},
		{"success without an address", socks5.AppendReply(nil, socks5.Succeeded, netip.AddrPort{}), "05000001000000000000"},
		{"success on the unspecified address", socks5.AppendReply(nil, socks5.Succeeded, netip.MustParseAddrPort("[::]:0")), "05000004" + strings.Repeat("00", 18)},
		{"failure", socks5.AppendReply(nil, socks5.ConnectionRefused, netip.AddrPort{}), "05050001000000000000"},
		{"failure for IPv6", socks5.AppendReply(nil, socks5.NotAllowed, ip6), "05020001000000000000"},
		{"after other bytes", socks5.AppendAuthStatus([]byte{0xaa}, true), "aa0100"},
	} {
		if got := hex.EncodeToString(tt.got); got != tt.want {
			t.Errorf("%s: got %s; want %s", tt.name, got, tt.want)
		}
	}
}

func TestWhatCannotBeEncodedAppendsNothing(t *testing.T) {
	long := strings.Repeat("x", 256)
	dst := []byte("before")
	for _, tt := range []struct {
		name  string
		apply func() ([]byte, error)
	}{
		{"no methods", func() ([]byte, error) { return socks5.AppendGreeting(dst, socks5.Greeting{}) }},
		{"256 methods", func() ([]byte, error) { return socks5.AppendGreeting(dst, socks5.Greeting{Methods: []byte(long)}) }},
		{"long user", func() ([]byte, error) { return socks5.AppendCredentials(dst, socks5.Credentials{User: long}) }},
		{"long password", func() ([]byte, error) { return socks5.AppendCredentials(dst, socks5.Credentials{Password: long}) }},
		{"long name", func() ([]byte, error) {
			return socks5.AppendRequest(dst, socks5.Request{Command: socks5.Connect, Address: socks5.Address{Host: long}})
		}},
		{"no address", func() ([]byte, error) {
			return socks5.AppendRequest(dst, socks5.Request{Command: socks5.Connect})
		}},
	} {
		got, err := tt.apply()
		if string(got) != "before" || !errors.Is(err, socks5.ErrUnencodable) {
			t.Errorf("%s: got %q, %v; want %q, %v", tt.name, got, err, "before", socks5.ErrUnencodable)
		}
	}
}
