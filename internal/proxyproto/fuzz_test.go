package proxyproto_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

// seeds are beginnings of connections, with headers whole and broken.
func seeds() [][]byte {
	out := [][]byte{
		nil,
		[]byte("PROXY TCP4 192.0.2.1 198.51.100.25 0 25\r\nEHLO x\r\n"),
		[]byte("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 40000 25\r\n"),
		[]byte("PROXY UNKNOWN ffff::\r\n"),
		[]byte("PROXY TCP4 192.0.2.1 2001:db8::25 0 25\r\n"),
		[]byte("PROXY TCP4 192.0.2.1 198.51.100.25 0 25\n"),
		bytes.Repeat([]byte("PROXY "), 30),
		[]byte(sig + "\x20\x00\x00\x00"),
		[]byte(sig + "\x21\x00\x00\x05\x01\x00\x02ab"),
		[]byte(sig + "\x21\x31\x00\x01x"),
		[]byte(sig + "\x21\x11\xff\xff"),
		[]byte("\x05\x01\x00"),
	}
	for _, ends := range []proxyproto.Header{ends4, ends6} {
		b, _ := proxyproto.AppendV2(nil, ends, proxyproto.Field{Type: 1, Value: []byte("smtp")}, proxyproto.Field{Type: proxyproto.TypeCRC32C})
		out = append(out, append(b, "EHLO x\r\n"...), b[:len(b)-1])
	}
	return out
}

// FuzzParse: however a connection is cut into packets, its header is the same, and
// it is at the first byte at which it can be told; what was read can be written.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		h, n, err := proxyproto.Parse(stream)
		if n < 0 || n > len(stream) || err != nil && (n != 0 || h != proxyproto.Header{}) || n == 0 && h != (proxyproto.Header{}) {
			t.Fatalf("got %+v, n %d, err %v of %d bytes", h, n, err, len(stream))
		}
		for i := range min(len(stream), 300) {
			early, used, failed := proxyproto.Parse(stream[:i])
			switch {
			case used > 0 && (used != n || early != h):
				t.Fatalf("of %d bytes: got %+v, n %d; want %+v, %d", i, early, used, h, n)
			case failed != nil && !errors.Is(err, root(failed)):
				t.Fatalf("of %d bytes: got err %v; want %v", i, failed, err)
			}
		}
		if n == 0 {
			return
		}
		again, err := encode(h)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", h, err)
		}
		if back, _, err := proxyproto.Parse(again[6:]); back != h || err != nil {
			t.Fatalf("written and read: got %+v, err %v; want %+v", back, err, h)
		}
	})
}

// root is the reason that an error wraps.
func root(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

// The driver above would pass on a parser that never says anything.
func TestSeedsAreHeaders(t *testing.T) {
	whole := 0
	for _, seed := range seeds() {
		if _, n, err := proxyproto.Parse(seed); n > 0 && err == nil {
			whole++
		}
	}
	if whole < 6 {
		t.Errorf("got %d headers out of the seeds; want at least 6", whole)
	}
}
