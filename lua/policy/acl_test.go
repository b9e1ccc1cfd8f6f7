package policy

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/access"
)

// onACL is a policy whose handler for access control lists has this body.
func onACL(body string) string {
	return "kumo.on('get_acl_definition', function(resource)\n" + body + "\nend)\n"
}

const allowBob = `kumo.aaa.make_access_control_list { { criteria = { Identity = { Individual = 'bob' } }, privilege = 'GET', access = 'Allow' } }`

var (
	nobody  = access.Auth{Peer: netip.MustParseAddr("192.0.2.7")}
	trusted = access.Auth{Peer: netip.MustParseAddr("127.0.0.1"), Groups: []string{access.TrustedGroup}}
	bob     = access.Auth{Peer: nobody.Peer, Identities: []access.Identity{{Identity: "bob", Context: access.HTTPBasicAuth}}}
)

func get(path string, who access.Auth) access.Query {
	return access.Query{Resource: access.HTTPResource("127.0.0.1:8000", path), Who: who, Privilege: "GET"}
}

func TestAuthorize(t *testing.T) {
	const metrics = "http_listener/*/metrics"
	tests := []struct {
		name, policy string
		query        access.Query
		allow        bool
		matching     string
	}{
		{"no handler", ``, get("/metrics", trusted), true, metrics},
		{"no handler, nobody", ``, get("/metrics", nobody), false, ""},
		{"nil", onACL(`return nil`), get("/metrics", trusted), true, metrics},
		{"nothing", onACL(``), get("/metrics", trusted), true, metrics},
		{"a list of its own", onACL(`if resource == 'http_listener/127.0.0.1:8000/metrics' then return ` + allowBob + ` end`),
			get("/metrics", bob), true, "http_listener/127.0.0.1:8000/metrics"},
		{"built-in rows stand beside it", onACL(`if resource == 'http_listener/*/x' then return ` + allowBob + ` end`),
			get("/metrics", trusted), true, metrics},
		{"built-in rows are off", "kumo.aaa.set_fall_back_to_acl_map(false)\n" + onACL(`return nil`), get("/metrics", trusted), false, ""},
		{"built-in rows without a handler are never off", "kumo.aaa.set_fall_back_to_acl_map(false)\n", get("/metrics", trusted), true, metrics},
		{"denied by a rule", onACL(`return kumo.aaa.make_access_control_list { { criteria = { Identity = 'Any' }, privilege = 'GET', access = 'Deny' } }`),
			get("/metrics", trusted), false, "http_listener/127.0.0.1:8000/metrics"},
		{"a map", `local map = kumo.memoize(function() return kumo.aaa.load_acl_map { key_data = [=[
[[acl."http_listener/*/metrics"]]
allow = true
privileges = ["GET"]
identity.Individual = "bob"
]=] } end, { name = 'acls', ttl = '5m', capacity = 1 })
` + onACL(`return map():get(resource)`), get("/metrics", bob), true, metrics},
		{"the second handler after one that says nothing", onACL(``) + onACL(`return `+allowBob), get("/x", bob), true, "http_listener/127.0.0.1:8000/x"},
		{"nil ends it", onACL(`return nil`) + onACL(`return `+allowBob), get("/x", bob), false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHook(t, tt.policy)
			d, err := h.Authorize(t.Context(), tt.query)
			if err != nil || d.Allow != tt.allow || d.Matching != tt.matching {
				t.Errorf("got %v by %q, %v; want %v by %q", d.Allow, d.Matching, err, tt.allow, tt.matching)
			}
		})
	}
}

func TestAuthorizeFails(t *testing.T) {
	for body, want := range map[string]string{
		`return true`:         "get_acl_definition: expected an access control list or nil, got boolean",
		`return {}`:           "got table",
		`return kumo.aaa`:     "got table",
		`error('no backend')`: "policy.lua:3: no backend",
		`return kumo.aaa.query_resource_access(kumo.aaa.make_http_url_resource('127.0.0.1:1', '/'), {}, 'GET')`: "which it would ask",
	} {
		h := mustHook(t, onACL(body))
		for _, path := range []string{"/metrics", "/proxy/status"} {
			d, err := h.Authorize(t.Context(), get(path, trusted))
			if d.Allow {
				t.Errorf("%s: got access to %s; want none", body, path)
			}
			wantHookError(t, err, want)
		}
	}
}

