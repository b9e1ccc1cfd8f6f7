package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// accessPolicy has three HTTP listeners: one that trusts loopback, one that trusts
// nobody, and one for both families on which IPv4 peers arrive in the form of IPv6.
const accessPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  kumo.aaa.configure_acct_log { log_dir = os.getenv('ACCT_DIR'), min_free_space = 0, min_free_inodes = 0 }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', auth_cache = { ttl = '1m' } }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
  proxy.start_http_listener { listen = '127.0.0.2:0', trusted_hosts = {} }
  proxy.start_http_listener { listen = '[::]:0', trusted_hosts = { '127.0.0.1' } }
end)
kumo.on('proxy_server_auth_rfc1929', function(user, password)
  return password == 'open-sesame'
end)
kumo.on('http_server_validate_auth_basic', function(user, password)
  if user == 'broken' then error('cannot check ' .. tostring(password)) end
  return password == 'open-sesame'
end)
kumo.on('http_server_validate_auth_bearer', function(token)
  return token == 'tok-secret' and { identities = { { identity = 'ci', context = 'BearerToken' } } }
end)
kumo.on('get_acl_definition', function(resource)
  if resource == 'http_listener/*/metrics' then
    return kumo.aaa.load_acl_map { key_data = [=[
[[acl."http_listener/*/metrics"]]
allow = false
privileges = ["GET"]
identity.Individual = "mallory"

[[acl."http_listener/*/metrics"]]
allow = true
privileges = ["GET"]
criteria.AnyOf = [{Identity = {Group = "kumomta:http-listener-trusted-ip"}}, {Identity = {Authenticated = {}}}]
]=] }:get(resource)
  end
end)
`

// TestAccess is one life of a daemon whose policy says who may do what: by address,
// by password, by token, and in the accounting log afterwards.
func TestAccess(t *testing.T) {
	t.Parallel()
	if ln, err := net.Listen("tcp", "127.0.0.2:0"); err != nil {
		t.Skipf("no second loopback address: %v", err)
	} else {
		ln.Close()
	}
	dir := filepath.Join(t.TempDir(), "acct")
	d := startPolicy(t, accessPolicy, "ACCT_DIR="+dir)
	listeners := d.log.addresses("http listener")
	if len(listeners) != 3 {
		t.Fatalf("got HTTP listeners on %q; want three", listeners)
	}
	trusting, closed := listeners[0], listeners[1]
	_, port, _ := net.SplitHostPort(listeners[2])
	mapped := "127.0.0.1:" + port

	tests := []struct {
		name, address, path, user, password, token, host string
		status                                           int
		body                                             string
	}{
		{name: "trusted", address: trusting, path: "/metrics", status: 200},
		{name: "trusted, mapped", address: mapped, path: "/metrics", status: 200},
		{name: "trusted, a name of somebody's", address: trusting, path: "/metrics", host: "evil.example", status: 403},
		{name: "untrusted", address: closed, path: "/metrics", status: 401,
			body: "<Unauthenticated>@ ip=127.0.0.1 not permitted GET on http_listener/" + closed + "/metrics"},
		{name: "untrusted, open", address: closed, path: "/proxy/status", status: 200, body: "KumoProxy OK"},
		{name: "Basic", address: closed, path: "/metrics", user: "alice", password: "open-sesame", status: 200},
		{name: "Basic, wrong", address: closed, path: "/metrics", user: "alice", password: "wrong-pass", status: 401,
			body: "HttpBasicAuth Authentication Failed for alice"},
		{name: "Basic, not permitted", address: closed, path: "/api/machine-info", user: "alice", password: "open-sesame", status: 403},
		{name: "Bearer", address: closed, path: "/metrics", token: "tok-secret", status: 200},
		{name: "Bearer, wrong", address: closed, path: "/metrics", token: "tok-wrong", status: 401},
		{name: "denied", address: trusting, path: "/metrics", user: "mallory", password: "open-sesame", status: 403,
			body: "id=[mallory]@ ip=127.0.0.1 denied GET on http_listener/" + trusting + "/metrics"},
		{name: "a handler that fails", address: trusting, path: "/metrics", user: "broken", password: "open-sesame", status: 500, body: "try again later"},
	}
	for _, tt := range tests {
		status, challenges, body := askFor(t, "http://"+tt.address+tt.path, tt.user, tt.password, tt.token, tt.host)
		if status != tt.status || !strings.HasPrefix(body, tt.body) {
			t.Errorf("%s: got %d %.200q; want %d %q", tt.name, status, body, tt.status, tt.body)
		}
		if (status == 401) != (len(challenges) == 2) {
			t.Errorf("%s: got %q; want both schemes offered exactly with 401", tt.name, challenges)
		}
	}
	for _, password := range []string{"open-sesame", "open-sesame", "wrong-pass"} { // the second is remembered
		if code := socksLogin(t, d.socks(), "carol", password); (code == 0) != (password == "open-sesame") {
			t.Errorf("SOCKS login with %s: got %d", password, code)
		}
	}
	d.endWell()
	wantLogins(t, dir)
	for _, secret := range []string{"open-sesame", "wrong-pass", "tok-secret", "tok-wrong"} {
		if d.log.contains(secret) {
			t.Errorf("%s is in the log:\n%s", secret, d.log.text())
		}
	}
}

func askFor(t *testing.T, url, user, password, token, host string) (status int, challenges []string, body string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	if user != "" {
		r.SetBasicAuth(user, password)
	} else if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Values("WWW-Authenticate"), string(text)
}

// socksLogin gives the second byte of the answer to a user name and password.
func socksLogin(t *testing.T, address, user, password string) byte {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer := make([]byte, 4)
	if _, err := io.WriteString(c, "\x05\x01\x02\x01"+string(rune(len(user)))+user+string(rune(len(password)))+password); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, answer); err != nil {
		t.Fatal(err)
	}
	return answer[3]
}

// wantLogins reads the accounting log that the daemon has left.
func wantLogins(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "acct-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %q, %v; want one segment", files, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	var logins []string
	decisions := 0
	for line := range strings.Lines(string(text)) {
		var r struct {
			Type      string
			Success   bool
			Attempted struct{ Identity, Context string } `json:"attempted_identity"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if r.Type == "Authorization" {
			decisions++
			continue
		}
		outcome := "-"
		if r.Success {
			outcome = "+"
		}
		logins = append(logins, outcome+r.Attempted.Context+":"+r.Attempted.Identity)
	}
	want := []string{
		"+HttpBasicAuth:alice", "-HttpBasicAuth:alice", "+HttpBasicAuth:alice", "+BearerToken:", "-BearerToken:",
		"+HttpBasicAuth:mallory", "-HttpBasicAuth:broken",
		"+ProxyAuthRfc1929:carol", "+ProxyAuthRfc1929:carol", "-ProxyAuthRfc1929:carol",
	}
	if !slices.Equal(logins, want) || decisions != 9 {
		t.Errorf("got %d decisions and the logins %q; want 9 and %q", decisions, logins, want)
	}
	for _, secret := range []string{"open-sesame", "wrong-pass", "tok-secret", "tok-wrong"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is in the accounting log", secret)
		}
	}
}
