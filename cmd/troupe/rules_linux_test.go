package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// rulesPolicy is a SOCKS listener for other hosts, with rules.
const rulesPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '` + ourAddress + `:1080', %s }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
`

// story is a daemon on a network with another host.
type story struct {
	*daemon
	t     *testing.T
	other *otherHost
	path  string // of the policy
}

func startStory(t *testing.T, keys string) *story {
	t.Helper()
	s := &story{t: t, other: plugIn(t), path: filepath.Join(t.TempDir(), "policy.lua")}
	s.write(keys)
	s.daemon = start(t, []string{"--proxy-config", s.path})
	return s
}

func (s *story) write(keys string) {
	s.t.Helper()
	must(s.t, os.WriteFile(s.path, fmt.Appendf(nil, rulesPolicy, keys), 0o600))
}

// reload has the daemon go over to other keys.
func (s *story) reload(keys string) {
	s.t.Helper()
	before := s.scrape().value("policy_reload_total", "result", "ok")
	s.write(keys)
	s.signal(syscall.SIGHUP)
	s.awaitFigure(before+1, "policy_reload_total", "result", "ok")
}

// ask is what a CONNECT from the other host is answered.
func (s *story) ask(from string, to []byte) (code byte, c net.Conn) {
	s.t.Helper()
	c, err := s.other.dial(s.t, from, s.socks())
	must(s.t, err)
	exchange(s.t, c, "greeting", []byte(greeting), []byte(accepted))
	_, err = c.Write(append([]byte{5, 1, 0}, to...))
	must(s.t, err)
	reply := make([]byte, 10)
	if _, err := io.ReadFull(c, reply); err != nil {
		s.t.Fatalf("CONNECT: %v", err)
	}
	return reply[1], c
}

// wantDropped is a client that is closed without a word. It may notice so early
// that it thinks it never connected.
func (s *story) wantDropped(from string) {
	s.t.Helper()
	c, err := s.other.dial(s.t, from, s.socks())
	if errors.Is(err, syscall.ECONNRESET) {
		return
	}
	must(s.t, err)
	_, _ = io.WriteString(c, greeting) // it may be closed already
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil || os.IsTimeout(err) {
		s.t.Errorf("a client from %s is told %d bytes, error %v; want it closed", from, n, err)
	}
}

func (s *story) refused(reason, fault string) float64 {
	s.t.Helper()
	return s.scrape().value("proxy_session_failures_total", "listener", s.socks(), "reason", reason, "fault", fault)
}

func wireName(name string, port uint16) []byte {
	return binary.BigEndian.AppendUint16(append([]byte{3, byte(len(name))}, name...), port)
}

// TestSafeByDefault: without a word about it in the policy, a client on another
// host reaches through the proxy what it could reach without, and no stranger is
// served. A proxy that forwards to the loopback of its host hands out what was
// never meant to leave it.
func TestSafeByDefault(t *testing.T) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	s := startStory(t, "")
	local := map[string][]byte{"localhost": wireName("localhost", 8000), "127.0.0.1 as a name": wireName("127.0.0.1", 8000)}
	for _, to := range []string{
		"127.0.0.1:8000", "127.0.0.9:25", ourAddress + ":22", ourAddress + ":1080", "[::1]:8000", "[::ffff:127.0.0.1]:8000",
		"[::ffff:" + ourAddress + "]:22", "0.0.0.0:8000", "169.254.169.254:80", "[64:ff9b::7f00:1]:8000", "10.77.0.255:25",
	} {
		local[to] = wireAddress(netip.MustParseAddrPort(to))
	}
	for to, wire := range local {
		code, c := s.ask(neighbour, wire)
		if code != 2 {
			t.Errorf("CONNECT to %s is answered %d; want 2", to, code)
		}
		must(t, c.Close())
	}
	s.awaitFigure(float64(len(local)), "proxy_session_failures_total",
		"listener", s.socks(), "reason", "destination_refused", "fault", "policy")
	s.awaitFigure(float64(len(local)), "proxy_dials_total", "listener", s.socks(), "result", "denied")

	code, c := s.ask(neighbour, wireAddress(s.other.echo(t).address))
	if code != 0 {
		t.Fatalf("CONNECT to another host is answered %d; want 0", code)
	}
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))

	if got := s.refused("client_refused", "client"); got != 0 {
		t.Errorf("got %v clients refused; want 0 so far", got)
	}
	s.wantDropped(fromAbroad)
	s.wantDropped(fromAbroad)
	s.awaitFigure(2, "proxy_session_failures_total", "listener", s.socks(), "reason", "client_refused", "fault", "client")
	if !s.log.contains("allow_clients opens the listener to others") || !s.log.contains("client refused") {
		t.Error("the log should name the key that opens the listener, and who was refused")
	}

	s.reload("allow_clients = { '" + abroadNetwork + "' }, allow_local_destinations = true")
	if code, c = s.ask(fromAbroad, wireAddress(newEcho(t).address)); code != 0 {
		t.Fatalf("with the keys that open it, CONNECT is answered %d; want 0", code)
	}
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	s.wantDropped(neighbour) // who is not in the list
}

// TestDefaultPolicyServesLoopback: what is started without a policy serves
// clients on its own host, wherever they want to go.
func TestDefaultPolicyServesLoopback(t *testing.T) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	other := plugIn(t)
	d := start(t, nil)
	for name, to := range map[string]netip.AddrPort{"loopback": newEcho(t).address, "another host": other.echo(t).address} {
		c, _ := connect(t, d.socks(), to)
		exchange(t, c, name, []byte("hello"), []byte("hello"))
	}
}
