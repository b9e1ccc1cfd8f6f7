package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// behindTLS is the part of a policy that has a listener speak TLS behind a load
// balancer at 127.0.0.1.
func behindTLS(a *authority) string {
	return fmt.Sprintf("use_tls = true, tls_certificate = %q, tls_private_key = %q, proxy_protocol = true, proxy_protocol_from = { '127.0.0.1' }",
		a.path("proxy.pem"), a.path("proxy.key"))
}

func startHeaderTLS(t *testing.T, timeout string) (*daemon, *authority) {
	t.Helper()
	a := newAuthority(t)
	a.issue("proxy", time.Now().Add(time.Hour))
	return startPolicy(t, fmt.Sprintf(`
local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', allow_clients = { '203.0.113.0/24', '127.0.0.9' }, allow_local_destinations = true, timeout = '%s', %s }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)`, timeout, behindTLS(a)), "TROUPE_LOG=debug"), a
}

// introduce is a header for a client at 203.0.113.9.
func introduce(t *testing.T, version int) []byte {
	t.Helper()
	return header(t, version, "203.0.113.9", netip.MustParseAddrPort("192.0.2.1:1080"))
}

// TestHeaderThenTLS: the header comes in the clear, and the TLS handshake after it.
func TestHeaderThenTLS(t *testing.T) {
	t.Parallel()
	d, a := startHeaderTLS(t, "60s")
	echo := newEcho(t)
	for version := 1; version <= 2; version++ {
		raw := forwarded(t, d.socks(), introduce(t, version))
		c := tls.Client(raw, a.client(""))
		exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(echo.address)...))
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		must(t, c.CloseWrite())
		if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
			t.Errorf("version %d: got %q, error %v after the end; want nothing", version, rest, err)
		}
		d.awaitFigure(float64(version), "proxy_sessions_ended_total", "listener", d.socks(), "end", "fin")
	}
	await(t, "the line of the client that the header names", func() bool { return d.log.contains("client=203.0.113.9:0") })
}

// TestHeaderThenHTTPS: an HTTP listener takes its header ahead of TLS as well.
func TestHeaderThenHTTPS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("proxy", time.Now().Add(time.Hour))
	d := startPolicy(t, fmt.Sprintf(`
local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_http_listener { listen = '127.0.0.1:0', trusted_hosts = { '203.0.113.9' }, %s }
end)`, behindTLS(a)))
	address := d.only("https listener", d.log.addresses("https listener"))
	if err := tls.Client(dial(t, address), a.client("")).Handshake(); err == nil {
		t.Error("without a header: the handshake succeeded; want the connection closed")
	}
	for version := 1; version <= 2; version++ {
		c := tls.Client(forwarded(t, address, introduce(t, version)), a.client(""))
		r, err := http.NewRequest("GET", "https://127.0.0.1/metrics", nil)
		must(t, err)
		must(t, r.Write(c))
		answer, err := http.ReadResponse(bufio.NewReader(c), r)
		must(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		must(t, err)
		if answer.StatusCode != 200 || !strings.Contains(string(body), `proxy_http_clients_refused_total{reason="header"} 1`) {
			t.Errorf("version %d: got %s, %.200s; want the figures, for the client that is trusted, and the one without a header in them", version, answer.Status, body)
		}
	}
}

// TestNoTLSWithoutHeader: whoever brings no header that can be believed does not get
// as far as a handshake, and each is told apart in the figures.
func TestNoTLSWithoutHeader(t *testing.T) {
	t.Parallel()
	d, a := startHeaderTLS(t, "300ms")
	failed := func(reason string) {
		t.Helper()
		d.awaitFigure(1, "proxy_session_failures_total", "listener", d.socks(), "reason", reason, "fault", "client")
	}
	if err := tls.Client(dial(t, d.socks()), a.client("")).Handshake(); err == nil {
		t.Error("without a header: the handshake succeeded")
	}
	failed("proxy_header")

	elsewhere := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	if c, err := elsewhere.Dial("tcp", d.socks()); err == nil { // else the reset was quicker
		if err := tls.Client(c, a.client("")).Handshake(); err == nil {
			t.Error("from elsewhere than the load balancer: the handshake succeeded")
		}
		_ = c.Close()
	}
	failed("client_refused")

	slow := forwarded(t, d.socks(), introduce(t, 2)[:13])
	if n, err := slow.Read(make([]byte, 1)); err == nil {
		t.Errorf("half a header: got %d bytes; want it closed", n)
	}
	failed("handshake_timeout")

	silent := forwarded(t, d.socks(), introduce(t, 1))
	if n, err := io.Copy(io.Discard, silent); n > 0 && err == nil {
		t.Logf("got %d bytes", n) // an alert may come first
	}
	failed("tls_handshake")
}

// TestHAProxyThenTLS: a real HAProxy sends the header and speaks TLS behind it, and
// so do its health checks.
func TestHAProxyThenTLS(t *testing.T) {
	t.Parallel()
	program := haproxy(t)
	d, a := startHeaderTLS(t, "60s")
	server := newSMTPServer(t)
	// By version 1 a check says that it is a client, at the load balancer's address.
	for _, option := range []string{"send-proxy", "send-proxy-v2 check inter 5s check-send-proxy check-ssl"} {
		front := runHAProxy(t, program, netip.MustParseAddr("127.0.0.1"),
			fmt.Sprintf("server troupe %s %s ssl verify required ca-file %s", d.socks(), option, a.path("ca.pem")))
		c := from(t, "127.0.0.9", front)
		kumodAsk(t, c, netip.MustParseAddr("127.0.0.2"), server.address)
		message := mebibyte()
		deliver(t, c, message)
		wantMail(t, server, "127.0.0.2", message)
	}
	await(t, "a health check to be counted", func() bool {
		return d.scrape().value("proxy_connections_probed_total", "listener", d.socks()) > 0
	})
	if line := d.log.all(); strings.Contains(strings.Join(line, "\n"), "reason=proxy_header") {
		t.Error("a header of HAProxy's was refused")
	}
}
