package rules

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/socks5"
)

const far = "192.0.2.77" // a client from somewhere else

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// wantVerdict compares with the verdict as a person would read it.
func wantVerdict(t *testing.T, what string, got Verdict, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("%s: got %s; want %s", what, got, want)
	}
	if got.Allowed != (got.Reason == None) {
		t.Errorf("%s: got %+v; want a reason exactly when denied", what, got)
	}
}

func TestClientWithoutAllowClients(t *testing.T) {
	s := mustCompile(t, Spec{})
	const denied = "denied: client_not_local by allow_clients (not set)"
	for client, want := range map[string]string{
		"127.0.0.1":              "allowed by allow_clients (not set: loopback)",
		"127.1.2.3":              "allowed by allow_clients (not set: loopback)",
		"::1":                    "allowed by allow_clients (not set: loopback)",
		"::ffff:127.0.0.1":       "allowed by allow_clients (not set: loopback)",
		"10.255.0.1":             "allowed by allow_clients (not set: a private network)",
		"172.31.0.1":             "allowed by allow_clients (not set: a private network)",
		"192.168.0.1":            "allowed by allow_clients (not set: a private network)",
		"::ffff:192.168.0.1":     "allowed by allow_clients (not set: a private network)",
		"fd12::1":                "allowed by allow_clients (not set: a private network)",
		"169.254.3.4":            "allowed by allow_clients (not set: link-local)",
		"fe80::1%eth0":           "allowed by allow_clients (not set: link-local)",
		"198.51.100.9":           "allowed by allow_clients (not set: a network of this host)",
		"2001:db8:7::9":          "allowed by allow_clients (not set: a network of this host)",
		"198.51.100.7":           "allowed by allow_clients (not set: an address of this host)",
		"203.0.113.130":          "allowed by allow_clients (not set: an address of this host)",
		"198.51.101.9":           denied,
		"172.32.0.1":             denied,
		"100.64.0.1":             denied,
		"203.0.113.1":            denied,
		"2001:db8:8::9":          denied,
		"64:ff9b::127.0.0.1":     denied, // who embeds an address does not have it
		"2002:7f00:1::1":         denied,
		"::ffff:198.51.101.9":    denied,
		"::ffff:0:192.168.255.1": denied,
	} {
		wantVerdict(t, client, s.Client(addr(client), false), want)
		wantVerdict(t, client, s.Client(addr(client), true), "allowed")
	}
	wantVerdict(t, "no address", s.Client(netip.Addr{}, true), "denied: no_address")
	if !s.NearOnly(false) || s.NearOnly(true) {
		t.Error("got it wrong who is served; want those near only, unless they authenticate")
	}
}

func TestClientWithAllowClients(t *testing.T) {
	s := mustCompile(t, Spec{AllowClients: mustNetworks(t, "192.0.2.0/24", "192.0.2.64/26", "2001:db8:1::/48", "192.0.2.0/24")})
	for client, want := range map[string]string{
		"192.0.2.1":          `allowed by allow_clients[1] "192.0.2.0/24"`,
		far:                  `allowed by allow_clients[2] "192.0.2.64/26"`,
		"::ffff:192.0.2.1":   `allowed by allow_clients[1] "192.0.2.0/24"`,
		"2001:db8:1:f::":     `allowed by allow_clients[3] "2001:db8:1::/48"`,
		"2001:db8:1:f::%lo":  `allowed by allow_clients[3] "2001:db8:1::/48"`,
		"127.0.0.1":          "denied: client_not_listed by allow_clients",
		"10.0.0.1":           "denied: client_not_listed by allow_clients",
		"198.51.100.9":       "denied: client_not_listed by allow_clients",
		"64:ff9b::192.0.2.1": "denied: client_not_listed by allow_clients",
	} {
		wantVerdict(t, client, s.Client(addr(client), false), want)
		wantVerdict(t, client, s.Client(addr(client), true), want)
	}
	if s.NearOnly(false) {
		t.Error("got a listener for those near; want one for those listed")
	}
}

// TestEmptyLists: a list that came out empty allows nobody and nothing, unlike
// one that was not given.
func TestEmptyLists(t *testing.T) {
	s := mustCompile(t, Spec{AllowClients: mustNetworks(t), AllowSources: mustNetworks(t), AllowDestinations: mustDestinations(t)})
	wantVerdict(t, "client", s.Client(addr("127.0.0.1"), true), "denied: client_not_listed by allow_clients")
	wantVerdict(t, "source", s.Source(addr("127.0.0.1")), "denied: source_not_listed by allow_sources")
	wantVerdict(t, "destination", s.Destination(addr("127.0.0.1"), netip.MustParseAddrPort("192.0.2.1:25")),
		"denied: destination_not_listed by allow_destinations")
	wantVerdict(t, "name", s.Name(25), "denied: destination_not_listed by allow_destinations")
}

