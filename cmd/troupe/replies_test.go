package main

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
)

const authPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', require_auth = true }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`

// The bytes of the exchange: what a client sends, and what it is answered.
const (
	greeting     = "\x05\x01\x00"
	accepted     = "\x05\x00"
	nullAddress  = "\x00\x01\x00\x00\x00\x00\x00\x00" // IPv4 0.0.0.0:0
	askPassword  = "\x05\x02"
	noMethod     = "\x05\xff"
	authRefused  = "\x01\x01"
	credentials  = "\x01\x04user\x04pass"
	bindUnowned  = "\x05\x02\x00\x01\x09\x09\x09\x09\x00\x00" // 9.9.9.9
	bindUnowned2 = "\x05\x02\x00\x01\xcb\x00\x71\x09\x00\x00" // 203.0.113.9
)

// TestRefusals: each is answered to the byte and then closed in good order, so
// that the answer is not lost, and counted for its reason.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, policy string
		messages     []string
		replies      string
		reason       string
		fault        string
	}{
		{"unplumbed source", onePolicy, []string{greeting, bindUnowned},
			accepted + "\x05\x01" + nullAddress, "source_unplumbed", "client"},
		{"unplumbed source of a documentation network", onePolicy, []string{greeting, bindUnowned2},
			accepted + "\x05\x01" + nullAddress, "source_unplumbed", "client"},
		// Nobody listens on port 1, tcpmux.
		{"upstream refuses", onePolicy, []string{greeting, "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x01"},
			accepted + "\x05\x05" + nullAddress, "refused", "upstream"},
		{"UDP ASSOCIATE", onePolicy, []string{greeting, "\x05\x03\x00\x01\x7f\x00\x00\x01\x00\x01"},
			accepted + "\x05\x07" + nullAddress, "command", "client"},
		{"unknown command", onePolicy, []string{greeting, "\x05\x09\x00\x01\x7f\x00\x00\x01\x00\x01"},
			accepted + "\x05\x07" + nullAddress, "command", "client"},
		{"unknown address type", onePolicy, []string{greeting, "\x05\x01\x00\x02\x7f\x00\x00\x01\x00\x01"},
			accepted + "\x05\x08" + nullAddress, "address_type", "client"},
		{"no method in common", onePolicy, []string{"\x05\x01\x01"}, noMethod, "no_method", "client"},
		{"credentials that nobody vouches for", onePolicy, []string{"\x05\x01\x02", credentials},
			askPassword + authRefused, "auth_failed", "client"},
		{"authentication required, not offered", authPolicy, []string{greeting}, noMethod, "no_method", "client"},
		{"authentication required, refused", authPolicy, []string{"\x05\x02\x00\x02", credentials},
			askPassword + authRefused, "auth_failed", "client"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := startPolicy(t, tc.policy)
			c := dial(t, d.socks())
			for _, m := range tc.messages {
				_, err := io.WriteString(c, m)
				must(t, err)
			}
			got, err := io.ReadAll(c)
			if err != nil || string(got) != tc.replies {
				t.Errorf("got % x, error %v; want % x and the end of the stream", got, err, tc.replies)
			}
			must(t, c.Close())
			d.awaitFigure(1, "proxy_session_failures_total",
				"listener", d.socks(), "reason", tc.reason, "fault", tc.fault)
			if got := d.scrape().value("proxy_connections_failed_total", "listener", d.socks()); got != 1 {
				t.Errorf("got %v failed; want 1", got)
			}
		})
	}
}

// TestName: a name is resolved by the proxy; the reply to CONNECT is the
// address that the upstream sees.
func TestName(t *testing.T) {
	t.Parallel()
	d, echo := startPolicy(t, onePolicy), newEcho(t)
	c := dial(t, d.socks())
	exchange(t, c, "greeting", []byte(greeting), []byte(accepted))
	connect := append([]byte("\x05\x01\x00\x03\x09localhost"), 0, 0)
	binary.BigEndian.PutUint16(connect[len(connect)-2:], echo.address.Port())
	if source := request(t, c, "CONNECT", connect); !source.Addr().IsLoopback() || source.Port() == 0 {
		t.Errorf("got source %v; want a port on loopback", source)
	}
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
}

// TestEarlyData: what a client sends behind its CONNECT without waiting for the
// reply reaches the upstream, in its place, even if all came in one segment.
func TestEarlyData(t *testing.T) {
	t.Parallel()
	d, echo := startPolicy(t, onePolicy), newEcho(t)
	request := append([]byte("\x05\x01\x00"), wireAddress(echo.address)...)
	for _, messages := range [][]string{
		{greeting, string(request) + "early, "},
		{greeting + string(request) + "early, "},
	} {
		c := dial(t, d.socks())
		for _, m := range messages {
			_, err := io.WriteString(c, m)
			must(t, err)
		}
		replies := make([]byte, len(accepted)+10)
		_, err := io.ReadFull(c, replies)
		must(t, err)
		if got := string(replies[:4]); got != accepted+"\x05\x00" {
			t.Fatalf("got replies % x; want 05 00, 05 00 …", replies)
		}
		_, err = io.WriteString(c, "late")
		must(t, err)
		must(t, c.(*net.TCPConn).CloseWrite())
		if got, err := io.ReadAll(c); err != nil || string(got) != "early, late" {
			t.Errorf("got %q, error %v; want %q", got, err, "early, late")
		}
	}
}

// TestHealthCheck: a load balancer that connects and closes, every second for
// years, is no failure and not worth a line.
func TestHealthCheck(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	must(t, dial(t, d.socks()).Close())
	d.awaitFigure(1, "proxy_connections_probed_total", "listener", d.socks())
	now := d.scrape()
	for _, name := range []string{"proxy_connections_failed_total", "proxy_connections_completed_total"} {
		if got := now.value(name, "listener", d.socks()); got != 0 {
			t.Errorf("got %s %v; want 0", name, got)
		}
	}
	d.endWell() // only now has everything been said
	up := false
	for _, line := range d.log.all() {
		switch {
		case strings.Contains(line, "initialization complete"):
			up = true
		case up && !strings.Contains(line, "shutting down") && !strings.Contains(line, "Shutdown completed"):
			t.Errorf("the probe is worth a line: %s", line)
		}
	}
}
