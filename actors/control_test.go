package actors

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/census"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// look is the tree.
func (tr *tree) look(q TreeQuery) Node {
	tr.t.Helper()
	n, err := tr.sys.Tree(q)
	must(tr.t, err)
	return n
}

// all is a query for everything.
func all() TreeQuery { return TreeQuery{Depth: -1, Budget: 1000} }

// paths are those of a branch, with their kinds.
func (n Node) paths() (all []string) {
	all = append(all, n.Kind.String()+" "+n.Path)
	for _, c := range n.Children {
		all = append(all, c.paths()...)
	}
	return all
}

// only is the one session there is.
func (tr *tree) only() Session {
	tr.t.Helper()
	sessions := slices.Collect(tr.sys.Sessions())
	if len(sessions) != 1 {
		tr.t.Fatalf("got %d sessions; want 1", len(sessions))
	}
	return sessions[0]
}

// startSilent is an upstream that takes all and says nothing.
func startSilent(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var conns sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	conns.Go(func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
		for _, c := range open {
			_ = c.Close()
		}
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestTreeShowsEveryKind(t *testing.T) {
	tr := startTree(t, func(s *setup) { s.http = []policy.HTTPListener{anyHTTP()} })
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("hello"))
	root := tr.look(all())
	l := "supervisor/" + tr.listenerName()
	want := []string{
		"supervisor supervisor", "listener " + l, "acceptor " + l + "/acceptor", "connection " + tr.connectionOf(c).Id,
		"metrics supervisor/metrics", "web supervisor/web",
	}
	if got := root.paths(); !slices.Equal(got, want) {
		t.Errorf("got the tree %q; want %q", got, want)
	}
	for n := range nodes(root) {
		wantState := string(census.Running)
		if n.Kind == KindConnection {
			wantState = "relaying"
		}
		if n.State != wantState || n.Since.IsZero() || n.Restarts != 0 || n.Failure != nil || n.Mailbox != 0 {
			t.Errorf("got %+v; want it in the state %s, without a failure", n, wantState)
		}
	}
	if got := tr.look(TreeQuery{Path: l, Depth: 0, Budget: 10}); len(got.Children) != 0 || got.Connections["relaying"] != 1 {
		t.Errorf("without its children: got %+v; want one connection left out", got)
	}
	if got := tr.look(TreeQuery{Path: tr.connectionOf(c).Id}); got.Kind != KindConnection {
		t.Errorf("got %+v; want the connection", got)
	}
	for path, want := range map[string]error{"supervisor/nobody": ErrUnknownActor, l + "/$zz": ErrUnknownActor} {
		if _, err := tr.sys.Tree(TreeQuery{Path: path}); !errors.Is(err, want) {
			t.Errorf("%s: got %v; want %v", path, err, want)
		}
	}
	if _, err := tr.sys.Tree(TreeQuery{After: "nonsense"}); !errors.Is(err, ErrCursor) {
		t.Errorf("got %v; want ErrCursor", err)
	}
}

// nodes are all of a tree.
func nodes(n Node) func(yield func(Node) bool) {
	return func(yield func(Node) bool) { n.walk(yield) }
}

func (n Node) walk(yield func(Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, c := range n.Children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// Connections beyond the budget are counted, and come page by page, each once.
func TestTreePagesConnections(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	const n, page = 23, 5
	for range n {
		must(t, tr.mustOpen(echo.addr).echo("x"))
	}
	q := TreeQuery{Path: "supervisor/" + tr.listenerName(), Depth: 1, Budget: page}
	seen := make(map[string]bool)
	for pages := 1; ; pages++ {
		got := tr.look(q)
		shown := 0
		for _, c := range got.Children {
			if c.Kind == KindConnection {
				shown++
				if seen[c.Path] {
					t.Errorf("%s is there twice", c.Path)
				}
				seen[c.Path] = true
			}
		}
		if shown > page || shown+got.Connections["relaying"] != n {
			t.Errorf("page %d: %d shown and %v left out; want %d in all", pages, shown, got.Connections, n)
		}
		if q.After = got.Next; q.After == "" {
			break
		}
	}
	if len(seen) != n {
		t.Errorf("the pages have %d connections; want %d", len(seen), n)
	}
}

// A restart by request is one after a panic: the same count, the cause in the tree,
// and no session lost.
func TestRestartByRequest(t *testing.T) {
	tr := startTree(t, func(s *setup) { s.http = []policy.HTTPListener{anyHTTP()} })
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	listener := "supervisor/" + tr.listenerName()
	for _, path := range []string{listener + "/acceptor", listener, "supervisor/metrics"} {
		done, err := tr.sys.Restart(t.Context(), path, "the test")
		must(t, err)
		if done.Path != path || done.Restarts != 1 || done.What == "" {
			t.Errorf("%s: got %+v; want one restart", path, done)
		}
		n := tr.look(TreeQuery{Path: path})
		if n.State != string(census.Running) || n.Restarts != 1 || n.Failure == nil ||
			n.Failure.Error() != "restart asked for by the test" || n.FailedAt.IsZero() {
			t.Errorf("%s: got %+v; want it back, with the cause", path, n)
		}
		must(t, c.echo("still here after "+path))
		must(t, tr.mustOpen(echo.addr).finish())
	}
	if got := tr.status(); got.Restarts != 1 || !got.Accepting {
		t.Errorf("got the status %+v; want it to accept, after one restart", got)
	}
	_, err := tr.sys.Restart(t.Context(), "supervisor/web", "the test")
	must(t, err)
	eventually(t, "the web actor to be back", func() bool {
		n := tr.look(TreeQuery{Path: "supervisor/web"})
		return n.Restarts == 1 && n.State == string(census.Running)
	})
	tr.mustScrape()
	must(t, c.echo("and after web"))
}

func TestRestartRefuses(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	for path, want := range map[string]error{
		"": ErrUnknownActor, "supervisor/nobody": ErrUnknownActor, "supervisor": ErrNotRestartable,
		tr.connectionOf(c).Id: ErrNotRestartable,
	} {
		if done, err := tr.sys.Restart(t.Context(), path, "the test"); !errors.Is(err, want) {
			t.Errorf("%q: got %+v, %v; want %v", path, done, err, want)
		}
	}
	must(t, c.echo("nothing was done"))
}

// Of two who ask at once for the restart of an actor that has to wait for it, one is
// told so.
func TestTwoRestartsAtOnce(t *testing.T) {
	tr := startTree(t)
	path := "supervisor/metrics"
	for range 8 { // it is brought back at once, then after longer and longer pauses
		before := tr.look(TreeQuery{Path: path}).Restarts
		tr.send("metrics", &boom{})
		var now Node
		eventually(t, "the failure", func() bool {
			now = tr.look(TreeQuery{Path: path})
			return now.State == string(census.Failed) || now.Restarts > before
		})
		if now.State == string(census.Failed) {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var under int
	for range 20 {
		if _, err := tr.sys.Restart(ctx, path, "the test"); errors.Is(err, ErrRestarting) {
			under++
		} else {
			must(t, err)
		}
	}
	if under == 0 {
		t.Error("nobody was told that a restart is under way")
	}
	eventually(t, "the actor to be back", func() bool { return tr.look(TreeQuery{Path: path}).State == string(census.Running) })
}

// A session waits for the side that did not send the last byte: in the middle of
// DATA for the upstream, after its answer for the client.
func TestWhoWaitsForWhom(t *testing.T) {
	tr := startTree(t)
	greeting := tr.mustDial()
	eventually(t, "the client to be taken", func() bool { return len(slices.Collect(tr.sys.Sessions())) == 1 })
	if s := tr.only(); s.WaitsForUpstream || s.Phase != "greeting" || s.Destination.IsValid() {
		t.Errorf("got %+v; want a session that waits for the client's greeting", s)
	}
	must(t, greeting.Close())
	eventually(t, "the client to be gone", func() bool { return len(slices.Collect(tr.sys.Sessions())) == 0 })

	server, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	upstream := netip.MustParseAddrPort(server.Addr().String())
	c := tr.mustOpen(upstream)
	mx, err := server.Accept()
	must(t, err)
	defer mx.Close()
	want := func(what string, waitsForUpstream bool) {
		t.Helper()
		eventually(t, what, func() bool { return tr.only().WaitsForUpstream == waitsForUpstream })
	}
	want("the banner to be awaited", true)
	for _, turn := range []struct{ client, server string }{
		{"", "220 hello\r\n"}, {"EHLO x\r\n", "250 x\r\n"}, {"DATA\r\n", "354 go on\r\n"}, {"Subject: x\r\n\r\nhalf of it", ""},
		{"\r\n.\r\n", "250 taken\r\n"},
	} {
		if turn.client != "" {
			must(t, c.say([]byte(turn.client)...))
			want("the upstream to be awaited after "+turn.client, true)
		}
		if turn.server != "" {
			_, err := mx.Write([]byte(turn.server))
			must(t, err)
			want("the client to be awaited after "+turn.server, false)
		}
	}
	s := tr.only()
	if s.Client.String() != c.LocalAddr().String() || s.Destination != upstream || s.Source.String() != mx.RemoteAddr().String() ||
		s.Listener != tr.proxy.String() || s.Phase != "relaying" || s.Sent != 11+7+11+11 || s.Since.IsZero() {
		t.Errorf("got %+v; want the session as it is", s)
	}
}

// Sessions are ended that are meant, and are told apart by whom they waited for.
func TestEndSessions(t *testing.T) {
	tr := startTree(t)
	echo, silent := startUpstream(t), startSilent(t)
	var idle, busy, others []*client
	for range 3 {
		for _, one := range []*[]*client{&idle, &others} {
			c := tr.mustOpen(echo.addr)
			must(t, c.echo("hello"))
			*one = append(*one, c)
		}
	}
	for range 2 {
		busy = append(busy, tr.mustOpen(silent))
	}
	var ids []uint64
	for s := range tr.sys.Sessions() {
		if slices.ContainsFunc(others, func(c *client) bool { return c.LocalAddr().String() == s.Client.String() }) {
			continue
		}
		ids = append(ids, s.ID)
	}
	if cut := tr.sys.EndSessions(ids, "the test"); cut != (Cut{WaitedForClient: 3, WaitedForUpstream: 2}) {
		t.Errorf("got %+v; want 3 that waited for the client and 2 for the upstream", cut)
	}
	if cut := tr.sys.EndSessions(ids, "another"); cut != (Cut{}) {
		t.Errorf("asked twice: got %+v; want nobody, each was told once", cut)
	}
	for _, c := range slices.Concat(idle, busy) {
		must(t, c.ended())
	}
	for _, c := range others {
		must(t, c.echo("still here"))
	}
	tr.wantFailed(ReasonEndedByAdmin, 5)
	if cut := tr.sys.EndSessions(ids, "the test"); cut != (Cut{}) {
		t.Errorf("again: got %+v; want nobody", cut)
	}
	if n := len(slices.Collect(tr.sys.Sessions())); n != 3 {
		t.Errorf("%d sessions are left; want 3", n)
	}
}

// refused waits until nobody is let in.
func (tr *tree) wantRefused() {
	tr.t.Helper()
	if c, err := dial(tr.t.Context(), tr.proxy); err == nil {
		_ = c.Close()
		tr.t.Error("a client got a connection; want it refused")
	}
}

// A drained listener refuses clients and keeps its sessions; undone, it takes
// clients again.
func TestDrain(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("hello"))
	for round := range 2 {
		d, err := tr.sys.Drain(t.Context(), tr.proxy.String(), 0, "the test")
		must(t, err)
		if !slices.Equal(d.Listeners, []string{tr.proxy.String()}) || d.WaitingForClient != 1 || d.WaitingForUpstream != 0 {
			t.Errorf("got %+v; want the one listener and its session", d)
		}
		tr.wantRefused()
		if s := tr.status(); s.Accepting || s.Failure != "drained by request of the test" {
			t.Errorf("got the status %+v; want it drained", s)
		}
		if round == 1 { // said again, it is no other
			_, err := tr.sys.Drain(t.Context(), "", time.Hour, "the test")
			must(t, err)
			_, err = tr.sys.Restart(t.Context(), "supervisor/"+tr.listenerName()+"/acceptor", "the test")
			if !errors.Is(err, ErrActorEnded) {
				t.Errorf("restarting its acceptor: got %v; want ErrActorEnded", err)
			}
		}
		must(t, c.echo("still here"))
		_, err = tr.sys.Undrain(t.Context(), "", "the test")
		must(t, err)
		must(t, tr.mustOpen(echo.addr).finish())
		eventually(t, "the session to have ended", func() bool { return len(slices.Collect(tr.sys.Sessions())) == 1 })
	}
	for _, f := range []func() (Drained, error){
		func() (Drained, error) { return tr.sys.Drain(t.Context(), "192.0.2.1:1", 0, "the test") },
		func() (Drained, error) { return tr.sys.Undrain(t.Context(), "192.0.2.1:1", "the test") },
	} {
		if _, err := f(); !errors.Is(err, ErrUnknownListener) {
			t.Errorf("a listener that is not there: got %v; want ErrUnknownListener", err)
		}
	}
}

// At the limit the sessions are ended, unless the drain was undone.
func TestDrainLimit(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("hello"))
	_, err := tr.sys.Drain(t.Context(), "", time.Hour, "the test")
	must(t, err)
	_, err = tr.sys.Drain(t.Context(), "", time.Millisecond, "the test")
	must(t, err)
	must(t, c.ended())
	tr.wantFailed(ReasonShutdown, 1)
}

// An address that somebody else has taken meanwhile is got back once it is free.
func TestUndrainOfATakenAddress(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	_, err := tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	taken, err := net.Listen("tcp", tr.proxy.String())
	must(t, err)
	if _, err := tr.sys.Undrain(t.Context(), "", "the test"); err == nil || !strings.Contains(err.Error(), "address") {
		t.Errorf("got %v; want that the address is in use", err)
	}
	must(t, taken.Close())
	eventually(t, "the listener to accept", func() bool { return tr.status().Accepting })
	must(t, tr.mustOpen(echo.addr).finish())
}

// A reload leaves a drained listener drained, with its new terms for later, or
// removes it; and the tree stops though one is drained.
func TestReloadWhileDrained(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	_, err := tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	l := anyListener()
	l.Listen, l.RequireAuth, l.UseSplice = tr.proxy.String(), true, true
	_, err = tr.reload(l)
	must(t, err)
	tr.wantRefused()
	_, err = tr.sys.Undrain(t.Context(), "", "the test")
	must(t, err)
	if err := tr.mustDial().greet(); err == nil {
		t.Error("a client was let in that does not authenticate; want the new terms")
	}
	must(t, c.echo("still here"))
	_, err = tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	other := anyListener()
	_, err = tr.reload(other)
	must(t, err)
	must(t, c.echo("and after the removal"))
	must(t, c.finish())
	eventually(t, "the removed listener to be gone", func() bool {
		_, err := tr.sys.Tree(TreeQuery{Path: "supervisor/" + tr.listenerName()})
		return errors.Is(err, ErrActorEnded)
	})
	_, err = tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	tr.stop()
	if _, err := tr.sys.Drain(t.Context(), "", 0, "the test"); !errors.Is(err, ErrStopping) {
		t.Errorf("after the end: got %v; want ErrStopping", err)
	}
}

// A panic of a drained listener does not open it again.
func TestDrainOutlivesAPanic(t *testing.T) {
	tr := startTree(t)
	tr.setTap(panicsOnce(func(k Kind, m any) bool { _, ok := m.(*halt); return ok && k == KindListener }))
	_, err := tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	tr.wantRefused()
	tr.send(tr.listenerName(), &boom{})
	eventually(t, "the panic to be known", func() bool { return tr.look(TreeQuery{Path: "supervisor/" + tr.listenerName()}).Restarts == 2 })
	tr.wantRefused()
	_, err = tr.sys.Undrain(t.Context(), "", "the test")
	must(t, err)
	must(t, tr.mustDial().greet())
}