func TestEveryAddress(t *testing.T) {
	for _, word := range []string{"*", "any"} {
		s := mustCompile(t, Spec{AllowClients: mustNetworks(t, word)})
		for _, client := range []string{far, "2001:db8:8::1", "::ffff:192.0.2.77"} {
			wantVerdict(t, client, s.Client(addr(client), false), `allowed by allow_clients[1] "`+word+`"`)
		}
	}
}

func TestSource(t *testing.T) {
	free := mustCompile(t, Spec{})
	wantVerdict(t, "free", free.Source(addr(far)), "allowed")
	wantVerdict(t, "free, none", free.Source(addr("0.0.0.0")), "allowed")
	wantVerdict(t, "free, unbound", free.Unbound(), "allowed")
	wantVerdict(t, "no address", free.Source(netip.Addr{}), "denied: no_address")

	s := mustCompile(t, Spec{AllowSources: mustNetworks(t, "192.0.2.0/24", "2001:db8::/64")})
	wantVerdict(t, "listed", s.Source(addr(far)), `allowed by allow_sources[1] "192.0.2.0/24"`)
	wantVerdict(t, "mapped", s.Source(addr("::ffff:192.0.2.1")), `allowed by allow_sources[1] "192.0.2.0/24"`)
	wantVerdict(t, "IPv6", s.Source(addr("2001:db8::9")), `allowed by allow_sources[2] "2001:db8::/64"`)
	wantVerdict(t, "not listed", s.Source(addr("198.51.100.7")), "denied: source_not_listed by allow_sources")
	wantVerdict(t, "none", s.Source(addr("0.0.0.0")), "denied: source_required by require_source")
	wantVerdict(t, "none of IPv6", s.Source(addr("::")), "denied: source_required by require_source")
	wantVerdict(t, "unbound", s.Unbound(), "denied: source_required by require_source")
}

// TestRequireSource covers the default and what overrides it.
func TestRequireSource(t *testing.T) {
	yes, no := true, false
	listed := mustNetworks(t, "192.0.2.0/24")
	for name, test := range map[string]struct {
		spec Spec
		want Reason
	}{
		"nothing said":            {Spec{}, None},
		"sources listed":          {Spec{AllowSources: listed}, SourceRequired},
		"listed, not required":    {Spec{AllowSources: listed, RequireSource: &no}, None},
		"required":                {Spec{RequireSource: &yes}, SourceRequired},
		"listed, one is given":    {Spec{AllowSources: listed, Source: listed}, None},
		"given, not required":     {Spec{Source: listed, RequireSource: &no}, None},
		"listed empty, as a list": {Spec{AllowSources: []Network{}}, SourceRequired},
	} {
		if got := mustCompile(t, test.spec).Unbound().Reason; got != test.want {
			t.Errorf("%s: got %v; want %v", name, got, test.want)
		}
	}
	open := mustCompile(t, Spec{AllowSources: mustNetworks(t, "*"), RequireSource: &no})
	wantVerdict(t, "unspecified, all listed", open.Source(addr("0.0.0.0")), `allowed by allow_sources[1] "*"`)
	strict := mustCompile(t, Spec{AllowSources: listed, RequireSource: &no})
	wantVerdict(t, "unspecified, not listed", strict.Source(addr("0.0.0.0")), "denied: source_not_listed by allow_sources")
}

