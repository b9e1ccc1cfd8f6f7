package actors

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

func withLimits(l policy.Limits) func(*setup) {
	return func(s *setup) { s.listeners[0].Limits = l }
}

// wantTurnedAway is a client that connects and hears the end of the stream.
func (tr *tree) wantTurnedAway() {
	tr.t.Helper()
	c := tr.mustDial()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		tr.t.Errorf("a client too many: got %v; want the end of the stream", err)
	}
	must(tr.t, c.Close())
}

// wantVacant waits until nobody takes up anything of the first listener.
func (tr *tree) wantVacant() {
	tr.t.Helper()
	tr.wantIdle()
	o := &tr.metrics.Ledger.accounts[0].occupied
	eventually(tr.t, "all places to be given back", func() bool {
		return o.all.Load() == 0 && o.clients.Keys()+o.users.Keys()+o.sources.Keys()+o.destinations.Keys() == 0
	})
}

// TestConnectionsAreLimited: those inside are served, one more is turned away and
// counted, and whoever leaves makes room.
func TestConnectionsAreLimited(t *testing.T) {
	u := startUpstream(t)
	var log journal
	tr := startTree(t, withLimits(policy.Limits{Connections: 2}), func(s *setup) { s.log = log.logger() })
	first, second := tr.mustOpen(u.addr), tr.mustOpen(u.addr)
	for range 3 {
		tr.wantTurnedAway()
	}
	tr.wantFailed(ReasonLimitConnections, 3)
	must(t, errors.Join(first.echo("inside"), second.echo("inside")))
	if info, all := log.count(`level=INFO msg="client turned away`), log.count(`msg="client turned away`); info != 1 || all != 3 {
		t.Errorf("%d lines, of them %d at info; want 3 and 1", all, info)
	}
	must(t, first.finish())
	eventually(t, "the place to be free", func() bool { return gather(t, tr.reg).sum("proxy_active_connections") == 1 })
	must(t, tr.mustOpen(u.addr).finish())
	must(t, second.finish())
	tr.wantVacant()
}

// TestClientsAreLimited: each by its address, or by its network of IPv6.
func TestClientsAreLimited(t *testing.T) {
	u := startUpstream(t)
	var from atomic.Pointer[netip.Addr]
	come := func(a string) { addr := netip.MustParseAddr(a); from.Store(&addr) }
	tr := startTree(t, withLimits(policy.Limits{ConnectionsPerClient: 1}), func(s *setup) {
		s.listeners[0].Rules.AllowLocalDestinations = true
		s.network.conn = func(c transport.Conn) transport.Conn { return elsewhere{c, *from.Load()} }
	})
	come("10.0.0.1")
	first := tr.mustOpen(u.addr)
	tr.wantTurnedAway()
	come("10.0.0.2")
	other := tr.mustOpen(u.addr)
	come("fd00:0:0:1::1")
	sixth := tr.mustOpen(u.addr)
	come("fd00:0:0:1:ffff::2")
	tr.wantTurnedAway()
	tr.wantFailed(ReasonLimitClient, 2)
	for _, c := range []*client{first, other, sixth} {
		must(t, c.finish())
	}
	tr.wantVacant()
}

// TestNewClientsAreLimited: of very many that come at once, some are turned away,
// and those who come later are served.
func TestNewClientsAreLimited(t *testing.T) {
	u := startUpstream(t)
	tr := startTree(t, withLimits(policy.Limits{NewPerSecondPerClient: 2}))
	eventually(t, "a client too many", func() bool {
		c := tr.mustDial()
		defer c.Close()
		_ = c.open(u.addr) // or it is turned away
		return gather(t, tr.reg).failed(ReasonLimitClientRate) > 0
	})
	eventually(t, "a client to be served again", func() bool {
		c := tr.mustDial()
		defer c.Close()
		return c.open(u.addr) == nil
	})
	tr.wantVacant()
}

// TestUsersAreLimited: BIND never fails for that, CONNECT does.
func TestUsersAreLimited(t *testing.T) {
	u := startUpstream(t)
	tr, _ := withPolicy(t, anyAuth, policy.Options{}, withLimits(policy.Limits{ConnectionsPerUser: 1}))
	open := func(user string, want byte) *client {
		c := tr.loggedIn(user)
		if code, err := c.ask(request(2, netip.MustParseAddrPort("127.0.0.1:0"))); err != nil || code != 0 {
			t.Errorf("%s: BIND answered %d, %v; want 0", user, code, err)
		}
		if code, err := c.ask(request(1, u.addr)); err != nil || code != want {
			t.Errorf("%s: CONNECT answered %d, %v; want %d", user, code, err, want)
		}
		return c
	}
	first := open("alice", 0)
	must(t, open("alice", 1).Close())
	must(t, open("bob", 0).finish())
	tr.wantFailed(ReasonLimitUser, 1)
	must(t, first.finish())
	tr.wantIdle()
	must(t, open("alice", 0).finish())
	tr.wantVacant()
}

