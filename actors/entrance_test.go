package actors

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

var (
	abroad   = netip.MustParseAddr("203.0.113.9")  // on no network of ours
	adjacent = netip.MustParseAddr("198.51.100.9") // on one of this host's
	anyAuth  = `kumo.on('proxy_server_auth_rfc1929', function() return true end)`
)

// elsewhere is a client that has come from another address than it has.
type elsewhere struct {
	transport.Conn
	client netip.Addr
}

// Client implements transport.Conn.
func (e elsewhere) Client() netip.AddrPort {
	return netip.AddrPortFrom(e.client, e.Conn.Client().Port())
}

// clientsFrom has all clients come from an address.
func clientsFrom(a netip.Addr) func(*setup) {
	return func(s *setup) {
		s.network.conn = func(c transport.Conn) transport.Conn { return elsewhere{c, a} }
	}
}

func withRules(spec rules.Spec) func(*setup) {
	return func(s *setup) { s.listeners[0].Rules = spec }
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.buf.String(), text)
}

func TestWhoIsAdmitted(t *testing.T) {
	listed := rules.Spec{AllowClients: networks(t, "203.0.113.0/24")}
	for _, tt := range []struct {
		name            string
		spec            rules.Spec
		certified, auth bool
		client          netip.Addr
		refused         rules.Reason
		prove           bool
	}{
		{name: "loopback", client: nearby},
		{name: "a private network", client: afar},
		{name: "a network of this host", client: adjacent},
		{name: "from abroad", client: abroad, refused: rules.ClientNotLocal},
		{name: "from abroad, listed", spec: listed, client: abroad},
		{name: "not listed", spec: listed, client: nearby, refused: rules.ClientNotListed},
		{name: "nobody listed", spec: rules.Spec{AllowClients: networks(t)}, client: nearby, refused: rules.ClientNotListed},
		{name: "near, beside a handler", auth: true, client: afar},
		{name: "from abroad, to authenticate", auth: true, client: abroad, prove: true},
		{name: "listed, beside a handler", spec: listed, auth: true, client: abroad},
		{name: "not listed, beside a handler", spec: listed, auth: true, client: nearby, refused: rules.ClientNotListed},
		{name: "from abroad, with a certificate", certified: true, client: abroad},
		{name: "not listed, with a certificate", spec: listed, certified: true, client: nearby, refused: rules.ClientNotListed},
	} {
		s := &shared{limits: limits{rules: compiled(t, tt.spec), certified: tt.certified}}
		if tt.auth {
			s.hooks = NewHooks(load(t, anyAuth, policy.Options{}))
		}
		v, prove := s.admits(tt.client)
		if v.Reason != tt.refused || v.Allowed && prove != tt.prove {
			t.Errorf("%s: got %v, to authenticate %v; want %v, %v", tt.name, v, prove, tt.refused, tt.prove)
		}
	}
}

// A client that is not served is closed before it could say anything. It is
// booked, its slot is free again, and a flood of such is not a flood in the log.
func TestClientsFromAbroadAreRefused(t *testing.T) {
	var log journal
	tr := startTree(t, clientsFrom(abroad), func(s *setup) { s.log = log.logger() })
	for range 5 {
		tr.wantCut()
	}
	tr.wantFailed(ReasonClientRefused, 5)
	eventually(t, "the slots to come back", func() bool { return len(tr.slots.free) == 0 })
	g := gather(t, tr.reg)
	if accepted, active := g.sum("proxy_connections_accepted_total"), g.sum("proxy_active_connections"); accepted != 5 || active != 0 {
		t.Errorf("%v accepted, %v active; want 5 and 0", accepted, active)
	}
	if info, all := log.count(`level=INFO msg="client refused"`), log.count(`msg="client refused"`); info != 1 || all != 5 {
		t.Errorf("%d lines, of them %d at info; want 5 and 1", all, info)
	}
	if want := `client=203.0.113.9:`; !log.has(want) || !log.has(`why=client_not_local rule="allow_clients (not set)"`) {
		t.Errorf("the log should say who was refused, and why")
	}
}

// A line in the log for those of a minute, and how many it stands for.
func TestSparing(t *testing.T) {
	var s sparing
	now := time.Unix(1_000_000, 0)
	var got []string
	for _, after := range []time.Duration{0, time.Second, 58 * time.Second, time.Second, 59 * time.Second, time.Second} {
		now = now.Add(after)
		if held, due := s.due(now); due {
			got = append(got, fmt.Sprint(held))
		}
	}
	if strings.Join(got, " ") != "0 2 1" {
		t.Errorf("got lines that stand for %v others; want 0, 2 and 1", got)
	}
}

// Where clients from abroad have to authenticate, they are not let in without,
// though others are.
func TestClientsFromAbroadAuthenticate(t *testing.T) {
	echo := startUpstream(t)
	for name, tt := range map[string]struct {
		client      netip.Addr
		alone, both byte
	}{
		"abroad": {abroad, 0xff, 2},
		"near":   {afar, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			tr, _ := withPolicy(t, anyAuth, policy.Options{}, clientsFrom(tt.client),
				withRules(rules.Spec{AllowLocalDestinations: true}))
			for want, methods := range map[byte][]byte{tt.alone: {5, 1, 0}, tt.both: {5, 2, 0, 2}} {
				c := tr.mustDial()
				must(t, c.say(methods...))
				if b, err := c.hear(2); err != nil || b[1] != want {
					t.Errorf("% x answered % x, %v; want method %x", methods, b, err, want)
				}
			}
			if code, err := tr.loggedIn("alice").ask(request(1, echo.addr)); err != nil || code != 0 {
				t.Errorf("CONNECT answered %d, %v; want 0", code, err)
			}
		})
	}
}

