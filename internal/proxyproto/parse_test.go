package proxyproto_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

const sig = "\r\n\r\n\x00\r\nQUIT\n"

var (
	ends4 = proxyproto.Header{Command: proxyproto.Proxy,
		Source: netip.MustParseAddrPort("192.0.2.1:0"), Destination: netip.MustParseAddrPort("198.51.100.25:25")}
	ends6 = proxyproto.Header{Command: proxyproto.Proxy,
		Source: netip.MustParseAddrPort("[2001:db8::1]:40000"), Destination: netip.MustParseAddrPort("[2001:db8::25]:25")}
)

// of is a header of a version.
func of(version uint8, h proxyproto.Header) proxyproto.Header {
	h.Version = version
	return h
}

func TestVersion1(t *testing.T) {
	unknown := proxyproto.Header{Version: 1, Command: proxyproto.Proxy}
	longest := "PROXY UNKNOWN " + strings.Repeat("f", proxyproto.MaxV1-16) + "\r\n"
	for _, tt := range []struct {
		name, in string
		want     proxyproto.Header
		rest     int // bytes that are not the header's
		err      error
	}{
		{name: "IPv4", in: "PROXY TCP4 192.0.2.1 198.51.100.25 0 25\r\n", want: of(1, ends4)},
		{name: "IPv6", in: "PROXY TCP6 2001:db8::1 2001:db8::25 40000 25\r\n", want: of(1, ends6)},
		{name: "data behind", in: "PROXY TCP4 192.0.2.1 198.51.100.25 0 25\r\nEHLO x\r\n", want: of(1, ends4), rest: 8},
		{name: "unknown", in: "PROXY UNKNOWN\r\n", want: unknown},
		{name: "unknown with whatever", in: "PROXY UNKNOWN ffff:: 1 x\r\n", want: unknown},
		{name: "the longest line", in: longest, want: unknown},
		{name: "one byte too long", in: longest[:len(longest)-2] + "f\r\n", err: proxyproto.ErrTooLong},
		{name: "no end", in: "PROXY " + strings.Repeat("x", 200), err: proxyproto.ErrTooLong},
		{name: "no carriage return", in: "PROXY TCP4 192.0.2.1 198.51.100.25 0 25\n", err: proxyproto.ErrAddress},
		{name: "nothing", in: "PROXY \r\n", err: proxyproto.ErrFamily},
		{name: "another transport", in: "PROXY UDP4 192.0.2.1 198.51.100.25 0 25\r\n", err: proxyproto.ErrFamily},
		{name: "small letters", in: "PROXY tcp4 192.0.2.1 198.51.100.25 0 25\r\n", err: proxyproto.ErrFamily},
		{name: "families mixed", in: "PROXY TCP4 192.0.2.1 2001:db8::25 0 25\r\n", err: proxyproto.ErrAddress},
		{name: "the wrong family", in: "PROXY TCP6 192.0.2.1 198.51.100.25 0 25\r\n", err: proxyproto.ErrAddress},
		{name: "a zone", in: "PROXY TCP6 fe80::1%eth0 2001:db8::25 0 25\r\n", err: proxyproto.ErrAddress},
		{name: "a name", in: "PROXY TCP4 192.0.2.1 mx.example.org 0 25\r\n", err: proxyproto.ErrAddress},
		{name: "a leading zero in an address", in: "PROXY TCP4 192.0.2.01 198.51.100.25 0 25\r\n", err: proxyproto.ErrAddress},
		{name: "a leading zero in a port", in: "PROXY TCP4 192.0.2.1 198.51.100.25 0 025\r\n", err: proxyproto.ErrAddress},
		{name: "port too large", in: "PROXY TCP4 192.0.2.1 198.51.100.25 0 65536\r\n", err: proxyproto.ErrAddress},
		{name: "negative port", in: "PROXY TCP4 192.0.2.1 198.51.100.25 0 -1\r\n", err: proxyproto.ErrAddress},
		{name: "a port missing", in: "PROXY TCP4 192.0.2.1 198.51.100.25 25\r\n", err: proxyproto.ErrAddress},
		{name: "junk at the end", in: "PROXY TCP4 192.0.2.1 198.51.100.25 0 25 x\r\n", err: proxyproto.ErrAddress},
		{name: "two spaces", in: "PROXY TCP4 192.0.2.1  198.51.100.25 0 25\r\n", err: proxyproto.ErrAddress},
		{name: "a tab", in: "PROXY TCP4\t192.0.2.1 198.51.100.25 0 25\r\n", err: proxyproto.ErrFamily},
		{name: "HTTP", in: "POST / HTTP/1.1\r\n", err: proxyproto.ErrSignature},
		{name: "SOCKS5", in: "\x05", err: proxyproto.ErrSignature},
		{name: "SMTP", in: "EHLO x\r\n", err: proxyproto.ErrSignature},
		{name: "TLS", in: "\x16\x03\x01", err: proxyproto.ErrSignature},
	} {
		t.Run(tt.name, func(t *testing.T) { wantParsed(t, tt.in, tt.want, len(tt.in)-tt.rest, tt.err) })
	}
}

