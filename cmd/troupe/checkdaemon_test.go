package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/examples"
)

// tlsExample is an example with the files of an authority in place of those of the
// host.
func tlsExample(t *testing.T, a *authority, text []byte) []byte {
	t.Helper()
	if !bytes.Contains(text, []byte("'/etc/troupe/tls/'")) {
		return text
	}
	a.issue("proxy", time.Now().Add(time.Hour))
	a.issue("node", time.Now().Add(time.Hour))
	a.write("nodes-ca.pem", "CERTIFICATE", a.leaf.Raw)
	return bytes.ReplaceAll(text, []byte("/etc/troupe/tls/"), []byte(filepath.ToSlash(a.dir)+"/"))
}

var listenKey = regexp.MustCompile(`listen = '[^']*'`)

// TestTLSExample: the daemon with lua/examples/tls.lua serves who has a certificate
// of the authority, and nobody else.
func TestTLSExample(t *testing.T) {
	t.Parallel()
	text, err := examples.FS.ReadFile("tls.lua")
	must(t, err)
	a := newAuthority(t)
	served := listenKey.ReplaceAllString(string(tlsExample(t, a, text)), "listen = '127.0.0.1:0'")
	// Upstreams of a test have other ports than mail servers.
	d := startPolicy(t, strings.Replace(served, "'*:25'", "'*'", 1))
	echo := newEcho(t)
	c, _ := connectTLS(t, d.socks(), a.client("node"), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	must(t, c.Close())

	stranger, err := connectAs(t, d.socks())
	must(t, err)
	defer stranger.Close()
	_, err = stranger.Write([]byte{5, 1, 0, 5, 1, 0}) // no TLS at all, and as long as the head of a record
	must(t, err)
	if answer, err := io.ReadAll(stranger); bytes.HasPrefix(answer, []byte{5}) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %x, %v; want nobody served without TLS", answer, err)
	}
}

// connectAs dials a proxy, with a deadline.
func connectAs(t *testing.T, proxy string) (net.Conn, error) {
	t.Helper()
	c, err := net.DialTimeout("tcp", proxy, patience)
	must(t, err)
	return c, c.SetDeadline(time.Now().Add(patience))
}

// judged is a policy that decides by rules and by a hook.
const judged = `
local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_server_request', function(request)
  if request.destination_port == 7001 then return false end
  if request.destination_port == 7002 then error('out of order') end
  if request.destination_port == 7003 then return { destination = '192.0.2.1:7004' } end
end)
kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:0', allow_sources = { '127.0.0.0/8' }, require_source = false,
    deny_destinations = { '192.0.2.0/24', '127.0.0.1:7005' },
  }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`

// TestExplainAgreesWithTheDaemon puts the same requests to both.
func TestExplainAgreesWithTheDaemon(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, judged)
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(judged), 0o600))
	echo := newEcho(t)
	for _, tt := range []struct {
		to     netip.AddrPort
		source string
		reply  byte
	}{
		{echo.address, "", 0},
		{echo.address, "127.0.0.1", 0},
		{echo.address, "10.255.255.1", 2},
		{netip.MustParseAddrPort("127.0.0.1:7001"), "", 2},
		{netip.MustParseAddrPort("127.0.0.1:7002"), "", 1},
		{netip.MustParseAddrPort("127.0.0.1:7003"), "", 2},
		{netip.MustParseAddrPort("127.0.0.1:7005"), "127.0.0.1", 2},
		{netip.MustParseAddrPort("192.0.2.1:25"), "", 2},
	} {
		question := fmt.Sprintf("127.0.0.1->%s", tt.to)
		if tt.source != "" {
			question += "+src=" + tt.source
		}
		code, stdout, stderr := runCheck("--explain", question, path)
		want := fmt.Sprintf("answer    refused: %02x, ", tt.reply)
		if tt.reply == 0 {
			want = "answer    dialled; 00 "
		}
		if !strings.Contains(stdout, want) || (code == exitOK) != (tt.reply == 0) {
			t.Errorf("%s: got exit code %d,\n%s%s; want %q", question, code, stdout, stderr, want)
		}
		if got := ask(t, d.socks(), tt.source, tt.to); got != tt.reply {
			t.Errorf("%s: the daemon answers %02x; want %02x", question, got, tt.reply)
		}
	}
}

// ask makes a request and returns the first reply that is no success, or the last.
func ask(t *testing.T, proxy, source string, to netip.AddrPort) byte {
	t.Helper()
	c, err := connectAs(t, proxy)
	must(t, err)
	defer c.Close()
	exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	if source != "" {
		bind := append([]byte{5, 2, 0}, wireAddress(netip.AddrPortFrom(netip.MustParseAddr(source), 0))...)
		if reply := replyTo(t, c, bind); reply != 0 {
			return reply
		}
	}
	return replyTo(t, c, append([]byte{5, 1, 0}, wireAddress(to)...))
}

// replyTo is the code of the answer to one request.
func replyTo(t *testing.T, c net.Conn, request []byte) byte {
	t.Helper()
	_, err := c.Write(request)
	must(t, err)
	reply := make([]byte, 10)
	_, err = io.ReadFull(c, reply)
	must(t, err)
	return reply[1]
}