// A listener says which key opens it, once, and when that changes.
func TestListenerSaysWhoIsServed(t *testing.T) {
	const near, all = "only clients on loopback", "clients from everywhere are served"
	var log journal
	open := anyListener()
	open.Listen = "0.0.0.0:0"
	listed := open
	listed.Rules.AllowClients = networks(t, "*")
	tr := startTree(t, func(s *setup) { s.listeners, s.log = []policy.Listener{open}, log.logger() })
	want := func(nears, alls int) {
		t.Helper()
		eventually(t, "the lines", func() bool { return log.count(near) == nears && log.count(all) == alls })
	}
	want(1, 0)
	if !log.has("allow_clients opens the listener to others") {
		t.Error("the log should name the key")
	}
	tr.mustReload(0, 0, 0, 1, open)
	tr.mustReload(0, 1, 0, 0, changed(open))
	want(1, 0)
	tr.mustReload(0, 1, 0, 0, listed)
	want(1, 1)
	tr.mustReload(0, 1, 0, 0, open)
	want(2, 1)

	var quiet journal
	startTree(t, func(s *setup) { s.log = quiet.logger() })
	startTree(t, func(s *setup) { s.listeners, s.log = []policy.Listener{listed}, quiet.logger() })
	if quiet.has(near) || quiet.has(all) {
		t.Error("a listener on loopback, or one that is open from the start, has nothing to say")
	}
}

// A client that is not on this machine does not reach what listens on its
// loopback, and the log says which rule is in the way.
func TestLoopbackIsNotReached(t *testing.T) {
	var log journal
	echo := startUpstream(t)
	tr := startTree(t, clientsFrom(afar), func(s *setup) { s.log = log.logger() })
	c := tr.mustDial()
	must(t, c.greet())
	if code, err := c.ask(request(1, echo.addr)); err != nil || code != 2 {
		t.Errorf("CONNECT answered %d, %v; want 2", code, err)
	}
	must(t, c.ended())
	tr.wantFailed(ReasonDestinationRefused, 1)
	eventually(t, "the refusal in the log", func() bool {
		return log.has(`reason=destination_refused fault=policy`) &&
			log.has(fmt.Sprintf(`refused=%v why=destination_local rule="allow_local_destinations (loopback)"`, echo.addr))
	})
	if got := tr.value("proxy_dials_total", "result", "denied"); got != 1 {
		t.Errorf("%v dials denied; want 1", got)
	}
	tr = startTree(t, clientsFrom(afar), withRules(rules.Spec{AllowLocalDestinations: true}))
	must(t, tr.mustOpen(echo.addr).finish())
}

// The upstream sees the source that the policy has for clients who choose none.
func TestChosenSource(t *testing.T) {
	echo := startUpstream(t)
	var log journal
	tr := startTree(t, withRules(rules.Spec{Source: networks(t, "127.0.0.9")}), func(s *setup) { s.log = log.logger() })
	must(t, tr.mustOpen(echo.addr).finish())
	eventually(t, "the session in the log", func() bool { return log.has("source=127.0.0.9:") })

	tr = startTree(t, withRules(rules.Spec{Source: networks(t, "203.0.113.50")}), func(s *setup) { s.log = log.logger() })
	c := tr.mustDial()
	must(t, c.greet())
	if code, err := c.ask(request(1, echo.addr)); err != nil || code != 1 {
		t.Errorf("CONNECT from an address that is not ours answered %d, %v; want 1", code, err)
	}
	tr.wantFailed(ReasonSourceMisconfigured, 1)
	eventually(t, "the mistake in the log", func() bool {
		return log.has("level=ERROR msg=\"session failed\"") && log.has("reason=source_misconfigured fault=policy")
	})
}

// Other rules are for new clients: who is there keeps those it came by.
func TestReloadChangesRules(t *testing.T) {
	echo := startUpstream(t)
	tr := startTree(t)
	c, greeted := tr.mustOpen(echo.addr), tr.mustDial()
	must(t, greeted.greet())
	forbidding := anyListener()
	forbidding.Rules.DenyDestinations = destinationList(t, "127.0.0.0/8")
	d := tr.mustReload(0, 1, 0, 0, forbidding)
	if want := fmt.Sprintf("~ listener %v deny_destinations", tr.proxy); d.String() != want {
		t.Errorf("got the difference %q; want %q", d, want)
	}
	must(t, c.echo("alive\r\n"))
	if code, err := greeted.ask(request(1, echo.addr)); err != nil || code != 0 {
		t.Errorf("a session from before is answered %d, %v; want 0", code, err)
	}
	later := tr.mustDial()
	must(t, later.greet())
	if code, err := later.ask(request(1, echo.addr)); err != nil || code != 2 {
		t.Errorf("a new session is answered %d, %v; want 2", code, err)
	}
	nobody := anyListener()
	nobody.Rules.AllowClients = networks(t)
	tr.mustReload(0, 1, 0, 0, nobody)
	tr.wantCut()
	tr.wantFailed(ReasonClientRefused, 1)
	must(t, c.echo("still alive\r\n"))
	tr.mustReload(0, 1, 0, 0, anyListener())
	must(t, tr.mustOpen(echo.addr).finish())
}
