//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
)

// TestDestinationGroups: a policy's groups are in the figures, the access log and
// the list of sessions, and its hook goes by them.
func TestDestinationGroups(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.log")
	d := startPolicy(t, fmt.Sprintf(`
local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_server_request', function(r)
  if r.command == 'connect' and r.group ~= 'here' then return { deny = tostring(r.group) } end
end)
kumo.on('proxy_init', function()
  proxy.set_destination_groups { here = { '127.0.0.0/8' }, blocked = { '127.0.0.9', '192.0.2.0/24' } }
  proxy.configure_access_log { path = %q }
  proxy.start_proxy_listener { listen = '127.0.0.1:0' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)`, path))
	upstream := newEcho(t)
	c := dial(t, d.socks())
	exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(upstream.address)...))
	_, body := d.get("/api/admin/sessions")
	var list struct{ Sessions []struct{ Group string } }
	must(t, json.Unmarshal([]byte(body), &list))
	if len(list.Sessions) != 1 || list.Sessions[0].Group != "here" {
		t.Errorf("got the sessions %s; want one to here", body)
	}
	must(t, c.Close())
	if got := awaitLine(t, path, 1); text(got.Group) != "here" {
		t.Errorf("got the line %+v; want its group", got)
	}
	d.awaitFigure(1, "proxy_group_dials_total", "source", "system", "group", "here", "result", "connected")

	denied := dial(t, d.socks())
	exchange(t, denied, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	exchange(t, denied, "CONNECT", []byte{5, 1, 0, 1, 127, 0, 0, 9, 0, 25}, []byte{5, 2, 0, 1, 0, 0, 0, 0, 0, 0})
	if got := awaitLine(t, path, 2); text(got.Group) != "blocked" || text(got.Reason) != "denied" {
		t.Errorf("got the line %+v; want the narrower group, denied", got)
	}
}
