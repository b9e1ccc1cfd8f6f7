package actors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// A policy that says the same leaves sockets and sessions alone. The sessions
// keep the policy they began with, and it lives as long as they do.
func TestReloadUnchanged(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	first := tr.sys.running.generation
	tr.mustReload(0, 0, 0, 1, anyListener()) // on a port that the kernel chose: it is the same
	second := tr.sys.running.generation
	newer := tr.mustOpen(echo.addr)
	tr.mustReload(0, 0, 0, 1, at(tr.proxy)) // the same by its address
	for _, c := range []*client{c, newer, tr.mustOpen(echo.addr)} {
		must(t, c.echo("alive\r\n"))
	}
	wantOpen(t, first)
	wantOpen(t, second)
	must(t, c.finish())
	wantClosed(t, first)
	wantOpen(t, second)
	must(t, newer.finish())
	wantClosed(t, second)
	last := tr.sys.running.generation
	wantOpen(t, last)
	tr.stop()
	wantClosed(t, last)
}

// What changes reaches new sessions and no others.
func TestReloadChangesNewSessions(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c, greeted := tr.mustOpen(echo.addr), tr.mustDial()
	must(t, greeted.greet())
	d := tr.mustReload(0, 1, 0, 0, changed(anyListener()))
	if want := fmt.Sprintf("~ listener %v timeout 1m → 30s, require_auth false → true", tr.proxy); d.String() != want {
		t.Errorf("got the difference %q; want %q", d, want)
	}
	refused := tr.mustDial()
	must(t, refused.say(greetNone...))
	if b, err := refused.hear(2); err != nil || b[1] != 0xff {
		t.Errorf("a new client's greeting is answered % x, error %v; want it refused", b, err)
	}
	must(t, c.echo("alive\r\n"))
	if code, err := greeted.ask(request(1, echo.addr)); err != nil || code != 0 {
		t.Errorf("a session from before is answered %d, error %v; want it served", code, err)
	}
}

// A listener that is removed closes its socket at once and ends with its last
// session; meanwhile it is nobody's fault that it does not accept.
func TestReloadRemoves(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c, gone := tr.mustOpen(echo.addr), tr.mustOpen(echo.addr)
	next := freePort(t)
	first := tr.sys.running.generation
	d := tr.mustReload(1, 0, 1, 0, at(next))
	if want := fmt.Sprintf("+ listener %v\n- listener %v", next, tr.proxy); d.String() != want {
		t.Errorf("got the difference %q; want %q", d, want)
	}
	wantRefused(t, tr.proxy)
	must(t, tr.mustOpenAt(next, echo.addr).finish())
	must(t, gone.finish())
	tr.wantListeners(tr.proxy.String()+" draining", next.String())
	must(t, c.echo("alive\r\n"))
	wantOpen(t, first)
	must(t, c.finish())
	tr.wantListeners(next.String())
	wantClosed(t, first)
	if got := gather(t, tr.reg).sum("proxy_connections_completed_total"); got != 3 {
		t.Errorf("%v sessions completed by the figures; want 3: who is gone is still counted", got)
	}
	tr.wantIdle()
}

// An address can come back while sessions of its earlier listeners go on, and
// its figures go on with it.
func TestReloadAddsWhatDrains(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	other := at(freePort(t))
	sessions := []*client{tr.mustOpen(echo.addr)}
	for range 3 {
		tr.mustReload(1, 0, 1, 0, other)
		tr.mustReload(1, 0, 1, 0, at(tr.proxy))
		sessions = append(sessions, tr.mustOpen(echo.addr))
	}
	tr.wantListeners(tr.proxy.String())
	if st := tr.status(); st.Draining || !st.Accepting || st.Failure != "" {
		t.Errorf("status %+v; want it to accept", st)
	}
	for i, c := range sessions {
		if err := c.echo("alive\r\n"); err != nil {
			t.Errorf("session %d: %v", i, err)
		}
		must(t, c.finish())
	}
	eventually(t, "the sessions to be counted", func() bool {
		return gather(t, tr.reg).sum("proxy_connections_completed_total") == float64(len(sessions))
	})
	tr.wantIdle()
}