// TestSourcesAreLimited: only those that somebody has named.
func TestSourcesAreLimited(t *testing.T) {
	u := startUpstream(t)
	tr := startTree(t, withLimits(policy.Limits{ConnectionsPerSource: 1}))
	open := func(want byte) *client {
		c := tr.mustDial()
		must(t, c.greet())
		if code, err := c.ask(request(2, netip.MustParseAddrPort("127.0.0.1:0"))); err != nil || code != 0 {
			t.Errorf("BIND answered %d, %v; want 0", code, err)
		}
		if code, err := c.ask(request(1, u.addr)); err != nil || code != want {
			t.Errorf("CONNECT answered %d, %v; want %d", code, err, want)
		}
		return c
	}
	first := open(0)
	must(t, open(1).Close())
	must(t, tr.mustOpen(u.addr).finish()) // from whichever address the system chooses
	tr.wantFailed(ReasonLimitSource, 1)
	if got := tr.value("proxy_dials_total", "result", "limited"); got != 1 {
		t.Errorf("%v dials limited; want 1", got)
	}
	must(t, first.finish())
	tr.wantIdle()
	must(t, open(0).finish())
	tr.wantVacant()
}

// TestDestinationsAreLimited: an upstream that refuses takes up no place.
func TestDestinationsAreLimited(t *testing.T) {
	u, closed := startUpstream(t), closedPort(t)
	tr := startTree(t, withLimits(policy.Limits{ConnectionsPerDestination: 1}))
	ask := func(to netip.AddrPort, want byte) *client {
		c := tr.mustDial()
		must(t, c.greet())
		if code, err := c.ask(request(1, to)); err != nil || code != want {
			t.Errorf("CONNECT answered %d, %v; want %d", code, err, want)
		}
		return c
	}
	for range 2 {
		must(t, ask(closed, 5).ended())
	}
	tr.wantIdle()
	first := ask(u.addr, 0)
	must(t, ask(u.addr, 1).Close())
	tr.wantFailed(ReasonLimitDestination, 1)
	must(t, first.echo("inside"))
	must(t, first.finish())
	tr.wantVacant()
}

// TestAnotherAddressOfADestination: where one address of a name is taken, another
// is tried.
func TestAnotherAddressOfADestination(t *testing.T) {
	all := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	o := newOccupancy()
	l := limits{most: policy.Limits{ConnectionsPerDestination: 1}}
	begin := func() *driver {
		d := newDriver(t, l)
		d.m.places, _ = o.enter(&l.most, &l.rates, nearby, d.now)
		d.send(slices.Concat(greetNone, requestName("mx.example", 25))...)
		d.feed(event{kind: evResolved, addrs: slices.Clone(all), last: true})
		return d
	}
	first := begin()
	first.wantDials("192.0.2.1:25")
	second := begin()
	second.wantDials("192.0.2.2:25")
	third := begin()
	third.wantDials()
	third.wantEnd(failed(ReasonLimitDestination))
	// The first goes on to its other address, which the second gives up.
	second.m.places.leave()
	first.feed(event{kind: evDialed, n: 0, err: errInjected})
	first.wantDials("192.0.2.1:25", "192.0.2.2:25")
	first.feed(event{kind: evDialed, n: 1, addr: ourSide})
	first.wantDid(doRelay)
	if got := o.destinations.Keys(); got != 1 {
		t.Errorf("%d destinations are taken; want that of the relay alone", got)
	}
	first.m.places.leave()
	if got := o.destinations.Keys(); got != 0 {
		t.Errorf("%d destinations are taken; want 0", got)
	}
}

// TestReloadChangesLimits: for those who come; whoever is in stays in.
func TestReloadChangesLimits(t *testing.T) {
	u := startUpstream(t)
	tr := startTree(t, withLimits(policy.Limits{Connections: 1, ConnectionsPerClient: 1}))
	limited := func(n int) policy.Listener {
		l := at(tr.proxy)
		l.Limits = policy.Limits{Connections: n, ConnectionsPerClient: n}
		return l
	}
	open := []*client{tr.mustOpen(u.addr)}
	tr.wantTurnedAway()
	d := tr.mustReload(0, 1, 0, 0, limited(2))
	if want := "limits.connections 1 → 2, limits.connections_per_client 1 → 2"; !slices.Contains(d.Changed, "listener "+tr.proxy.String()+" "+want) {
		t.Errorf("got %q; want %q in it", d.Changed, want)
	}
	open = append(open, tr.mustOpen(u.addr))
	tr.wantTurnedAway()
	tr.mustReload(0, 1, 0, 0, limited(1))
	tr.wantTurnedAway()
	for _, c := range open {
		must(t, c.echo("still there"))
	}
	tr.mustReload(0, 1, 0, 0, at(tr.proxy))
	must(t, tr.mustOpen(u.addr).finish())
	for _, c := range open {
		must(t, c.finish())
	}
	tr.wantVacant()
}
