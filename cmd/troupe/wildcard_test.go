package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// wildcardPolicy says in the log what a handler is told of the listener.
const wildcardPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_server_request', function(request, meta)
  kumo.log_info('request on ' .. meta.local_address)
end)
kumo.on('proxy_server_session_end', function(summary)
  kumo.log_info('end on ' .. summary.local_address)
end)
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '0.0.0.0:0' }
  kumo.start_proxy_http_listener { listen = '0.0.0.0:0' } -- KumoMTA's older name
end)
`

// TestWildcard: 0.0.0.0 is every IPv4 address. It was every IPv6 address too, for
// HTTP and where goroutines carry the bytes, past a firewall that knows IPv4 alone.
// And what a handler is told of the listener is where it is bound, as KumoMTA has
// it, also once the session is over; that said "invalid AddrPort".
func TestWildcard(t *testing.T) {
	t.Parallel()
	transports := []string{"goroutines"}
	if runtime.GOOS == "linux" {
		transports = append(transports, "reactor")
	}
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(wildcardPolicy), 0o600))
	for _, transport := range transports {
		d := start(t, []string{"--proxy-config", path, "--transport", transport}, "TROUPE_LOG=info,lua=info")
		for _, address := range []string{d.socks(), d.http()} {
			if !strings.HasPrefix(address, "0.0.0.0:") {
				t.Errorf("%s: got a listener on %s; want it on 0.0.0.0", transport, address)
			}
		}
		proxy := strings.Replace(d.socks(), "0.0.0.0", "127.0.0.1", 1)
		c, _ := connect(t, proxy, newEcho(t).address)
		must(t, c.Close())
		for _, said := range []string{"request on " + d.socks(), "end on " + d.socks()} {
			await(t, transport+": "+said, func() bool { return d.log.contains(said) })
		}
		d.endWell()
	}
}
