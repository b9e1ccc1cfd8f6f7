package main

import (
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

// resized is a header of version 2 that says another length than it has.
func resized(t *testing.T, h []byte, length uint16, more string) []byte {
	t.Helper()
	h = append(h, more...)
	binary.BigEndian.PutUint16(h[14:], length)
	return h
}

// TestForwardBadInput: whatever a client says in place of a header, it is told apart
// in the figures and nothing is dialled; and the daemon serves the next one.
func TestForwardBadInput(t *testing.T) {
	t.Parallel()
	upstream := newEcho(t)
	v2 := func() []byte {
		h, err := proxyproto.AppendV2(nil, proxyproto.Header{Command: proxyproto.Proxy,
			Source: netip.MustParseAddrPort("127.0.0.9:0"), Destination: upstream.address})
		must(t, err)
		return h
	}
	v1 := string(header(t, 1, "127.0.0.9", upstream.address))
	onEachTransport(t, strings.Replace(forwardPolicy, "'10s'", "'1s'", 1), func(t *testing.T, d *daemon) {
		counts := map[string]float64{}
		for _, tt := range []struct {
			name   string
			said   []byte
			ends   bool // the client ends its stream behind it
			reason string
		}{
			{name: "v2 of 64 KiB", said: resized(t, v2(), 0xffff, strings.Repeat("\x04", 20_000)), reason: "proxy_header"},
			{name: "v2, families mixed", said: append(append(v2()[:13:13], 0x21), v2()[14:]...), reason: "proxy_header"},
			{name: "v2, half a TLV", said: resized(t, v2(), 14, "\x01\x00"), reason: "proxy_header"},
			{name: "v2, a TLV beyond the end", said: resized(t, v2(), 15, "\x01\xff\xff"), reason: "proxy_header"},
			{name: "v2, UDP", said: append(append(v2()[:13:13], 0x12), v2()[14:]...), reason: "proxy_header"},
			{name: "v1 without an end", said: []byte("PROXY " + strings.Repeat("x", 200)), reason: "proxy_header"},
			{name: "v1, families mixed", said: []byte(strings.Replace(v1, "TCP4", "TCP6", 1)), reason: "proxy_header"},
			{name: "v1, junk behind", said: []byte(strings.Replace(v1, "\r\n", " junk\r\n", 1)), reason: "proxy_header"},
			{name: "v1, truncated", said: []byte(v1[:len(v1)-1]), ends: true, reason: "client_left"},
			{name: "v2, truncated", said: v2()[:20], ends: true, reason: "client_left"},
			{name: "v2, never whole", said: v2()[:20], reason: "handshake_timeout"},
		} {
			c := forwarded(t, d.forward(), tt.said)
			if tt.ends {
				_ = c.CloseWrite() // it may have been reset by then
			}
			if n, _ := io.Copy(io.Discard, c); n > 0 {
				t.Errorf("%s: got %d bytes; want none", tt.name, n)
			}
			counts[tt.reason]++
			d.awaitFigure(counts[tt.reason], "proxy_session_failures_total", "listener", d.forward(), "reason", tt.reason, "fault", "client")
		}
		for n, said := range []string{"PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x21\x00\x00\x00", "\r\n\r\n\x00\r\nQUIT\n\x20\x11\x00\x0cabcdefghijkl"} {
			if got, err := io.Copy(io.Discard, forwarded(t, d.forward(), []byte(said))); got > 0 || err != nil {
				t.Errorf("%q: got %d bytes, error %v; want an end of stream", said, got, err)
			}
			d.awaitFigure(float64(n+1), "proxy_connections_probed_total", "listener", d.forward())
		}
		wantEchoed(t, forwarded(t, d.forward(), append(resized(t, v2(), 16, "\x04\x00\x01x"), "hello"...)), "hello")
	})
}
