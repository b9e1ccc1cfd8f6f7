package actors

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

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
	l := "supervisor/" + tr.listenerName()
	want := []string{
		"supervisor supervisor", "listener " + l, "acceptor " + l + "/acceptor", "connection " + tr.connectionOf(c).Id,
		"metrics supervisor/metrics", "sources supervisor/sources", "source supervisor/sources/source-127.0.0.1", "web supervisor/web",
	}
	var root Node
	eventually(t, "the whole tree", func() bool {
		root = tr.look(all())
		return slices.Equal(root.paths(), want)
	})
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
	// The goroutine of the acceptor before may serve for a moment longer.
	eventually(t, "the status to say that it accepts", func() bool { return tr.status().Accepting })
	if got := tr.status(); got.Restarts != 1 {
		t.Errorf("got the status %+v; want one restart", got)
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
