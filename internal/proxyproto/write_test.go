package proxyproto_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

// anyHeader is drawn at random, of those that can be encoded.
func anyHeader(rng *rand.Rand) proxyproto.Header {
	h := proxyproto.Header{Version: uint8(1 + rng.IntN(2)), Command: proxyproto.Proxy}
	size := []int{0, 4, 16}[rng.IntN(3)]
	if size == 0 {
		if h.Version == 2 && rng.IntN(2) == 0 {
			h.Command = proxyproto.Local
		}
		return h
	}
	for _, end := range []*netip.AddrPort{&h.Source, &h.Destination} {
		raw := make([]byte, size)
		for i := range raw {
			raw[i] = byte(rng.Uint32()) & byte(-rng.IntN(2)) // half of them zero, for the short forms of IPv6
		}
		ip, _ := netip.AddrFromSlice(raw)
		*end = netip.AddrPortFrom(ip, uint16(rng.Uint32()))
	}
	return h
}

func encode(h proxyproto.Header, fields ...proxyproto.Field) ([]byte, error) {
	if h.Version == 1 {
		return proxyproto.AppendV1([]byte("before"), h)
	}
	return proxyproto.AppendV2([]byte("before"), h, fields...)
}

// TestWhatIsWrittenIsRead: every header comes back as it was, whatever follows it.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		h := anyHeader(rng)
		var fields []proxyproto.Field
		if h.Version == 2 && h.Speaks() && rng.IntN(2) == 0 {
			fields = []proxyproto.Field{{Type: 0x05, Value: bytes.Repeat([]byte{7}, rng.IntN(200))}, {Type: proxyproto.TypeCRC32C}}
		}
		b, err := encode(h, fields...)
		if err != nil || string(b[:6]) != "before" {
			t.Fatalf("%+v: got %q, err %v", h, b, err)
		}
		b = b[6:]
		got, n, err := proxyproto.Parse(append(bytes.Clone(b), "EHLO"...))
		if got != h || n != len(b) || err != nil {
			t.Fatalf("%x: got %+v, n %d, err %v; want %+v, %d", b, got, n, err, h, len(b))
		}
	}
}

func TestUnencodable(t *testing.T) {
	mixed := ends4
	mixed.Destination = ends6.Destination
	half := ends4
	half.Source = netip.AddrPort{}
	for name, h := range map[string]proxyproto.Header{
		"families mixed": mixed, "one end": half,
		"a local one with ends": {Command: proxyproto.Local, Source: ends4.Source, Destination: ends4.Destination},
		"another command":       {Command: 2},
	} {
		if b, err := proxyproto.AppendV2(nil, h); len(b) > 0 || !errors.Is(err, proxyproto.ErrUnencodable) {
			t.Errorf("%s, version 2: got %x, %v; want %v", name, b, err, proxyproto.ErrUnencodable)
		}
		if b, err := proxyproto.AppendV1(nil, h); len(b) > 0 || !errors.Is(err, proxyproto.ErrUnencodable) {
			t.Errorf("%s, version 1: got %x, %v; want %v", name, b, err, proxyproto.ErrUnencodable)
		}
	}
	long := proxyproto.Field{Type: 0xee, Value: make([]byte, proxyproto.MaxPayload)}
	if b, err := proxyproto.AppendV2(nil, ends4, long); len(b) > 0 || !errors.Is(err, proxyproto.ErrUnencodable) {
		t.Errorf("a field too long: got %d bytes, %v; want %v", len(b), err, proxyproto.ErrUnencodable)
	}
	if b, err := proxyproto.AppendV1(nil, proxyproto.Header{Command: proxyproto.Local}); len(b) > 0 || !errors.Is(err, proxyproto.ErrUnencodable) {
		t.Errorf("LOCAL in version 1: got %q, %v; want %v", b, err, proxyproto.ErrUnencodable)
	}
}
