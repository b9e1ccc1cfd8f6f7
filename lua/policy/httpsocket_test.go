package policy

import (
	"io/fs"
	"strings"
	"testing"
)

// startHTTPWith loads a policy that starts an HTTP listener with these parameters.
func startHTTPWith(t *testing.T, parameters string) (*Policy, error) {
	t.Helper()
	p, err := LoadSource(t.Context(), "p.lua", []byte(`
local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function() `+parameters+` end)`), Options{})
	if err == nil {
		t.Cleanup(p.Close)
	}
	return p, err
}

func TestHTTPUnixSocket(t *testing.T) {
	longest := "/" + strings.Repeat("x", longestSocketPath-1)
	for _, tt := range []struct {
		parameters, path, group string
		mode                    fs.FileMode
	}{
		{"listen = 'unix:/run/troupe/admin.sock'", "/run/troupe/admin.sock", "", 0o660},
		{"listen = 'unix:/run//troupe/./admin.sock', socket_mode = '0600'", "/run/troupe/admin.sock", "", 0o600},
		{"listen = 'unix:/a', socket_group = 'troupe', socket_mode = '0000'", "/a", "troupe", 0},
		{"listen = 'unix:" + longest + "'", longest, "", 0o660},
	} {
		p, err := startHTTPWith(t, "proxy.start_http_listener { "+tt.parameters+" }")
		if err != nil {
			t.Errorf("%s: %v", tt.parameters, err)
			continue
		}
		h := &p.HTTP[0]
		path, ok := h.UnixSocket()
		if !ok || path != tt.path || h.SocketGroup != tt.group || h.SocketMode != tt.mode {
			t.Errorf("%s: got %q, mode %v, group %q; want %q, %v, %q", tt.parameters, path, h.SocketMode, h.SocketGroup, tt.path, tt.mode, tt.group)
		}
	}
	p, err := startHTTPWith(t, "proxy.start_http_listener { listen = '127.0.0.1:8000' }")
	if err != nil {
		t.Fatal(err)
	}
	if path, ok := p.HTTP[0].UnixSocket(); ok || p.HTTP[0].SocketMode != 0 {
		t.Errorf("got the socket %q with mode %v of a TCP listener; want none", path, p.HTTP[0].SocketMode)
	}
}

func TestHTTPUnixSocketMistakes(t *testing.T) {
	for parameters, want := range map[string]string{
		"listen = 'unix:admin.sock'":   "listen: expected " + httpAddressForm + `, got "unix:admin.sock" (the path of a Unix socket is absolute and names a file)`,
		"listen = 'unix:/run/troupe/'": "is absolute and names a file)",
		"listen = 'unix:'":             "is absolute and names a file)",
		"listen = 'unix:/a\\0b'":       "is absolute and names a file)",
		"listen = 'unix:/" + strings.Repeat("x", longestSocketPath) + "'": "the path of a Unix socket has at most 90 bytes)",
		"listen = 8000":                                                            "listen: expected " + httpAddressForm + ", got 8000",
		"listen = '127.0.0.1'":                                                     "(the port is missing)",
		"listen = 'unix:/a', socket_mode = 660":                                    "socket_mode: expected a mode in four octal digits, '0000' to '0777', got 660",
		"listen = 'unix:/a', socket_mode = '660'":                                  `got "660"`,
		"listen = 'unix:/a', socket_mode = '1777'":                                 `got "1777"`,
		"listen = 'unix:/a', socket_mode = '0680'":                                 `got "0680"`,
		"listen = 'unix:/a', socket_group = 7":                                     "socket_group: expected the name of a group such as 'troupe', or its number as a string, got 7",
		"listen = 'unix:/a', socket_group = ''":                                    "socket_group: expected",
		"listen = 'unix:/a', use_tls = true":                                       "use_tls: a Unix socket speaks no TLS",
		"socket_mode = '0660'":                                                     "socket_mode: only a Unix socket has one",
		"listen = '127.0.0.1:0', socket_group = 'a'":                               "socket_group: only a Unix socket has one",
		"listen = 'unix:/a/../b' } proxy.start_http_listener { listen = 'unix:/b'": `"unix:/b" is already taken by proxy.start_http_listener at p.lua:3`,
	} {
		_, err := startHTTPWith(t, "proxy.start_http_listener { "+parameters+" }")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want %q in it", parameters, err, want)
		}
	}
	_, err := startHTTPWith(t, "proxy.start_proxy_listener { listen = 'unix:/a' }")
	if err == nil || !strings.Contains(err.Error(), "listen: expected "+addressForm+", got") {
		t.Errorf("a listener for clients: got %v; want it refused", err)
	}
}
