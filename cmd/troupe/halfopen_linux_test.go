package main

import (
	"net"
	"net/netip"
	"testing"
)

// halfOpenPolicy notices within seconds that a peer is gone.
const halfOpenPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '` + ourAddress + `:0', allow_clients = { '10.77.0.0/16' },
    tcp_keepalive = { time = '1s', interval = '1s', retries = 2 }, user_timeout = '3s',
    allow_destinations = { '127.0.0.0/8', '10.77.0.0/16' }, allow_local_destinations = true }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`

// TestHalfOpenPeers: another host is gone without a word, with its clients and its
// upstreams. Sessions in which nobody says anything end as those whose bytes nobody
// acknowledges do, and their other peers hear of it.
func TestHalfOpenPeers(t *testing.T) {
	if !onNetwork(t) {
		return
	}
	host := plugIn(t)
	c := startChaos(t, halfOpenPolicy)
	far, near := host.echo(t), newEchoAt(t, ourAddress+":0")
	const each = 10
	var ours []net.Conn // with upstreams there
	for range 2 * each {
		s, _ := connect(t, c.socks(), far.address)
		exchange(t, s, "echo", []byte("hello"), []byte("hello"))
		ours = append(ours, s)
	}
	for range each {
		theirs, err := host.dial(t, neighbour, c.socks())
		must(t, err)
		exchange(t, theirs, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		request(t, theirs, "CONNECT", append([]byte{5, 1, 0}, wireAddress(near.address)...))
		exchange(t, theirs, "echo", []byte("hello"), []byte("hello"))
	}
	const deaf = "blackhole " + ourAddress + "/32" // it answers nothing any more
	must(t, host.on(func() error { return host.ip("route add " + deaf) }))
	for _, s := range ours[:each] {
		_, err := s.Write([]byte("is anybody there"))
		must(t, err)
	}
	c.awaitFigure(3*each, "proxy_sessions_ended_total", "listener", c.socks(), "end", "reset")
	for _, s := range ours {
		if n, err := s.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("got %d bytes of an upstream that is gone", n)
		}
		must(t, s.Close())
	}
	must(t, host.on(func() error { return host.ip("route del " + deaf) }))
	again, _ := kumodConnect(t, c.socks(), netip.MustParseAddr(ourAddress), far.address)
	exchange(t, again, "echo", []byte("hello"), []byte("hello"))
	must(t, again.Close())
	c.over()
}