// A policy of which any part cannot be had changes nothing at all.
func TestReloadRefused(t *testing.T) {
	tr := startTree(t, func(s *setup) { s.http = append(s.http, anyHTTP()) })
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("alive\r\n"))
	busy, free := busyPort(t), freePort(t)
	noCertificate := changed(anyListener())
	noCertificate.UseTLS, noCertificate.TLSCertificate, noCertificate.TLSPrivateKey = true, tlsconf.File("none.pem"), tlsconf.File("none.key")
	before, first := descriptors(t), tr.sys.running.generation
	for _, tc := range []struct {
		name   string
		policy policy.Policy
		want   string
	}{
		{"address in use", policy.Policy{Listeners: []policy.Listener{at(free), changed(anyListener()), at(busy)}}, busy.String()},
		{"HTTP address in use", policy.Policy{
			Listeners: []policy.Listener{at(free)}, HTTP: []policy.HTTPListener{{Listen: "127.0.0.1:0", RequestBodyLimit: 1}, {Listen: busy.String()}},
		}, busy.String()},
		{"no certificate", policy.Policy{Listeners: []policy.Listener{at(free), noCertificate}}, "file 'none.pem'"},
		{"no listener", policy.Policy{HTTP: []policy.HTTPListener{anyHTTP()}}, ErrNoListener.Error()},
		{"nothing", policy.Policy{}, ErrNoListener.Error()},
		{"held by one that goes", policy.Policy{
			Listeners: []policy.Listener{at(free)}, HTTP: []policy.HTTPListener{{Listen: tr.proxy.String()}},
		}, "a listener that this policy removes may hold it"},
	} {
		d, err := tr.sys.Reload(t.Context(), &tc.policy)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !d.Empty() {
			t.Errorf("%s: got %q, error %v; want %q", tc.name, d, err, tc.want)
		}
		wantRefused(t, free)
	}
	if tr.sys.running.generation != first {
		t.Error("the running policy is another one")
	}
	tr.wantListeners(tr.proxy.String())
	must(t, c.echo("alive\r\n"))
	must(t, tr.mustOpen(echo.addr).finish())
	tr.mustScrape()
	must(t, c.finish())
	eventually(t, "what was opened to be closed", func() bool { return descriptors(t) <= before })
}

// While policies come and go, nobody is refused and no session is lost.
func TestReloadRefusesNobody(t *testing.T) {
	tr := startTree(t)
	s := startSpree(tr, 50)
	busy := busyPort(t)
	for n := range 40 {
		var err error
		switch n % 4 {
		case 0:
			_, err = tr.reload(anyListener(), at(freePort(t)))
		case 1:
			l := anyListener()
			l.DestinationSeries = n
			_, err = tr.reload(l)
		case 2:
			if _, refused := tr.reload(changed(anyListener()), at(busy)); refused == nil {
				t.Error("a busy address was opened")
			}
		case 3:
			_, err = tr.reload(anyListener())
		}
		must(t, err)
		before := s.dialler.served.Load()
		eventually(t, "clients to be served", func() bool { return s.dialler.served.Load() > before })
		for i, c := range s.sessions {
			if err := c.echo("still here\r\n"); err != nil {
				t.Fatalf("session %d after reload %d: %v", i, n, err)
			}
		}
	}
	s.stop()
	for _, c := range s.sessions {
		must(t, c.finish())
	}
	tr.wantIdle()
}

// startIdle is a tree on whose listener n clients wait that nobody takes.
func startIdle(t *testing.T, n int) (*tree, []*client) {
	t.Helper()
	var idle atomic.Bool
	tr := startTree(t, func(s *setup) {
		s.network.serve = func(ctx context.Context, a transport.Acceptance, socket transport.Listener) error {
			if idle.Load() {
				<-ctx.Done()
				return nil
			}
			return socket.Serve(ctx, a)
		}
	})
	tr.needsSharing()
	idle.Store(true)
	tr.mustReload(0, 0, 0, 1, anyListener())
	var waiting []*client
	for range n {
		waiting = append(waiting, tr.mustDial())
	}
	return tr, waiting
}

func (tr *tree) wantServed(waiting []*client, echo *upstream) {
	tr.t.Helper()
	for i, c := range waiting {
		if err := c.open(echo.addr); err != nil {
			tr.t.Fatalf("client %d, who had come before: %v", i, err)
		}
		must(tr.t, c.finish())
	}
	tr.wantIdle()
}

// Who waits in the queue of a listener that is removed is served.
func TestReloadServesTheQueue(t *testing.T) {
	tr, waiting := startIdle(t, 20)
	tr.mustReload(1, 0, 1, 0, at(freePort(t)))
	wantRefused(t, tr.proxy)
	tr.wantServed(waiting, startUpstream(t))
}

// pause is a message that no actor knows; a tap holds its actor up by it.
type pause struct{}

// A client who was accepted in time is served, however late the listener hears of
// it: it does not end before.
func TestReloadServesTheQueueLate(t *testing.T) {
	tr, waiting := startIdle(t, 20)
	echo := startUpstream(t)
	busy, release := make(chan struct{}), make(chan struct{})
	tr.setTap(func(_ Kind, m any) {
		switch m := m.(type) {
		case *pause:
			close(busy)
			<-release
		case *lend:
			if m.last { // from here on the listener hears of nothing
				go tr.send(tr.listenerName(), &pause{})
				<-busy
			}
		}
	})
	done := make(chan error, 1)
	go func() {
		_, err := tr.reload(at(freePort(t)))
		done <- err
	}()
	await(t, "the listener to be held up", busy)
	eventually(t, "the clients to be accepted", func() bool {
		return gather(t, tr.reg).sum("proxy_connections_accepted_total") == float64(len(waiting))
	})
	eventually(t, "the acceptor to be gone", func() bool {
		_, there := tr.sys.actors.ProcessRegistry.GetLocal(tr.pid(tr.listenerName() + "/acceptor").Id)
		return !there
	})
	close(release)
	must(t, await(t, "the reload", done))
	tr.wantServed(waiting, echo)
}

