package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// kumodConnect makes a session as KumoMTA's kumod does: strictly request and
// reply, one write for each message, the source named by BIND, and an address
// for the upstream, never a name. It returns what CONNECT's reply says is the
// source, which kumod writes into its delivery log.
func kumodConnect(t *testing.T, proxy string, source netip.Addr, upstream netip.AddrPort) (net.Conn, netip.AddrPort) {
	t.Helper()
	c := dial(t, proxy)
	return c, kumodAsk(t, c, source, upstream)
}

// kumodAsk does that on a connection to the proxy.
func kumodAsk(t *testing.T, c net.Conn, source netip.Addr, upstream netip.AddrPort) netip.AddrPort {
	t.Helper()
	exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})

	bind := append([]byte{5, 2, 0}, wireAddress(netip.AddrPortFrom(source, 0))...)
	if bound := request(t, c, "BIND", bind); bound.Addr() != source {
		t.Fatalf("the reply to BIND says %v; want an address on %v", bound, source)
	}
	return request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(upstream)...))
}

// dial connects to the daemon. The connection is closed with the test and
// fails all that takes longer than patience.
func dial(t *testing.T, proxy string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", proxy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // may have been closed by the test
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange writes one message and expects one reply.
func exchange(t *testing.T, c net.Conn, what string, message, want []byte) {
	t.Helper()
	if _, err := c.Write(message); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != string(want) {
		t.Fatalf("%s: got % x, error %v; want % x", what, got[:n], err, want)
	}
}

// request writes a request and reads the address in the reply, which must say
// that it succeeded.
func request(t *testing.T, c net.Conn, what string, message []byte) netip.AddrPort {
	t.Helper()
	if _, err := c.Write(message); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	length, known := map[byte]int{1: 4, 4: 16}[head[3]]
	if string(head[:3]) != "\x05\x00\x00" || !known {
		t.Fatalf("%s: the reply begins with % x; want 05 00 00 and 01 or 04", what, head)
	}
	tail := make([]byte, length+2)
	if _, err := io.ReadFull(c, tail); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	ip, _ := netip.AddrFromSlice(tail[:length])
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(tail[length:]))
}

// wireAddress is a with the type before it, RFC 1928 section 5.
func wireAddress(a netip.AddrPort) []byte {
	b := []byte{1}
	if a.Addr().Is6() {
		b[0] = 4
	}
	b = append(b, a.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}

// connect makes a session without a source, as a SOCKS client that is no MTA
// does.
func connect(t *testing.T, proxy string, upstream netip.AddrPort) (net.Conn, netip.AddrPort) {
	t.Helper()
	c := dial(t, proxy)
	exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	return c, request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(upstream)...))
}
