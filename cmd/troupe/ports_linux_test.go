package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestPortsPerDestination: a source address has its ports once for each
// destination. When it took them at BIND, ten ports were ten sessions in all,
// wherever they led.
func TestPortsPerDestination(t *testing.T) {
	if !onNetwork(t) {
		return
	}
	const ports, destinations = 10, 3
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("ip: %v: %s", err, out)
	}
	// All that listens does so before there are few ports.
	d := startPolicy(t, onePolicy)
	var upstreams []netip.AddrPort
	for range destinations {
		upstreams = append(upstreams, newEcho(t).address)
	}
	proxy := netip.MustParseAddrPort(d.socks())
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", fmt.Appendf(nil, "40000 %d", 40000+ports-1), 0o600))

	source := netip.MustParseAddr("127.0.0.2")
	bind := append([]byte{5, 2, 0}, wireAddress(netip.AddrPortFrom(source, 0))...)
	client := 0
	bound := func() net.Conn {
		// On none of the ten: one that anybody has bound is given to no other.
		client++
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000 + client}}
		c, err := dialer.Dial("tcp", proxy.String())
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		must(t, c.SetDeadline(time.Now().Add(patience)))
		exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		if got := request(t, c, "BIND", bind); got.Addr() != source {
			t.Fatalf("the reply to BIND says %v; want an address on %v", got, source)
		}
		return c
	}
	for _, upstream := range upstreams {
		for range ports {
			c := bound()
			request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(upstream)...))
			exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		}
	}
	for _, upstream := range upstreams {
		connect := append([]byte{5, 1, 0}, wireAddress(upstream)...)
		exchange(t, bound(), "CONNECT without a free port", connect, []byte{5, 1, 0})
	}
	d.awaitFigure(ports*destinations, "proxy_active_connections", "listener", d.socks())
}