// How a socket is served can change without closing it.
func TestReloadSharesTheSocket(t *testing.T) {
	tr := startTree(t)
	tr.needsSharing()
	before := descriptors(t)
	s := startSpree(tr, 20)
	l := anyListener()
	for n := range 10 {
		l.UseSplice = !l.UseSplice
		l.KeepAlive.Enabled = !l.KeepAlive.Enabled
		l.KeepAlive.Time, l.KeepAlive.Interval, l.KeepAlive.Retries = 60e9, 10e9, 3
		tr.mustReload(0, 1, 0, 0, l)
		if got := tr.net.adopted.Load(); got != int64(n+1) {
			t.Fatalf("%d sockets were shared; want %d", got, n+1)
		}
		served := s.dialler.served.Load()
		eventually(t, "clients to be served", func() bool { return s.dialler.served.Load() > served })
	}
	// One that comes to nothing leaves the socket as it was.
	l.UseSplice = !l.UseSplice
	if _, err := tr.reload(l, at(busyPort(t))); err == nil {
		t.Error("a busy address was opened")
	}
	s.stop()
	for _, c := range s.sessions {
		must(t, c.echo("still here\r\n"))
		must(t, c.finish())
	}
	s.echo.stop()
	eventually(t, "the sockets that were replaced to be closed", func() bool { return descriptors(t) <= before+1 })
}

// A listener that fails over what a reload tells it hears it again.
func TestReloadPanics(t *testing.T) {
	for _, tt := range []struct {
		name  string
		match func(Kind, any) bool
	}{
		{"adjust", on[*adjust](KindListener)},
		{"retire", on[*retire](KindListener)},
		{"settle", on[*settle](KindListener)},
		{"lend", on[*lend](KindAcceptor)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := startTree(t)
			echo := startUpstream(t)
			c := tr.mustOpen(echo.addr)
			goes := at(freePort(t))
			_, err := tr.reload(anyListener(), goes)
			must(t, err)
			first := tr.sys.running.generation
			tr.setTap(panicsOnce(tt.match))
			_, err = tr.reload(changed(anyListener()))
			must(t, err)
			wantRefused(t, netipOf(goes))
			eventually(t, "new sessions by the new policy", func() bool {
				n := tr.mustDial()
				defer n.Close()
				if n.say(greetNone...) != nil {
					return false
				}
				b, err := n.hear(2)
				return err == nil && b[1] == 0xff
			})
			must(t, c.finish())
			tr.wantListeners(tr.proxy.String())
			wantClosed(t, first)
		})
	}
}

// A reload during the shutdown is refused, and nothing it had opened stays open.
func TestReloadDuringShutdown(t *testing.T) {
	tr := startTree(t)
	next := freePort(t)
	tr.sys.Stop()
	if _, err := tr.reload(at(next), anyListener()); !errors.Is(err, ErrStopping) {
		t.Errorf("got error %v; want %v", err, ErrStopping)
	}
	tr.stop()
	if _, err := tr.reload(at(next), changed(anyListener())); !errors.Is(err, ErrStopping) {
		t.Errorf("got error %v; want %v", err, ErrStopping)
	}
	wantRefused(t, next)
	wantClosed(t, tr.sys.running.generation)
}

// A stop among reloads wins, however they meet.
func TestStopDuringReloads(t *testing.T) {
	tr := startTree(t)
	var wg sync.WaitGroup
	began := make(chan struct{}, 100)
	for range 4 {
		wg.Go(func() {
			for range 20 {
				_, err := tr.reload(anyListener())
				if err != nil && !errors.Is(err, ErrStopping) {
					t.Errorf("got error %v; want %v or none", err, ErrStopping)
				}
				began <- struct{}{}
			}
		})
	}
	await(t, "reloads", began)
	tr.stop()
	wg.Wait()
}

// Who gives up waiting for an earlier reload changes nothing.
func TestReloadGivesUp(t *testing.T) {
	tr := startTree(t)
	tr.sys.reloading <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tr.sys.Reload(ctx, &policy.Policy{Listeners: []policy.Listener{anyListener()}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v; want %v", err, context.Canceled)
	}
	<-tr.sys.reloading
	tr.mustReload(0, 0, 0, 1, anyListener())
}