func TestDestination(t *testing.T) {
	s := mustCompile(t, Spec{
		DenyDestinations:  mustDestinations(t, "192.0.2.128/25", "10.0.0.0/8:25", "10.1.0.0/16:587", "*:23", "2001:db8:f::/48", "203.0.113.0/24:26"),
		AllowDestinations: mustDestinations(t, "25,587", "198.51.0.0/16:443", "192.0.2.0/24", "2001:db8::/32", "*:26"),
	})
	for dest, want := range map[string]string{
		"203.0.113.1:25":               `allowed by allow_destinations[1] "25,587"`,
		"203.0.113.1:26":               `denied: destination_denied by deny_destinations[6] "203.0.113.0/24:26"`,
		"203.0.113.1:443":              "denied: destination_not_listed by allow_destinations",
		"198.51.1.1:443":               `allowed by allow_destinations[2] "198.51.0.0/16:443"`,
		"198.51.1.1:25":                `allowed by allow_destinations[1] "25,587"`,
		"192.0.2.1:443":                `allowed by allow_destinations[3] "192.0.2.0/24"`,
		"192.0.2.1:0":                  `allowed by allow_destinations[3] "192.0.2.0/24"`,
		"192.0.2.1:23":                 `denied: destination_denied by deny_destinations[4] "*:23"`,
		"192.0.2.129:25":               `denied: destination_denied by deny_destinations[1] "192.0.2.128/25"`,
		"[::ffff:192.0.2.129]:25":      `denied: destination_denied by deny_destinations[1] "192.0.2.128/25"`,
		"10.1.2.3:587":                 `denied: destination_denied by deny_destinations[3] "10.1.0.0/16:587"`,
		"10.1.2.3:25":                  `denied: destination_denied by deny_destinations[2] "10.0.0.0/8:25"`, // the wider is in force too
		"10.2.2.3:587":                 `allowed by allow_destinations[1] "25,587"`,
		"[2001:db8::1]:80":             `allowed by allow_destinations[4] "2001:db8::/32"`,
		"[2001:db8::1]:23":             `denied: destination_denied by deny_destinations[4] "*:23"`,
		"[2001:db8:f::1]:80":           `denied: destination_denied by deny_destinations[5] "2001:db8:f::/48"`,
		"[64:ff9b::10.1.2.3]:25":       `denied: destination_denied by deny_destinations[2] "10.0.0.0/8:25"`,
		"[64:ff9b::198.51.1.1]:443":    "denied: destination_not_listed by allow_destinations", // its own form is not listed
		"[::ffff:198.51.1.1]:443":      `allowed by allow_destinations[2] "198.51.0.0/16:443"`,
		"127.0.0.1:25":                 "denied: destination_local by allow_local_destinations (loopback)",
		"[2001:db8:7::7%eth0]:25":      "denied: destination_local by allow_local_destinations (an address of this host)",
		"[2002:cb00:7182::]:25":        "denied: destination_local by allow_local_destinations (an address of this host)", // 203.0.113.130
		"[2002:cb00:7101::1]:25":       `allowed by allow_destinations[1] "25,587"`,
		"[64:ff9b:1::203.0.113.1]:587": `allowed by allow_destinations[1] "25,587"`,
	} {
		wantVerdict(t, dest, s.Destination(addr(far), netip.MustParseAddrPort(dest)), want)
	}
	wantVerdict(t, "no address", s.Destination(addr(far), netip.AddrPort{}), "denied: no_address")
}

func TestName(t *testing.T) {
	free := mustCompile(t, Spec{})
	wantVerdict(t, "free", free.Name(25), "allowed")

	forbidden := mustCompile(t, Spec{ForbidNames: true})
	wantVerdict(t, "forbidden", forbidden.Name(25), "denied: names_forbidden by resolve_names")

	s := mustCompile(t, Spec{
		DenyDestinations:  mustDestinations(t, "*:23", "10.0.0.0/8:80", "600-700,650-720"),
		AllowDestinations: mustDestinations(t, "1-79", "10.0.0.0/8:81-90", "[2001:db8::]:100,80", "500-650"),
	})
	for port, want := range map[uint16]string{
		0:     "denied: destination_not_listed by allow_destinations",
		1:     "allowed",
		23:    `denied: destination_denied by deny_destinations[1] "*:23"`,
		80:    "allowed", // some address may have it
		90:    "allowed",
		91:    "denied: destination_not_listed by allow_destinations",
		99:    "denied: destination_not_listed by allow_destinations",
		100:   "allowed",
		101:   "denied: destination_not_listed by allow_destinations",
		599:   "allowed",
		600:   `denied: destination_denied by deny_destinations[3] "600-700,650-720"`,
		720:   `denied: destination_denied by deny_destinations[3] "600-700,650-720"`,
		721:   "denied: destination_not_listed by allow_destinations",
		65535: "denied: destination_not_listed by allow_destinations",
	} {
		wantVerdict(t, netip.AddrPortFrom(netip.Addr{}, port).String(), s.Name(port), want)
	}
}

