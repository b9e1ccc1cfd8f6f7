package main

import (
	"io"
	"testing"
)

// TestFlagsServeLoopback: a listener of the command line has the rules that are
// there by default, and a client on loopback does not notice.
func TestFlagsServeLoopback(t *testing.T) {
	t.Parallel()
	d := start(t, []string{"--listen", "127.0.0.1:0"})
	c, _ := connect(t, d.socks(), newEcho(t).address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	if d.log.contains("allow_clients") {
		t.Error("the log warns of a listener that only this host can reach")
	}
}

// TestSourceHasToBeChosen: with allow_sources, no mail leaves from an address
// that nobody chose, and the refusal says which rule it was.
func TestSourceHasToBeChosen(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', allow_sources = { '127.0.0.1' } }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`)
	upstream := wireAddress(newEcho(t).address)
	for _, tc := range []struct{ name, request, why string }{
		{"CONNECT without BIND", "\x05\x01\x00" + string(upstream), "source_required"},
		{"BIND of no address", "\x05\x02" + nullAddress, "source_required"},
		{"BIND of another", bindUnowned, "source_refused"},
	} {
		c := dial(t, d.socks())
		exchange(t, c, "greeting", []byte(greeting), []byte(accepted))
		_, err := io.WriteString(c, tc.request)
		must(t, err)
		if got, err := io.ReadAll(c); err != nil || string(got) != "\x05\x02"+nullAddress {
			t.Errorf("%s: got % x, error %v; want reply 02", tc.name, got, err)
		}
	}
	listener := d.socks()
	d.awaitFigure(2, "proxy_session_failures_total", "listener", listener, "reason", "source_required", "fault", "client")
	d.awaitFigure(1, "proxy_session_failures_total", "listener", listener, "reason", "source_refused", "fault", "policy")
	c := dial(t, d.socks())
	exchange(t, c, "greeting", []byte(greeting), []byte(accepted))
	request(t, c, "BIND", []byte("\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x00"))
	request(t, c, "CONNECT", append([]byte("\x05\x01\x00"), upstream...))
	d.endWell()
	if !d.log.contains("source_not_listed") || !d.log.contains("require_source") {
		t.Error("the log should name the rules")
	}
}