func TestVersion2(t *testing.T) {
	const (
		a4 = "\xc0\x00\x02\x01\xc6\x33\x64\x19\x00\x00\x00\x19"
		a6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
			"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x25\x9c\x40\x00\x19"
	)
	local := proxyproto.Header{Version: 2, Command: proxyproto.Local}
	unspec := proxyproto.Header{Version: 2, Command: proxyproto.Proxy}
	for _, tt := range []struct {
		name, in string
		want     proxyproto.Header
		rest     int
		err      error
	}{
		{name: "IPv4", in: sig + "\x21\x11\x00\x0c" + a4, want: of(2, ends4)},
		{name: "IPv6", in: sig + "\x21\x21\x00\x24" + a6, want: of(2, ends6)},
		{name: "data behind", in: sig + "\x21\x11\x00\x0c" + a4 + "EHLO", want: of(2, ends4), rest: 4},
		{name: "fields", in: sig + "\x21\x11\x00\x13" + a4 + "\x01\x00\x01h\x04\x00\x00", want: of(2, ends4)},
		{name: "local", in: sig + "\x20\x00\x00\x00", want: local},
		{name: "local with a family that is none", in: sig + "\x20\xff\x00\x02xx", want: local},
		{name: "unspecified", in: sig + "\x21\x00\x00\x00", want: unspec},
		{name: "unspecified with bytes", in: sig + "\x21\x00\x00\x03xyz", want: unspec},
		{name: "the most fields", in: sig + "\x21\x11\x10\x00" + a4 + "\x04\x0f\xf1" + strings.Repeat("\x00", 4096-12-3), want: of(2, ends4)},
		{name: "too long", in: sig + "\x21\x11\x10\x01", err: proxyproto.ErrTooLong},
		{name: "as long as can be said", in: sig + "\x20\x11\xff\xff", err: proxyproto.ErrTooLong},
		{name: "version 1 in the form of 2", in: sig + "\x11", err: proxyproto.ErrVersion},
		{name: "version 3", in: sig + "\x31", err: proxyproto.ErrVersion},
		{name: "a command that is none", in: sig + "\x22\x11\x00\x0c" + a4, err: proxyproto.ErrCommand},
		{name: "UDP", in: sig + "\x21\x12\x00\x0c" + a4, err: proxyproto.ErrFamily},
		{name: "a Unix socket", in: sig + "\x21\x31\x00\xd8" + strings.Repeat("\x00", 216), err: proxyproto.ErrFamily},
		{name: "a family without a transport", in: sig + "\x21\x10\x00\x0c" + a4, err: proxyproto.ErrFamily},
		{name: "a family that is none", in: sig + "\x21\x41\x00\x0c" + a4, err: proxyproto.ErrFamily},
		{name: "families mixed: IPv6 with the length of IPv4", in: sig + "\x21\x21\x00\x0c" + a4, err: proxyproto.ErrAddress},
		{name: "no addresses", in: sig + "\x21\x11\x00\x00", err: proxyproto.ErrAddress},
		{name: "half a field", in: sig + "\x21\x11\x00\x0e" + a4 + "\x01\x00", err: proxyproto.ErrField},
		{name: "a field beyond the header", in: sig + "\x21\x11\x00\x0f" + a4 + "\x01\x00\x01", err: proxyproto.ErrField},
		{name: "a checksum of another length", in: sig + "\x21\x11\x00\x10" + a4 + "\x03\x00\x01x", err: proxyproto.ErrChecksum},
		{name: "a wrong checksum", in: sig + "\x21\x11\x00\x13" + a4 + "\x03\x00\x04\x00\x00\x00\x00", err: proxyproto.ErrChecksum},
	} {
		t.Run(tt.name, func(t *testing.T) { wantParsed(t, tt.in, tt.want, len(tt.in)-tt.rest, tt.err) })
	}
}