func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if name := r.String(); name == "" || seen[name] {
			t.Errorf("reason %d: got the name %q; want one of its own", r, name)
		}
		seen[r.String()] = true
		want := socks5.NotAllowed
		switch r {
		case None:
			want = socks5.Succeeded
		case NamesForbidden:
			want = socks5.AddressNotSupported
		}
		if got := r.Reply(); got != want {
			t.Errorf("%v: got the reply %v; want %v", r, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	if _, err := Compile(&Spec{}, nil); err == nil {
		t.Error("compiled without a host; want an error")
	}
	yes := true
	pair := mustNetworks(t, "192.0.2.1", "2001:db8::/64")
	for name, test := range map[string]struct {
		spec Spec
		want []Conflict
	}{
		"choice of nothing": {Spec{SourceChoice: RoundRobin}, []Conflict{{Key: SourceChoice, Clash: ChoiceWithoutSource}}},
		"never used":        {Spec{Source: pair, RequireSource: &yes}, []Conflict{{Key: Source, Clash: SourceUnused}}},
		"not listed": {Spec{Source: pair, AllowSources: mustNetworks(t, "192.0.2.0/24", "2001:db8::/65")},
			[]Conflict{{Key: Source, Index: 2, Entry: "2001:db8::/64", Clash: SourceNotAllowed}}},
		"broadcast": {Spec{Source: mustNetworks(t, "255.255.255.255")},
			[]Conflict{{Key: Source, Index: 1, Entry: "255.255.255.255", Clash: SourceUnusable}}},
		"too large": {Spec{Source: mustNetworks(t, "10.0.0.0/16", "10.0.0.0/15"), SourceChoice: RoundRobin},
			[]Conflict{{Key: Source, Index: 2, Entry: "10.0.0.0/15", Clash: PoolTooLarge}}},
		"other family": {Spec{Source: pair[1:], AllowDestinations: mustDestinations(t, "192.0.2.0/24:25")},
			[]Conflict{{Key: Source, Clash: SourceFamily}}},
		"all denied": {Spec{AllowDestinations: mustDestinations(t, "*:25"), DenyDestinations: mustDestinations(t, "0.0.0.0/0:20-30", "[::/0]:25")},
			[]Conflict{{Key: AllowDestinations, Index: 1, Entry: "*:25", Clash: AllowedAndDenied, Other: Rule{DenyDestinations, 2, "[::/0]:25"}}}},
		"half denied":                 {Spec{AllowDestinations: mustDestinations(t, "*:25", "10.0.0.0/8"), DenyDestinations: mustDestinations(t, "0.0.0.0/0:25", "10.0.0.0/9")}, nil},
		"two halves of allow_sources": {Spec{Source: pair[1:], AllowSources: mustNetworks(t, "2001:db8::/65", "2001:db8:0:0:8000::/65")}, nil},
		"one family reaches":          {Spec{Source: pair, AllowDestinations: mustDestinations(t, "192.0.2.0/24:25")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(&test.spec, testHost())
			conflicts, _ := errors.AsType[Conflicts](err)
			if len(conflicts) != len(test.want) || (err == nil) != (test.want == nil) {
				t.Fatalf("got %v; want %+v", err, test.want)
			}
			for i, c := range conflicts {
				if *c != test.want[i] {
					t.Errorf("got %+v; want %+v", *c, test.want[i])
				}
				if one, ok := errors.AsType[*Conflict](err); !ok || c.Why() == "it does not fit" || one.Error() == "" {
					t.Errorf("got %v for %+v; want words for it", one, c)
				}
			}
		})
	}
}

func TestChooses(t *testing.T) {
	for name, test := range map[string]struct {
		source []Network
		family egress.Family
		ok     bool
	}{
		"none": {nil, egress.Any, false},
		"IPv4": {mustNetworks(t, "192.0.2.1", "192.0.2.2"), egress.IPv4, true},
		"IPv6": {mustNetworks(t, "2001:db8::/64"), egress.IPv6, true},
		"both": {mustNetworks(t, "2001:db8::/64", "192.0.2.1"), egress.Any, true},
	} {
		family, ok := mustCompile(t, Spec{Source: test.source}).Chooses()
		if family != test.family || ok != test.ok {
			t.Errorf("%s: got %v, %v; want %v, %v", name, family, ok, test.family, test.ok)
		}
	}
}

// A source that a client has is by allow_sources, or else chosen out of source.
func TestGranting(t *testing.T) {
	s := mustCompile(t, Spec{
		AllowSources: mustNetworks(t, "198.51.100.9", "192.0.2.0/28", "2001:db8::/64"),
		Source:       mustNetworks(t, "192.0.2.3"),
	})
	only := mustCompile(t, Spec{Source: mustNetworks(t, "192.0.2.3", "203.0.113.0/29")})
	for _, test := range []struct {
		set          *Set
		source, want string
	}{
		{s, "192.0.2.3", `allow_sources[2] "192.0.2.0/28"`},
		{s, "::ffff:192.0.2.9", `allow_sources[2] "192.0.2.0/28"`},
		{s, "2001:db8::9", `allow_sources[3] "2001:db8::/64"`},
		{s, "203.0.113.1", ""},
		{only, "203.0.113.1", `source[2] "203.0.113.0/29"`},
		{only, "203.0.113.9", ""}, // a client may bind what is plumbed
		{mustCompile(t, Spec{}), "192.0.2.3", ""},
	} {
		got := ""
		if r, ok := test.set.Granting(addr(test.source)); ok {
			got = r.String()
		}
		if got != test.want {
			t.Errorf("%s: got %q; want %q", test.source, got, test.want)
		}
	}
	if r, ok := s.Granting(netip.Addr{}); ok {
		t.Errorf("no address: got %v; want no rule", r)
	}
}
