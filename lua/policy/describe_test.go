package policy

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/modules"
)

// TestReferenceIsWhatPoliciesHave: what is documented is what require gives.
func TestReferenceIsWhatPoliciesHave(t *testing.T) {
	h := mustHook(t, "", func(o *Options) {
		o.SetLogFilter = func(string) error { return nil }
		o.Figures = func(context.Context) (any, error) { return nil, nil }
	})
	got, want := modules.NewIndex(Reference()).Functions(), h.program.modules.Functions()
	if !slices.Equal(got, want) {
		t.Errorf("documented are\n%q; policies have\n%q", got, want)
	}
}

func TestRegistrations(t *testing.T) {
	h := mustHook(t, `kumo.on('b', function() end)
		kumo.on('get_acl_definition', function() end)
		kumo.on('get_acl_definition', function() end) kumo.on('a', function() end)`)
	p := &Policy{Hooks: h}
	got, err := p.Registrations(t.Context())
	at := func(line int) Position { return Position{File: "policy.lua", Line: line} }
	want := []Registration{{"b", at(2)}, {"get_acl_definition", at(3)}, {"a", at(4)}, {"get_acl_definition", at(4)}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := new(Policy).Registrations(t.Context()); got != nil || err != nil {
		t.Errorf("got %v, %v; want nothing of the flags", got, err)
	}
}

func TestMissingNames(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"none", `local kumo = require 'kumo' kumo.on('x', function() kumo.log_info(kumo.version) end)`, ""},
		{"refused", `local kumo = require 'kumo'
			local function f() return kumo.kafka.build_producer {} end`, "p.lua:2: kumo.kafka is not part of Troupe: "},
		{"by another name", `local k = require('kumo') local d = k.digest
			return function() d.sha265('x') end`, "p.lua:2: kumo.digest.sha265 is not part of this version of Troupe, did you mean 'kumo.digest.sha256'?"},
		{"without a name", `require('sqlite').opne('x')`, "p.lua:1: sqlite.opne is not part"},
		{"not of a module", `local kumo = { on = 1 } print(kumo.kafka)`, ""},
		{"a name that is two things", `local kumo = require 'kumo' local kumo = {} print(kumo.kafka)`, ""},
		{"a parameter", `local kumo = require 'kumo' local function f(kumo) return kumo.kafka end`, ""},
		{"of a result", `local redis = require 'redis' local x = redis.open{}.whatever`, ""},
		{"another module", `local x = require 'x' print(x.y)`, ""},
		{"broken", `local kumo =`, ""},
	}
	p := &Policy{Hooks: mustHook(t, "")}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, u := range p.MissingNames("p.lua", []byte(tt.source)) {
				lines = append(lines, u.At.String()+": "+u.Why)
			}
			got := strings.Join(lines, "\n")
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" || len(lines) > 1 {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}

// allSettings is a policy in which no parameter is at its default.
const allSettings = `
kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1', hostname = "o'clock", timeout = 59, connect_timeout = 1, use_splice = false, banner = false,
    idle_timeout = 1, half_close_timeout = 2, max_session = 3, user_timeout = 4,
    use_tls = true, tls_certificate = 'c.pem', tls_private_key = { key_data = 'private' }, tls_client_ca = { vault_mount = 'm', vault_path = 'p', vault_token = 'token' },
    require_auth = true, auth_cache = { ttl = 1, stale_if_error = 2 },
    tcp_keepalive = { enabled = false, time = 1, interval = 2, retries = 4 }, destination_series = 1, destination_idle = 1,
    limits = { connections = 1, connections_per_client = 2, new_per_second_per_client = 3, connections_per_user = 4, connections_per_source = 5, connections_per_destination = 6 },
    bandwidth = { per_session = 1024, per_user = 2048 },
    auth_failures = { per_client = 7, per_user = 8, within = 9, ban = 10 },
    allow_clients = {}, allow_sources = { '192.0.2.0/24' }, allow_destinations = { '*:25', 26 }, deny_destinations = { '10.0.0.0/8' },
    allow_local_destinations = true, source = { '192.0.2.1' }, source_choice = 'round_robin', require_source = false, resolve_names = false,
  }
  proxy.start_http_listener {
    listen = '127.0.0.1:2', hostname = 'h', request_body_limit = 1, trusted_hosts = { '10.0.0.0/8', '::1' }, allowed_hosts = { 'a.example' },
    use_tls = true, tls_certificate = 'c.pem', tls_private_key = 'k.pem', tls_client_ca = 'ca.pem',
  }
  proxy.start_proxy_listener { listen = '127.0.0.1:3', proxy_protocol = true, proxy_protocol_from = { '10.0.0.5' } }
  proxy.start_forward_listener { listen = '127.0.0.1:4', allow_clients = { '10.0.0.6' }, use_splice = false }
  proxy.start_http_listener { listen = 'unix:/run/a.sock', socket_mode = '0640', socket_group = 'staff' }
end)`

