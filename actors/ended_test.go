package actors

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// witness keeps what it is told of sessions that have ended.
type witness struct {
	idle atomic.Bool // it wants none
	mu   sync.Mutex
	all  []*EndedSession
}

// Wants implements SessionObserver.
func (w *witness) Wants() bool { return !w.idle.Load() }

// SessionEnded implements SessionObserver.
func (w *witness) SessionEnded(e *EndedSession) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, e)
}

func (w *witness) told() []*EndedSession {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

// next waits for the one session that was told since the n-th.
func (w *witness) next(t *testing.T, n int) *EndedSession {
	t.Helper()
	eventually(t, "the end of a session", func() bool { return len(w.told()) > n })
	if got := len(w.told()); got != n+1 {
		t.Fatalf("told of %d sessions; want %d", got, n+1)
	}
	return w.told()[n]
}

func witnessed(w *witness) func(*setup) { return func(s *setup) { s.sessions = w } }

// TestEndedSession: what becomes of clients is told, once each, with what is known.
func TestEndedSession(t *testing.T) {
	var w witness
	tr, _ := withPolicy(t, `kumo.on('proxy_server_auth_rfc1929', function(user, password) return password == 'right' end)
kumo.on('proxy_server_request', function(r) if r.destination_port == 26 then return { deny = 'no' } end end)`, policy.Options{}, witnessed(&w), namesTo("127.0.0.1"))
	echo, refusing := startUpstream(t), closedPort(t)
	told := 0
	next := func(c *client, want EndedSession) *EndedSession {
		t.Helper()
		e := w.next(t, told)
		told++
		wantSession(t, e, want)
		if c != nil && e.Client.String() != c.LocalAddr().String() {
			t.Errorf("client is %v; want %v", e.Client, c.LocalAddr())
		}
		if e.Listener != tr.proxy.String() || e.Ended.IsZero() || e.Total <= 0 {
			t.Errorf("listener %q, ended %v, after %v; want all known", e.Listener, e.Ended, e.Total)
		}
		return e
	}

	c := tr.mustDial()
	must(t, c.Close())
	next(c, EndedSession{Outcome: Outcome{Class: Probed}})

	c = tr.mustOpen(echo.addr)
	must(t, c.echo("hello\r\n"))
	must(t, c.finish())
	e := next(c, EndedSession{
		Outcome: Outcome{Class: Completed, End: EndFin}, Upstream: echo.addr, Replied: true, Up: 7, Down: 7,
		Asked: socks5.Address{IP: echo.addr.Addr(), Port: echo.addr.Port()},
	})
	if e.Connected <= 0 || e.Connected > e.FirstByte || e.FirstByte > e.Total || e.Authenticated != 0 {
		t.Errorf("connected %v, first byte %v, total %v, authenticated %v; want the first three in order", e.Connected, e.FirstByte, e.Total, e.Authenticated)
	}
	if e.Source.Addr() != echo.addr.Addr() || e.Source.Port() == 0 {
		t.Errorf("source is %v; want address and port", e.Source)
	}

	c = tr.mustDial()
	must(t, c.refused(request(1, refusing), 5))
	e = next(c, EndedSession{
		Outcome: failed(ReasonRefused), Replied: true, Reply: socks5.ConnectionRefused, WaitingFor: WaitingForUpstream,
		Asked: socks5.Address{IP: refusing.Addr(), Port: refusing.Port()},
	})
	if e.Connected != 0 || e.FirstByte != 0 {
		t.Errorf("connected %v, first byte %v; want neither", e.Connected, e.FirstByte)
	}

	c = tr.mustDial()
	must(t, c.refused(requestName("mx.example.com", 26), 2))
	next(c, EndedSession{
		Outcome: failed(ReasonDenied), Replied: true, Reply: socks5.NotAllowed, WaitingFor: WaitingForPolicy,
		Asked: socks5.Address{Host: "mx.example.com", Port: 26},
	})

	c = tr.mustOpenName("mx.example.com", echo.addr.Port())
	must(t, c.say([]byte("QUIT")...))
	if _, err := c.hear(4); err != nil {
		t.Fatal(err)
	}
	must(t, c.reset())
	next(c, EndedSession{
		Outcome: Outcome{Class: Completed, End: EndReset}, Upstream: echo.addr, Replied: true, Up: 4, Down: 4,
		WaitingFor: WaitingForClient, Asked: socks5.Address{Host: "mx.example.com", Port: echo.addr.Port()},
	})

	c = tr.mustDial()
	if code, err := c.login("mta", "wrong"); code != 1 || err != nil {
		t.Fatalf("login answered %d, %v; want 1", code, err)
	}
	next(c, EndedSession{Outcome: failed(ReasonAuthFailed), User: "mta", WaitingFor: WaitingForPolicy})
	c = tr.mustDial()
	if code, err := c.login("mta", "right"); code != 0 || err != nil {
		t.Fatalf("login answered %d, %v; want 0", code, err)
	}
	must(t, c.Close())
	if e = next(c, EndedSession{Outcome: failed(ReasonClientLeft), User: "mta", WaitingFor: WaitingForClient}); e.Authenticated <= 0 {
		t.Errorf("authenticated after %v; want a time", e.Authenticated)
	}

	w.idle.Store(true)
	must(t, tr.mustOpen(echo.addr).finish())
	eventually(t, "the session", func() bool { return gather(t, tr.reg).sum("proxy_session_duration_seconds") >= 3 })
	if got := len(w.told()); got != told {
		t.Errorf("told of %d sessions though they are not wanted; want %d", got, told)
	}
	ids := make(map[uint64]bool)
	for _, e := range w.told() {
		ids[e.ID] = true
	}
	if len(ids) != told {
		t.Errorf("%d sessions have %d identifiers", told, len(ids))
	}
}

// TestEndedAtShutdown: sessions that the end of the tree cuts are told of before it
// is gone, those that nobody has answered yet too.
func TestEndedAtShutdown(t *testing.T) {
	var w witness
	tr, echo := startTree(t, witnessed(&w)), startUpstream(t)
	const sessions = 20
	for range sessions {
		must(t, tr.mustOpen(echo.addr).echo("x"))
		must(t, tr.mustDial().greet())
	}
	tr.stop()
	if got := len(w.told()); got != 2*sessions {
		t.Fatalf("told of %d sessions; want %d", got, 2*sessions)
	}
	for _, e := range w.told() {
		if e.Outcome != failed(ReasonShutdown) || e.WaitingFor != WaitingForClient {
			t.Errorf("got %+v; want it cut by the shutdown while it waited for the client", e)
		}
	}
}

// TestRefusedClientsAreTold: they never had a connection.
func TestRefusedClientsAreTold(t *testing.T) {
	var w witness
	tr := startTree(t, witnessed(&w), clientsFrom(abroad))
	tr.wantCut()
	e := w.next(t, 0)
	wantSession(t, e, EndedSession{Outcome: failed(ReasonClientRefused)})
	if e.Client.Addr() != abroad {
		t.Errorf("client is %v; want %v", e.Client, abroad)
	}
}

// wantSession compares what does not depend on times and ports.
func wantSession(t *testing.T, got *EndedSession, want EndedSession) {
	t.Helper()
	is := EndedSession{
		Outcome: got.Outcome, User: got.User, Asked: got.Asked, Upstream: got.Upstream, Replied: got.Replied, Reply: got.Reply,
		WaitingFor: got.WaitingFor, Up: got.Up, Down: got.Down,
	}
	if is != want {
		t.Errorf("got %+v; want %+v", is, want)
	}
}

// mustOpenName is a client with a session to a name.
func (tr *tree) mustOpenName(name string, port uint16) *client {
	tr.t.Helper()
	c := tr.mustDial()
	must(tr.t, c.greet())
	if code, err := c.ask(requestName(name, port)); code != 0 || err != nil {
		tr.t.Fatalf("CONNECT to %s: answered %d, error %v", name, code, err)
	}
	return c
}

// namesTo has every name stand for one address.
func namesTo(address string) func(*setup) {
	return func(s *setup) { s.resolver = oneAddress(address) }
}

type oneAddress string

// LookupNetIP implements egress.Resolver.
func (a oneAddress) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr(string(a))}, nil
}

