package main

import (
	"net/netip"
	"testing"
)

// credentialPolicy does what the policy of KumoMTA's own integration tests does:
// credentials from the environment, a handler with three arguments, an identity for
// whoever has them, and nobody's table for one name.
const credentialPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'

local user, password = os.getenv 'PROXY_USER', os.getenv 'PROXY_PASSWORD'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:0',
    timeout = '30 seconds',
    require_auth = os.getenv 'PROXY_REQUIRE_AUTH' == 'yes',
  }
end)

kumo.on('proxy_server_auth_rfc1929', function(given_user, given_password, conn_meta)
  assert(conn_meta.peer_address:match '^127%.0%.0%.1:%d+$', conn_meta.peer_address)
  assert(conn_meta.local_address:match '^127%.0%.0%.1:%d+$', conn_meta.local_address)
  if given_user == 'nobody' then
    return {}
  end
  if given_user == user and given_password == password then
    return { identities = { { identity = given_user, context = 'ProxyAuthRfc1929' } }, groups = { 'senders' } }
  end
  return false
end)
`

// TestCredentialsOfTheEnvironment: who has them gets through, nobody else does.
func TestCredentialsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	echo := newEcho(t)
	for _, require := range []string{"yes", "no"} {
		t.Run("require_auth "+require, func(t *testing.T) {
			t.Parallel()
			d := startPolicy(t, credentialPolicy, "PROXY_USER=scott", "PROXY_PASSWORD=tiger", "PROXY_REQUIRE_AUTH="+require)
			for _, tt := range []struct {
				user, password string
				want           []byte
			}{
				{"scott", "tiger", []byte{1, 0}},
				{"scott", "lion", []byte{1, 1}},
				{"tiger", "scott", []byte{1, 1}},
				{"nobody", "tiger", []byte{1, 1}},
			} {
				c := dial(t, d.socks())
				exchange(t, c, "greeting", []byte{5, 2, 0, 2}, []byte{5, 2})
				credentials := append([]byte{1, byte(len(tt.user))}, tt.user...)
				credentials = append(append(credentials, byte(len(tt.password))), tt.password...)
				exchange(t, c, "login as "+tt.user, credentials, tt.want)
				if tt.want[1] == 0 {
					request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(echo.address)...))
					exchange(t, c, "echo", []byte("hello"), []byte("hello"))
				} else if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
					t.Errorf("login as %s: the connection goes on", tt.user)
				}
			}
			withoutLogin(t, d.socks(), require == "yes", echo.address)
			d.endWell()
		})
	}
}

// withoutLogin is a client that has no credentials to offer.
func withoutLogin(t *testing.T, proxy string, required bool, upstream netip.AddrPort) {
	t.Helper()
	if required {
		exchange(t, dial(t, proxy), "greeting", []byte{5, 1, 0}, []byte{5, 0xff})
		return
	}
	c, _ := connect(t, proxy, upstream)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
}
