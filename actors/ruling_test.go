package actors

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/policy"
)

var (
	nearby  = netip.MustParseAddr("127.0.0.1")
	afar    = netip.MustParseAddr("10.1.2.3") // on a private network, and not this machine
	connect = func(host string, port uint16) []byte {
		a := netip.MustParseAddr(host)
		b := append([]byte{5, 1, 0, map[bool]byte{true: 1, false: 4}[a.Is4()]}, a.AsSlice()...)
		return append(b, byte(port>>8), byte(port))
	}
	bindOf = func(host string) []byte {
		b := connect(host, 0)
		b[1] = 2
		return b
	}
)

// oneHost is 198.51.100.7/24.
type oneHost struct{}

func (oneHost) Local(a netip.Addr) bool { return a == netip.AddrFrom4([4]byte{198, 51, 100, 7}) }

func (oneHost) Attached(a netip.Addr) bool {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, 0}), 24).Contains(a)
}

func anyHost() rules.Host { return oneHost{} }

func compiled(t testing.TB, spec rules.Spec) *rules.Set {
	t.Helper()
	set, err := rules.Compile(&spec, anyHost())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func networks(t testing.TB, texts ...string) []rules.Network {
	t.Helper()
	all := []rules.Network{}
	for _, text := range texts {
		n, err := rules.ParseNetwork(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func destinationList(t testing.TB, texts ...string) []rules.Destination {
	t.Helper()
	all := []rules.Destination{}
	for _, text := range texts {
		d, err := rules.ParseDestination(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// ruled is a greeted client of a listener with rules.
func ruled(t *testing.T, client netip.Addr, spec rules.Spec) *driver {
	t.Helper()
	d := newDriver(t, limits{rules: compiled(t, spec)})
	d.m.client = client
	d.send(greetNone...)
	d.wantWrote(5, 0)
	return d
}

func (d *driver) wantDials(want ...string) {
	d.t.Helper()
	var got []string
	for _, a := range d.dials {
		got = append(got, a.String())
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("dialled %q; want %q", got, want)
	}
}

// refused is what the log says that was refused.
func (d *driver) refused() string {
	d.t.Helper()
	r, ok := errors.AsType[*ruling](d.why)
	if !ok {
		d.t.Fatalf("ended for %v; want a ruling", d.why)
	}
	return r.what
}

// wantForbidden is a session that ended for what a rule forbids.
func (d *driver) wantForbidden(code byte, why Reason, verdict rules.Reason, rule string) {
	d.t.Helper()
	d.wantWrote(refusal(code)...)
	d.wantDials()
	d.wantEnd(failed(why))
	got, ok := errors.AsType[*ruling](d.why)
	if !ok || got.Reason != verdict || got.Rule.String() != rule {
		d.t.Errorf("ended for %v; want %v by %s", d.why, verdict, rule)
	}
}

// A client that is not on loopback cannot reach by us what it could not reach
// without us.
func TestLocalDestinations(t *testing.T) {
	for host, what := range map[string]string{
		"127.0.0.1": "loopback", "127.8.9.1": "loopback", "::1": "loopback", "::ffff:127.0.0.1": "loopback",
		"0.0.0.0": "unspecified", "::": "unspecified", "169.254.169.254": "link-local", "fe80::1": "link-local",
		"224.0.0.1": "multicast", "100.100.100.200": "cloud metadata", "fd00:ec2::254": "cloud metadata",
		"198.51.100.7": "an address of this host", "::ffff:198.51.100.7": "an address of this host",
		"64:ff9b::7f00:1": "loopback", "64:ff9b::c633:6407": "an address of this host", "2002:7f00:1::": "loopback",
	} {
		t.Run(host, func(t *testing.T) {
			d := ruled(t, afar, rules.Spec{})
			d.send(connect(host, 8000)...)
			d.wantForbidden(2, ReasonDestinationRefused, rules.DestinationLocal, "allow_local_destinations ("+what+")")
			if !slices.Equal(d.results, []egress.Result{egress.Denied}) {
				t.Errorf("dial results %v; want one, denied", d.results)
			}
			for name, d := range map[string]*driver{
				"opened":                  ruled(t, afar, rules.Spec{AllowLocalDestinations: true}),
				"of a client on loopback": ruled(t, nearby, rules.Spec{}),
			} {
				d.send(connect(host, 8000)...)
				if len(d.dials) != 1 {
					t.Errorf("%s: dialled %v; want it dialled", name, d.dials)
				}
			}
		})
	}
}

func TestDestinationRules(t *testing.T) {
	spec := rules.Spec{
		AllowDestinations: destinationList(t, "192.0.2.0/24:25,587", "2001:db8::/32"),
		DenyDestinations:  destinationList(t, "192.0.2.9", "*:587"),
	}
	for _, tt := range []struct {
		to      string
		reason  rules.Reason
		rule    string
		dialled bool
	}{
		{to: "192.0.2.1:25", dialled: true},
		{to: "[2001:db8::1]:26", dialled: true},
		{to: "[::ffff:192.0.2.1]:25", dialled: true},
		{"192.0.2.9:25", rules.DestinationDenied, `deny_destinations[1] "192.0.2.9"`, false},
		{"[2002:c000:209::]:25", rules.DestinationDenied, `deny_destinations[1] "192.0.2.9"`, false},
		{"192.0.2.1:587", rules.DestinationDenied, `deny_destinations[2] "*:587"`, false},
		{"192.0.2.1:26", rules.DestinationNotListed, "allow_destinations", false},
		{"203.0.113.1:25", rules.DestinationNotListed, "allow_destinations", false},
	} {
		t.Run(tt.to, func(t *testing.T) {
			to := netip.MustParseAddrPort(tt.to)
			d := ruled(t, nearby, spec)
			d.send(connect(to.Addr().String(), to.Port())...)
			if tt.dialled {
				d.wantDials(netip.AddrPortFrom(to.Addr().Unmap(), to.Port()).String())
				return
			}
			d.wantForbidden(2, ReasonDestinationRefused, tt.reason, tt.rule)
			if got := d.refused(); got != tt.to {
				t.Errorf("the log says that %q was refused; want %q", got, tt.to)
			}
		})
	}
}

// What a name resolves to is judged, address by address.
func TestRulesOfResolvedNames(t *testing.T) {
	name := requestName("mx.x", 25)
	resolve := func(d *driver, last bool, addrs ...string) {
		var all []netip.Addr
		for _, a := range addrs {
			all = append(all, netip.MustParseAddr(a))
		}
		d.feed(event{kind: evResolved, last: last, addrs: all})
	}
	t.Run("all are denied", func(t *testing.T) {
		d := ruled(t, afar, rules.Spec{})
		d.send(name...)
		resolve(d, false, "::1")
		d.wantWrote()
		resolve(d, true, "127.0.0.1", "198.51.100.7")
		d.wantForbidden(2, ReasonDestinationRefused, rules.DestinationLocal, "allow_local_destinations (loopback)")
		if !slices.Equal(d.results, []egress.Result{egress.Denied}) {
			t.Errorf("dial results %v; want one, denied", d.results)
		}
	})
	t.Run("the others are dialled", func(t *testing.T) {
		d := ruled(t, afar, rules.Spec{})
		d.send(name...)
		resolve(d, true, "127.0.0.1", "192.0.2.1", "::1", "198.51.100.7", "192.0.2.2")
		d.feed(event{kind: evDialed, n: 0, err: syscall.ECONNREFUSED})
		d.wantDials("192.0.2.1:25", "192.0.2.2:25")
		d.feed(event{kind: evDialed, n: 1, err: syscall.ECONNREFUSED})
		d.wantWrote(refusal(5)...)
		d.wantEnd(failed(ReasonRefused))
		if d.why != nil {
			t.Errorf("ended for %v; want no rule in it", d.why)
		}
	})
	t.Run("more denied ones than are tried", func(t *testing.T) {
		d := ruled(t, afar, rules.Spec{})
		d.send(name...)
		resolve(d, true, slices.Concat(slices.Repeat([]string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}, 8), []string{"192.0.2.1"})...)
		d.wantDials("192.0.2.1:25")
	})
	t.Run("names are not served", func(t *testing.T) {
		d := ruled(t, nearby, rules.Spec{ForbidNames: true})
		d.send(name...)
		d.wantForbidden(8, ReasonNamesRefused, rules.NamesForbidden, "resolve_names")
		if len(d.names) > 0 || d.refused() != "mx.x:25" {
			t.Errorf("resolved %q for %q; want nothing resolved", d.names, d.refused())
		}
		d = ruled(t, nearby, rules.Spec{ForbidNames: true})
		d.send(connect4...)
		d.wantDials("192.0.2.1:25")
	})
	t.Run("a port that is denied everywhere", func(t *testing.T) {
		d := ruled(t, nearby, rules.Spec{DenyDestinations: destinationList(t, "*:25")})
		d.send(name...)
		d.wantForbidden(2, ReasonDestinationRefused, rules.DestinationDenied, `deny_destinations[1] "*:25"`)
		if len(d.names) > 0 {
			t.Errorf("resolved %q; want nothing resolved", d.names)
		}
	})
}

func TestSourceRules(t *testing.T) {
	no, yes := false, true
	listed := rules.Spec{AllowSources: networks(t, "127.0.0.0/30")}
	optional := rules.Spec{AllowSources: networks(t, "127.0.0.0/30"), RequireSource: &no}
	required := rules.Spec{RequireSource: &yes}
	for _, tt := range []struct {
		name    string
		spec    rules.Spec
		send    []byte
		reason  Reason // none: it is granted
		verdict rules.Reason
		rule    string
	}{
		{name: "no rules", send: bindOf("127.0.0.9")},
		{name: "no rules, no address", send: bindOf("0.0.0.0")},
		{name: "listed", spec: listed, send: bind4},
		{"not listed", listed, bindOf("127.0.0.9"), ReasonSourceRefused, rules.SourceNotListed, "allow_sources"},
		{"another family", listed, bindOf("2001:db8::1"), ReasonSourceRefused, rules.SourceNotListed, "allow_sources"},
		{"no address", listed, bindOf("0.0.0.0"), ReasonSourceRequired, rules.SourceRequired, "require_source"},
		{"no address, optional", optional, bindOf("0.0.0.0"), ReasonSourceRefused, rules.SourceNotListed, "allow_sources"},
		{"no address, required", required, bindOf("::"), ReasonSourceRequired, rules.SourceRequired, "require_source"},
		{name: "any address, required", spec: required, send: bindOf("127.0.0.9")},
		{"CONNECT alone", listed, connect4, ReasonSourceRequired, rules.SourceRequired, "require_source"},
		{"CONNECT alone, required", required, connect4, ReasonSourceRequired, rules.SourceRequired, "require_source"},
		{name: "CONNECT alone, optional", spec: optional, send: connect4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := ruled(t, nearby, tt.spec)
			d.send(tt.send...)
			if tt.reason == ReasonNone {
				if granted := len(d.binds) + len(d.dials); granted != 1 || d.m.phase == phaseClosing {
					t.Errorf("bound %v, dialled %v; want one of them", d.binds, d.dials)
				}
				return
			}
			d.wantForbidden(2, tt.reason, tt.verdict, tt.rule)
			if len(d.binds) > 0 {
				t.Errorf("bound %v; want nothing bound", d.binds)
			}
		})
	}
}

// Whatever is wrong with the destination, or with the hooks, a BIND fails for its
// source alone.
func TestDestinationRulesDoNotFailABind(t *testing.T) {
	d := ruled(t, afar, rules.Spec{AllowDestinations: destinationList(t), ForbidNames: true})
	d.send(bind4...)
	d.wantWrote(bindDone...)
	d.send(connect4...)
	d.wantForbidden(2, ReasonDestinationRefused, rules.DestinationNotListed, "allow_destinations")
}

// The rules judge what a handler has made of the request.
func TestRulesAfterTheHook(t *testing.T) {
	spec := rules.Spec{AllowSources: networks(t, "127.0.0.2"), DenyDestinations: destinationList(t, "192.0.2.9")}
	source := func(a string) answer { return answer{decision: policy.Decision{Source: netip.MustParseAddr(a)}} }
	destination := func(a string) answer {
		return answer{decision: policy.Decision{Destination: netip.MustParseAddrPort(a)}}
	}
	for _, tt := range []struct {
		name    string
		send    []byte
		about   topic
		answer  answer
		reason  Reason // none: it is granted
		dialled []string
	}{
		{"BIND to a source that is listed", bindOf("127.0.0.9"), aboutBind, source("127.0.0.2"), ReasonNone, nil},
		{"BIND to one that is not", bind4, aboutBind, source("127.0.0.3"), ReasonSourceRefused, nil},
		{"BIND undecided", bindOf("127.0.0.9"), aboutBind, answer{err: errBackend}, ReasonSourceRefused, nil},
		{"CONNECT from a source that is listed", connect4, aboutConnect, source("127.0.0.2"), ReasonNone, []string{"192.0.2.1:25"}},
		{"CONNECT from one that is not", connect4, aboutConnect, source("127.0.0.3"), ReasonSourceRefused, nil},
		{"CONNECT from none", connect4, aboutConnect, answer{}, ReasonSourceRequired, nil},
		{"another destination", slices.Concat(bind4, connect("192.0.2.9", 25)), aboutConnect, destination("192.0.2.7:25"), ReasonNone, []string{"192.0.2.7:25"}},
		{"a destination that is denied", slices.Concat(bind4, connect4), aboutConnect, destination("192.0.2.9:25"), ReasonDestinationRefused, nil},
		{"a destination that is local", slices.Concat(bind4, connect4), aboutConnect, destination("127.0.0.1:25"), ReasonDestinationRefused, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := ruled(t, afar, spec)
			d.m.handlers = handlers{request: true, patience: time.Second}
			d.send(tt.send...)
			if d.question(d.m.asking.topic).topic != tt.about {
				d.answer(aboutBind, answer{})
			}
			d.wrote = nil
			d.answer(tt.about, tt.answer)
			d.wantDials(tt.dialled...)
			if tt.reason != ReasonNone {
				d.wantWrote(refusal(2)...)
				d.wantEnd(failed(tt.reason))
			} else if d.m.phase == phaseClosing {
				t.Errorf("wrote % x; want it granted", d.wrote)
			}
		})
	}
}

// The figures and replies of every verdict: a denied request is never answered
// as if it had succeeded, and has a reason of its own kind.
func TestEveryVerdictHasAnAnswer(t *testing.T) {
	for _, r := range rules.Reasons()[1:] {
		if got := refusedFor(r); got.Fault() != FaultPolicy && got.Fault() != FaultClient || r.Reply() == 0 {
			t.Errorf("%v: session failure %v by %v, reply %v; want one that blames client or policy", r, got, got.Fault(), r.Reply())
		}
	}
}

// Whoever has rules pays no allocation for them, and who has none pays none for
// those that are there by default.
func TestRulesAllocateNothing(t *testing.T) {
	full := rules.Spec{
		AllowClients: networks(t, "*"), AllowSources: networks(t, "*"), AllowDestinations: destinationList(t, "*"),
		DenyDestinations: destinationList(t, "10.0.0.0/8"), RequireSource: new(bool),
	}
	for name, spec := range map[string]rules.Spec{"by default": {}, "all": full} {
		m := &machine{client: afar, limits: &limits{rules: compiled(t, spec)}, source: ourSide}
		m.dial = &dialing{race: egress.NewRace(25, egress.Any)}
		s := &shared{limits: *m.limits}
		addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
		if got := testing.AllocsPerRun(100, func() {
			if v, _ := s.admits(afar); !v.Allowed || !m.judgeSource().Allowed {
				t.Fatalf("refused: %v", v)
			}
			m.offer(addrs, true)
		}); got != 0 {
			t.Errorf("%s: %v allocations for a session; want 0", name, got)
		}
	}
}