// What a list says is remembered, and forgotten with the epoch.
func TestAuthorizeRemembers(t *testing.T) {
	h := mustHook(t, onACL(`return `+allowBob))
	ask := func() bool {
		d, err := h.Authorize(t.Context(), get("/x", bob))
		if err != nil {
			t.Fatal(err)
		}
		return d.Allow
	}
	for range 5 {
		if !ask() {
			t.Fatal("got a refusal; want access")
		}
	}
	if got := h.program.options.Meter.Snapshot().Events[EventACL].Started; got != 1 {
		t.Errorf("the handler was asked %d times; want once", got)
	}
	h.Bump()
	ask()
	if got := h.program.options.Meter.Snapshot().Events[EventACL].Started; got != 2 {
		t.Errorf("the handler was asked %d times; want twice: the epoch has changed", got)
	}
}

func TestSetLifetimes(t *testing.T) {
	h := mustHook(t, `kumo.aaa.set_acl_cache_ttl(0) kumo.aaa.set_check_cache_ttl('0s')`+"\n"+onACL(`return `+allowBob))
	for range 3 {
		if _, err := h.Authorize(t.Context(), get("/x", bob)); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.program.options.Meter.Snapshot().Events[EventACL].Started; got != 3 {
		t.Errorf("the handler was asked %d times; want 3: nothing is remembered", got)
	}
}

// A handler that asks about access has a state for it even when all that HTTP
// waits for are taken.
func TestQueryFromAHandler(t *testing.T) {
	h := mustHook(t, onACL(`return `+allowBob)+onAuth(`
local resource = kumo.aaa.make_http_url_resource('127.0.0.1:8000', 'http://localhost/x/y?z')
local d = kumo.aaa.query_resource_access(resource, { identities = { { identity = user, context = 'ProxyAuthRfc1929' } } }, 'GET')
assert(d.resource == (d.allow and 'http_listener/127.0.0.1:8000/x/y' or nil))
assert((d.rule and d.rule.criteria.Identity.Individual) == (d.allow and 'bob' or nil))
return d.allow`))
	for user, want := range map[string]bool{"bob": true, "eve": false} {
		_, err := h.Authenticate(t.Context(), user, "p", testMeta)
		if (err == nil) != want {
			t.Errorf("%s: got %v; want allowed %v", user, err, want)
		}
	}
	h = mustHook(t, "ok, why = pcall(kumo.aaa.query_resource_access, kumo.aaa.make_http_url_resource('127.0.0.1:1', '/'), {}, 'GET')\n"+onAuth(`error(why)`))
	_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
	wantHookError(t, err, "kumo.aaa.query_resource_access: called at the top level of the policy")
}

func TestRegistrarsOfSeveralHandlers(t *testing.T) {
	h := mustHook(t, onACL(``)+onACL(``)+onAuth(`
local all = kumo.get_event_registrars('get_acl_definition')
error(#all .. all[1][1] .. all[2][1])`))
	_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
	wantHookError(t, err, "2policy.lua:2policy.lua:5")
}

func TestAllowedHosts(t *testing.T) {
	p, err := LoadSource(t.Context(), "p.lua", []byte(`local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_http_listener { allowed_hosts = { 'a.example', 'b.example' }, hostname = 'own.example' }
end)`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l := &p.HTTP[0]
	if want := []string{"a.example", "b.example"}; !reflect.DeepEqual(l.AllowedHosts, want) {
		t.Errorf("got %v; want %v", l.AllowedHosts, want)
	}
	var shown []string
	for _, s := range l.Settings() {
		shown = append(shown, s.String())
	}
	if got := strings.Join(shown, "; "); !strings.Contains(got, "allowed_hosts = { 'a.example', 'b.example' }") {
		t.Errorf("got %s; want allowed_hosts in it", got)
	}
}
