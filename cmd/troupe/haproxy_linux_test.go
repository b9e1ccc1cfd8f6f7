package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// haproxy is the path of the real one, whose test is skipped without it.
func haproxy(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("haproxy is not installed")
	}
	return program
}

// from dials from an address of this host.
func from(t *testing.T, source, to string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c, err := dialer.Dial("tcp", to)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// TestForwardHAProxy: a real HAProxy sends mail through the forward listener, by
// both versions of the header. It tells the client and the mail server as its ends.
func TestForwardHAProxy(t *testing.T) {
	t.Parallel()
	program := haproxy(t)
	d := startPolicy(t, forwardPolicy)
	for source, server := range mailServers(t) {
		for _, option := range []string{"send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"} {
			front := runHAProxy(t, program, server.address.Addr(),
				fmt.Sprintf("tcp-request connection set-dst-port int(%d)", server.address.Port()),
				fmt.Sprintf("server troupe %s %s", d.forward(), option))
			message := mebibyte()
			deliver(t, from(t, source, front), message)
			wantMail(t, server, source, message)
		}
	}
}

// TestBehindHAProxy: with HAProxy in front of it, the daemon knows its clients by
// their own addresses, and HAProxy's health checks are probes.
func TestBehindHAProxy(t *testing.T) {
	t.Parallel()
	program := haproxy(t)
	d := startPolicy(t, `
local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  local balancer = { '127.0.0.1' }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', proxy_protocol = true, proxy_protocol_from = balancer, allow_clients = { '127.0.0.9' } }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)`)
	server := newSMTPServer(t)
	front := runHAProxy(t, program, netip.MustParseAddr("127.0.0.1"),
		fmt.Sprintf("server troupe %s check inter 500ms check-send-proxy send-proxy-v2", d.socks()))
	c := from(t, "127.0.0.9", front)
	kumodAsk(t, c, netip.MustParseAddr("127.0.0.2"), server.address)
	message := mebibyte()
	deliver(t, c, message)
	wantMail(t, server, "127.0.0.2", message)
	d.awaitFigure(1, "proxy_connections_completed_total", "listener", d.socks())
	await(t, "a health check to be counted", func() bool {
		return d.scrape().value("proxy_connections_probed_total", "listener", d.socks()) > 0
	})

	other := from(t, "127.0.0.8", front)
	_, err := other.Write([]byte{5, 1, 0})
	must(t, err)
	if n, err := other.Read(make([]byte, 2)); err == nil {
		t.Errorf("a client that is not listed got %d bytes; want it closed", n)
	}
	await(t, "the line about it", func() bool {
		return d.log.contains("client=" + other.LocalAddr().String() + " reason=client_refused")
	})
	if got := d.scrape().value("proxy_session_failures_total", "listener", d.socks(), "reason", "client_refused", "fault", "client"); got != 1 {
		t.Errorf("%v clients were refused; want the one, and no health check", got)
	}
}

// runHAProxy starts HAProxy with one listener on an address, which has the lines.
// The socket is passed to it, so who connects before it is ready waits.
//
// It has no retries: a reset that it sees while it still sends the header is a failed
// connect to it, and it would come again as the same client.
func runHAProxy(t *testing.T, program string, ip netip.Addr, lines ...string) (front string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	must(t, err)
	defer l.Close()
	socket, err := l.File()
	must(t, err)
	defer socket.Close()
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `defaults
  mode tcp
  retries 0
  timeout connect 30s
  timeout client 60s
  timeout server 60s
listen front
  bind fd@3
  %s
`, strings.Join(lines, "\n  ")), 0o600))
	c := exec.Command(program, "-db", "-f", file)
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	c.ExtraFiles = []*os.File{socket}
	c.SysProcAttr = diesWithParent()
	must(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("haproxy said:\n%s", said.String())
		}
	})
	return l.Addr().String()
}
