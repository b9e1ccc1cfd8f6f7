package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// freePool is routed to this host as a whole; no address of it is plumbed.
const freePool = "2001:db8:1::/64"

// freebindPolicy has a listener that may bind the pool freely, and one that may not.
const freebindPolicy = `
local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', source = { { network = '` + freePool + `', freebind = true } } }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', source = '` + freePool + `' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)`

// TestFreebind: what is sent from a pool that is bound freely arrives from an address
// that nobody has plumbed, and without that nothing does.
func TestFreebind(t *testing.T) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	ipBatch(t, "link set lo up", "address add 2001:db8:2::1/128 dev lo nodad", "route add local "+freePool+" dev lo")
	l, err := net.Listen("tcp", "[2001:db8:2::1]:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	for _, carried := range []string{"reactor", "goroutines"} {
		t.Run(carried, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "policy.lua")
			must(t, os.WriteFile(path, []byte(freebindPolicy), 0o600))
			d := start(t, []string{"--proxy-config", path, "--transport", carried})
			listeners := d.log.addresses("proxy listener")
			if len(listeners) != 2 {
				t.Fatalf("got listeners on %v; want two", listeners)
			}
			freely(t, d, listeners[0], l)
			plainly(t, listeners[1], addressOf(l))
		})
	}
}

// freely sends from the pool: chosen for the client, and asked for.
func freely(t *testing.T, d *daemon, listener string, l net.Listener) {
	t.Helper()
	c := dial(t, listener)
	exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	chosen := request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(addressOf(l))...))
	wantFrom(t, l, chosen.Addr())
	if !netip.MustParsePrefix(freePool).Contains(chosen.Addr()) {
		t.Errorf("sent from %v; want an address in %s", chosen.Addr(), freePool)
	}
	asked := netip.MustParseAddr("2001:db8:1::77")
	kumodAsk(t, dial(t, listener), asked, addressOf(l))
	wantFrom(t, l, asked)

	var answer struct{ Sources []listed }
	d.control("GET", "sources?source="+asked.String(), "", 200, &answer)
	if len(answer.Sources) != 1 || answer.Sources[0].Plumbed != "freebind" {
		t.Errorf("got %+v; want the source, plumbed freebind", answer.Sources)
	}
	table := d.troupe("sources", "--plumbed", "freebind")
	for _, a := range []netip.Addr{chosen.Addr(), asked} {
		if !strings.Contains(table, a.String()) {
			t.Errorf("troupe sources --plumbed freebind said %q; want %v in it", table, a)
		}
	}
	wantProbed(t, d, asked, l)
}

// wantFrom takes a connection and looks where it comes from.
func wantFrom(t *testing.T, l net.Listener, source netip.Addr) {
	t.Helper()
	c := acceptOne(t, l)
	if got := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(); got != source {
		t.Errorf("the server sees %v; want %v", got, source)
	}
}

// wantProbed probes a source against a server that greets.
func wantProbed(t *testing.T, d *daemon, source netip.Addr, l net.Listener) {
	t.Helper()
	greeted := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = c.Write([]byte("220 here\r\n"))
			_ = c.Close()
		}
		greeted <- err
	}()
	var answer struct {
		Sources []struct{ Plumbed, Failure, Banner string }
	}
	said := d.troupe("probe", "--json", "--source", source.String(), "--to", addressOf(l).String())
	must(t, <-greeted)
	must(t, json.Unmarshal([]byte(said), &answer))
	if len(answer.Sources) != 1 || answer.Sources[0].Plumbed != "freebind" || answer.Sources[0].Failure != "" {
		t.Errorf("the probe said %s; want it connected, plumbed freebind", said)
	}
}

// plainly asks for what a listener without freebind cannot have.
func plainly(t *testing.T, listener string, to netip.AddrPort) {
	t.Helper()
	for what, message := range map[string][]byte{
		"BIND":    append([]byte{5, 2, 0}, wireAddress(netip.MustParseAddrPort("[2001:db8:1::78]:0"))...),
		"CONNECT": append([]byte{5, 1, 0}, wireAddress(to)...),
	} {
		c := dial(t, listener)
		exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		exchange(t, c, fmt.Sprintf("%s without freebind", what), message, []byte{5, 1, 0})
	}
}
