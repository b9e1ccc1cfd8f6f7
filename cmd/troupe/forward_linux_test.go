package main

import (
	"crypto/sha256"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

// forwardPolicy has a forward listener for whoever is on loopback.
const forwardPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_forward_listener { listen = '127.0.0.1:0', allow_clients = { '127.0.0.0/8' }, timeout = '10s' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)`

// forward is the address of the only forward listener.
func (d *daemon) forward() string {
	d.t.Helper()
	return d.only("forward listener", d.log.addresses("forward listener"))
}

// onEachTransport starts the daemon with a policy, once for each way to carry bytes.
func onEachTransport(t *testing.T, text string, f func(*testing.T, *daemon)) {
	t.Helper()
	for _, carried := range []string{"reactor", "goroutines"} {
		t.Run(carried, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "policy.lua")
			must(t, os.WriteFile(path, []byte(text), 0o600))
			f(t, start(t, []string{"--proxy-config", path, "--transport", carried}))
		})
	}
}

// header is what an MTA says first, in a version of the protocol.
func header(t *testing.T, version int, source string, to netip.AddrPort) []byte {
	t.Helper()
	h := proxyproto.Header{Command: proxyproto.Proxy, Source: netip.AddrPortFrom(netip.MustParseAddr(source), 0), Destination: to}
	var b []byte
	var err error
	if version == 1 {
		b, err = proxyproto.AppendV1(nil, h)
	} else {
		b, err = proxyproto.AppendV2(nil, h, proxyproto.Field{Type: proxyproto.TypeCRC32C})
	}
	must(t, err)
	return b
}

// forwarded is a connection on which some bytes were said.
func forwarded(t *testing.T, listener string, said []byte) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", listener, patience)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = c.Write(said)
	must(t, err)
	return c.(*net.TCPConn)
}

// mailServers are one for each family that this machine has.
func mailServers(t *testing.T) map[string]*smtpServer {
	t.Helper()
	all := map[string]*smtpServer{"127.0.0.9": newSMTPServer(t)}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		all["::1"] = newSMTPServerOn(t, l)
	} else {
		t.Logf("without IPv6: %v", err)
	}
	return all
}

// wantMail looks at what a mail server has got.
func wantMail(t *testing.T, server *smtpServer, source string, message []byte) {
	t.Helper()
	got := awaitDelivery(t, server)
	if got.client.Addr() != netip.MustParseAddr(source) || got.hash != sha256.Sum256(message) {
		t.Errorf("got mail from %v, as it was: %v; want it from %s and whole", got.client, got.hash == sha256.Sum256(message), source)
	}
}

// TestForwardMail: an MTA that speaks no SOCKS sends mail, by both versions of the
// header and both families, from the address that it names.
func TestForwardMail(t *testing.T) {
	t.Parallel()
	onEachTransport(t, forwardPolicy, func(t *testing.T, d *daemon) {
		message, sent := mebibyte(), 0
		for source, server := range mailServers(t) {
			for version := 1; version <= 2; version++ {
				deliver(t, forwarded(t, d.forward(), header(t, version, source, server.address)), message)
				wantMail(t, server, source, message)
				sent++
			}
		}
		d.awaitFigure(float64(sent), "proxy_connections_completed_total", "listener", d.forward())
		if got := d.scrape().value("proxy_dials_total", "listener", d.forward(), "result", "connected"); got != float64(sent) {
			t.Errorf("got %v dials; want %d", got, sent)
		}
		if status, body := d.get("/proxy/status"); status != 200 {
			t.Errorf("/proxy/status: got %d %s; want 200", status, body)
		}
	})
}

// TestForwardEarlyData: what stands behind the header in the same segment is
// relayed, and so is a header that comes byte by byte.
func TestForwardEarlyData(t *testing.T) {
	t.Parallel()
	onEachTransport(t, forwardPolicy, func(t *testing.T, d *daemon) {
		upstream := newEcho(t)
		for version := 1; version <= 2; version++ {
			said := append(header(t, version, "127.0.0.9", upstream.address), "EHLO early\r\n"...)
			wantEchoed(t, forwarded(t, d.forward(), said), "EHLO early\r\n")

			c := forwarded(t, d.forward(), said[:1])
			for i := range said[1:] {
				_, err := c.Write(said[1+i : 2+i])
				must(t, err)
			}
			wantEchoed(t, c, "EHLO early\r\n")
		}
	})
}

func wantEchoed(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		more, err := c.Read(got[n:])
		must(t, err)
		n += more
	}
	if string(got) != want {
		t.Errorf("got %q back; want %q", got, want)
	}
}

// TestForwardFails: what fails is a reset, with a metric and a line in the log that
// has the client.
func TestForwardFails(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, nobody.Close())
	refused := nobody.Addr().(*net.TCPAddr).AddrPort()
	onEachTransport(t, forwardPolicy, func(t *testing.T, d *daemon) {
		for _, tt := range []struct {
			reason, fault string
			said          []byte
		}{
			{"source_unplumbed", "client", header(t, 2, "192.0.2.1", refused)},
			{"refused", "upstream", header(t, 1, "127.0.0.9", refused)},
			{"proxy_header", "client", []byte("EHLO mta.test\r\n")},
		} {
			reason := tt.reason
			c := forwarded(t, d.forward(), tt.said)
			if n, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: got %d bytes, error %v; want a reset", reason, n, err)
			}
			d.awaitFigure(1, "proxy_session_failures_total", "listener", d.forward(), "reason", reason, "fault", tt.fault)
			await(t, "the line about "+reason, func() bool {
				for _, line := range d.log.all() {
					if strings.Contains(line, "reason="+reason) && strings.Contains(line, "client="+c.LocalAddr().String()) {
						return true
					}
				}
				return false
			})
		}
		// A health check is none of that.
		local, err := proxyproto.AppendV2(nil, proxyproto.Header{Command: proxyproto.Local})
		must(t, err)
		if n, err := forwarded(t, d.forward(), local).Read(make([]byte, 1)); n != 0 || errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("LOCAL: got %d bytes, error %v; want an end of stream", n, err)
		}
		d.awaitFigure(1, "proxy_connections_probed_total", "listener", d.forward())
	})
}