// wantParsed shows Parse every beginning of what has arrived, as a slow client
// would have it: before its end a header is none, and one that is refused is
// refused for good.
func wantParsed(t *testing.T, in string, want proxyproto.Header, n int, refused error) {
	t.Helper()
	if refused != nil {
		want, n = proxyproto.Header{}, 0
	}
	h, used, err := proxyproto.Parse([]byte(in))
	if h != want || used != n || !errors.Is(err, refused) {
		t.Fatalf("got %+v, n %d, err %v; want %+v, %d, %v", h, used, err, want, n, refused)
	}
	for i := range in {
		h, used, err := proxyproto.Parse([]byte(in[:i]))
		if whole := refused == nil && i >= n; !whole && (used != 0 || h.Version != 0) {
			t.Fatalf("of %d bytes: got %+v, n %d; want nothing yet", i, h, used)
		}
		if err != nil && !errors.Is(err, refused) {
			t.Fatalf("of %d bytes: got err %v; want %v or none", i, err, refused)
		}
	}
}

// TestChecksum: a header whose checksum is right is taken, and with any bit of it
// turned it is not taken for what it was.
func TestChecksum(t *testing.T) {
	for _, ends := range []proxyproto.Header{ends4, ends6} {
		b, err := proxyproto.AppendV2(nil, ends, proxyproto.Field{Type: 0x02, Value: []byte("mx.example.org")},
			proxyproto.Field{Type: proxyproto.TypeCRC32C}, proxyproto.Field{Type: 0x04})
		if err != nil {
			t.Fatal(err)
		}
		if h, n, err := proxyproto.Parse(b); h != of(2, ends) || n != len(b) || err != nil {
			t.Fatalf("got %+v, n %d, err %v; want %+v, %d", h, n, err, ends, len(b))
		}
		kind := len(b) - 3 - 4 - 3 // the byte that says that there is a checksum
		for bit := range 8 * len(b) {
			if bit/8 == kind {
				continue
			}
			b[bit/8] ^= 1 << (bit % 8)
			if h, n, err := proxyproto.Parse(b); err == nil && n > 0 && h.Speaks() {
				t.Errorf("bit %d turned: got %+v; want it refused", bit, h)
			}
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// TestHAProxy reads what HAProxy 2.6 sent with proxy-v2-options crc32c.
func TestHAProxy(t *testing.T) {
	const header = sig + "\x21\x11\x00\x13\x7f\x00\x00\x01\x7f\x00\x00\x01\xe2\xe6\x98\xbd\x03\x00\x04\xa1\x22\x1f\x8b"
	want := proxyproto.Header{Version: 2, Command: proxyproto.Proxy,
		Source: netip.MustParseAddrPort("127.0.0.1:58086"), Destination: netip.MustParseAddrPort("127.0.0.1:39101")}
	wantParsed(t, header+"EHLO", want, len(header), nil)
	b, err := proxyproto.AppendV2(nil, want, proxyproto.Field{Type: proxyproto.TypeCRC32C})
	if err != nil || string(b) != header {
		t.Fatalf("written: got %x, err %v; want %x", b, err, header)
	}
}

func TestParseAllocates(t *testing.T) {
	b, err := proxyproto.AppendV2(nil, ends6, proxyproto.Field{Type: proxyproto.TypeCRC32C})
	if err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(100, func() {
		if _, n, err := proxyproto.Parse(b); n == 0 || err != nil {
			t.Fatal("not parsed")
		}
	})
	if allocs > 0 {
		t.Errorf("got %v allocations for a header of version 2; want none", allocs)
	}
}