// BenchmarkEndedSession is what a session's last turn costs more when somebody is
// told of it.
func BenchmarkEndedSession(b *testing.B) {
	b.ReportAllocs()
	c := &connection{record: &record{account: &account{listener: "127.0.0.1:1080"}, since: time.Now(), who: &policy.AuthInfo{}}}
	for b.Loop() {
		_ = c.endedSession(failed(ReasonRefused), time.Now())
	}
}

// The line of a session whose upstream could not be reached named neither where it was
// to go nor from where, which is what an operator has to know.
func TestUnreachedIsNamed(t *testing.T) {
	var log journal
	tr := startTree(t, namesTo("127.0.0.1"), func(s *setup) { s.log = log.logger() })
	refusing := closedPort(t)

	c := tr.mustDial()
	must(t, c.refused(request(1, refusing), 5))
	eventually(t, "its line", func() bool { return log.has(" destination=" + refusing.String() + "\n") })

	c = tr.mustDial()
	must(t, c.greet())
	if code, err := c.ask(request(2, netip.MustParseAddrPort("127.0.0.9:0"))); code != 0 || err != nil {
		t.Fatalf("BIND answered %d, %v; want 0", code, err)
	}
	if code, err := c.ask(requestName("mx.example.com", refusing.Port())); code != 5 || err != nil {
		t.Fatalf("CONNECT answered %d, %v; want 5", code, err)
	}
	eventually(t, "its line", func() bool {
		return log.has(fmt.Sprintf(" source=127.0.0.9:0 destination=mx.example.com:%d\n", refusing.Port()))
	})
}
