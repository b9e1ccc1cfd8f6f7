package access

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var (
	stranger = Auth{Peer: netip.MustParseAddr("192.0.2.7")}
	local    = Auth{Peer: netip.MustParseAddr("127.0.0.1"), Groups: []string{TrustedGroup}}
	alice    = Auth{
		Peer:       netip.MustParseAddr("10.1.2.3"),
		Identities: []Identity{{"alice", HTTPBasicAuth}},
		Groups:     []string{"admins", "staff"},
	}
)

func TestCriteria(t *testing.T) {
	network := MachineSet{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	tests := []struct {
		name     string
		criteria Criteria
		// for the stranger, the local one, alice, and one of whom nothing is known
		want [4]bool
	}{
		{"any", Any, [4]bool{true, true, true, true}},
		{"authenticated", Authenticated, [4]bool{false, false, true, false}},
		{"unauthenticated", Unauthenticated, [4]bool{true, true, false, true}},
		{"no such state", State("Everybody"), [4]bool{}},
		{"individual", Individual("alice"), [4]bool{false, false, true, false}},
		{"individual, by group", Individual("admins"), [4]bool{}},
		{"group", Group("staff"), [4]bool{false, false, true, false}},
		{"trusted", Group(TrustedGroup), [4]bool{false, true, false, false}},
		{"machine", Machine(netip.MustParseAddr("192.0.2.7")), [4]bool{true, false, false, false}},
		{"no machine", Machine{}, [4]bool{}},
		{"machines", network, [4]bool{false, false, true, false}},
		{"no machines", MachineSet{}, [4]bool{}},
		{"not", Not{Group("staff")}, [4]bool{true, true, false, true}},
		{"all of", AllOf{Individual("alice"), network}, [4]bool{false, false, true, false}},
		{"all of, one not", AllOf{Individual("alice"), Group(TrustedGroup)}, [4]bool{}},
		{"any of", AnyOf{Individual("alice"), Group(TrustedGroup)}, [4]bool{false, true, true, false}},
		{"none of", Not{AnyOf{Individual("alice"), Group(TrustedGroup)}}, [4]bool{true, false, false, true}},
	}
	for _, tt := range tests {
		for i, who := range []Auth{stranger, local, alice, {}} {
			if got := tt.criteria.Match(who); got != tt.want[i] {
				t.Errorf("%s for %v: got %v; want %v", tt.name, who, got, tt.want[i])
			}
		}
	}
}

func TestFirstRuleDecides(t *testing.T) {
	l := &List{Rules: []Rule{
		{Individual("bob"), "GET", true},
		{Authenticated, "POST", false},
		{Any, "GET", false},
		{Any, "GET", true},
	}}
	if r := l.Decide(alice, "GET"); r != &l.Rules[2] {
		t.Errorf("got %+v; want the first that is about alice and GET", r)
	}
	if r := l.Decide(stranger, "POST"); r != nil {
		t.Errorf("got %+v; want none", r)
	}
	if r := l.Decide(alice, "get"); r != nil {
		t.Errorf("got %+v; want none: privileges are compared as they are", r)
	}
}

func TestHTTPResource(t *testing.T) {
	got := HTTPResource("127.0.0.1:8080", "/foo/bar/baz").chain
	want := []string{
		"http_listener/127.0.0.1:8080/foo/bar/baz", "http_listener/127.0.0.1:8080/foo/bar", "http_listener/127.0.0.1:8080/foo",
		"http_listener/127.0.0.1:8080",
		"http_listener/*/foo/bar/baz", "http_listener/*/foo/bar", "http_listener/*/foo",
		"http_listener",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
	long := HTTPResource("[::1]:80", "/a/b/c/d/e/f/g/h/i/j/k/l")
	if got, want := long.String(), "http_listener/[::1]:80/a/b/c/d/e/f/g/h/i/j"; got != want {
		t.Errorf("got %q; want %q: ten parts are looked at", got, want)
	}
	if got, want := len(HTTPResource("l", "/"+string(make([]byte, 1000))).String()), len("http_listener/l/")+255; got != want {
		t.Errorf("got %d bytes; want %d: 256 of the path are looked at", got, want)
	}
	if got := (Resource{}).String(); got != "" {
		t.Errorf("got %q for no resource; want nothing", got)
	}
}

// The rows that KumoMTA's proxy-server has compiled in, and those it should have.
func TestBuiltin(t *testing.T) {
	engine := NewEngine(nil)
	tests := []struct {
		path                 string
		privileges           string // space between
		everyone, trusted    bool
		authenticatedByLogin bool
	}{
		{"/metrics", "GET", false, true, false},
		{"/metrics.json", "GET", false, true, false},
		{"/metrics", "POST PUT DELETE HEAD OPTIONS", false, false, false},
		{"/api/machine-info", "GET", false, true, false},
		{"/api/admin/bump-config-epoch", "GET POST DELETE", false, true, false},
		{"/api/admin/set_diagnostic_log_filter/v1", "GET POST DELETE", false, true, false},
		{"/api/admin/anything/new/v1", "GET POST DELETE", false, true, false},
		{"/api/admin/task-dump", "PUT PATCH OPTIONS", false, false, false},
		{"/api", "GET", false, false, false},
		{"/api/adminx", "GET", false, false, false},
		{"/rapidoc", "GET", true, true, true},
		{"/rapidoc/swagger-ui.css", "GET", true, true, true},
		{"/api-docs/openapi.json", "GET", true, true, true},
		{"/proxy/status", "GET", true, true, true},
		{"/livez", "GET", true, true, true},
		{"/readyz", "GET", true, true, true},
		{"/proxy/status", "POST", false, false, false},
		{"/new", "GET", false, false, false},
		{"/", "GET POST", false, true, false},
		{"/", "DELETE", false, false, false},
		{"/ui/sessions", "GET POST", false, true, false},
		{"/ui/sessions", "DELETE", false, false, false},
		{"/uix", "GET", false, false, false},
	}
	for _, tt := range tests {
		for privilege := range strings.SplitSeq(tt.privileges, " ") {
			for i, who := range []Auth{stranger, local, alice} {
				want := []bool{tt.everyone, tt.trusted, tt.authenticatedByLogin}[i]
				d, err := engine.Decide(context.Background(), Query{HTTPResource("0.0.0.0:8000", tt.path), who, privilege}, nil)
				if err != nil || d.Allow != want {
					t.Errorf("%s %s for %v: got %v, %v; want %v", privilege, tt.path, who, d.Allow, err, want)
				}
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	q := Query{HTTPResource("0.0.0.0:8080", "/metrics"), stranger, "GET"}
	if got, want := (Decision{}).Refusal(q), "<Unauthenticated>@ ip=192.0.2.7 not permitted GET on http_listener/0.0.0.0:8080/metrics"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	q.Who = Auth{Peer: stranger.Peer, Identities: []Identity{{"a", ""}, {"b", ""}}, Groups: []string{"hidden"}}
	if got, want := (Decision{Rule: &Rule{}}).Refusal(q), "id=[a, b]@ ip=192.0.2.7 denied GET on http_listener/0.0.0.0:8080/metrics"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// What is written out can be read back.
func TestPlainRules(t *testing.T) {
	rules := []Rule{
		{Any, "GET", true}, {Not{Authenticated}, "GET", false}, {Unauthenticated, "GET", true},
		{AllOf{Individual("a"), AnyOf{Group("b"), Machine(netip.MustParseAddr("::1"))}}, "PUT", true},
		{MachineSet{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::/0")}, "x", false},
	}
	var plain []any
	for _, r := range rules {
		plain = append(plain, r.Plain())
	}
	got, err := ParseRules(plain)
	if err != nil || !reflect.DeepEqual(got.Rules, rules) {
		t.Errorf("got %+v, %v; want %+v", got, err, rules)
	}
}