// TestSettings: every key that is accepted shows once it is not at its default,
// and nothing secret does.
func TestSettings(t *testing.T) {
	p, err := LoadSource(t.Context(), "policy.lua", []byte("local kumo, proxy = require 'kumo', require 'proxy'\n"+allSettings), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var keys []string
	var text strings.Builder
	for _, s := range slices.Concat(p.Listeners[0].Settings(), p.Listeners[1].Settings(), p.Listeners[2].Settings(), p.HTTP[0].Settings(), p.HTTP[1].Settings()) {
		keys = append(keys, s.Key)
		text.WriteString(s.String() + "\n")
	}
	for _, name := range []string{"proxy.start_proxy_listener", "proxy.start_forward_listener", "proxy.start_http_listener"} {
		_, err := LoadSource(t.Context(), "p.lua", []byte("require('kumo').on('proxy_init', function() require('proxy')"+
			strings.TrimPrefix(name, "proxy")+"{ listen = '127.0.0.1:1', zzz = 1 } end)"), Options{})
		_, known, _ := strings.Cut(err.Error(), "(known keys: ")
		for key := range strings.SplitSeq(strings.TrimSuffix(known, ")"), ", ") {
			shown := slices.ContainsFunc(keys, func(k string) bool { return k == key || strings.HasPrefix(k, key+".") })
			if !shown && key != "listen" {
				t.Errorf("%s: %s is not shown", name, key)
			}
		}
	}
	for _, want := range []string{
		`hostname = 'o\'clock'`, "timeout = '59s'", "tls_certificate = file 'c.pem'", "tls_private_key = key_data",
		"allow_clients = {}", "allow_destinations = { '*:25', '26' }", "source_choice = 'round_robin'", "trusted_hosts = { '10.0.0.0/8', '::1' }",
		"limits.connections = 1", "limits.connections_per_client = 2", "limits.new_per_second_per_client = 3", "limits.connections_per_user = 4",
		"bandwidth.per_session = 1024", "bandwidth.per_user = 2048",
		"auth_failures.per_client = 7", "auth_failures.per_user = 8", "auth_failures.within = '9s'", "auth_failures.ban = '10s'",
		"limits.connections_per_source = 5", "limits.connections_per_destination = 6",
		"proxy_protocol_from = { '10.0.0.5' }", "allow_clients = { '10.0.0.6' }", "socket_mode = '0640'", "socket_group = 'staff'",
	} {
		if !strings.Contains(text.String(), want+"\n") {
			t.Errorf("got\n%s; want %q in it", text.String(), want)
		}
	}
	for _, secret := range []string{"private", "token"} {
		if strings.Contains(strings.ReplaceAll(text.String(), "tls_private_key", ""), secret) {
			t.Errorf("got\n%s; want it without %q", text.String(), secret)
		}
	}
}

// TestNoSettings: what is at its default is not shown.
func TestNoSettings(t *testing.T) {
	p, err := Load(t.Context(), filepath.Join("testdata", "good", "defaults.lua"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	for _, s := range slices.Concat(p.Listeners[0].Settings(), p.HTTP[0].Settings()) {
		if s.Key != "hostname" || s.Value == "'"+host+"'" {
			t.Errorf("got %s; want nothing that is at its default", s)
		}
	}
}
