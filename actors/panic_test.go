package actors

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// panicsOnce is a tap under which the first message that match knows is lost to
// a panic.
func panicsOnce(match func(Kind, any) bool) Tap {
	var done atomic.Bool
	return func(k Kind, m any) {
		if match(k, m) && done.CompareAndSwap(false, true) {
			panic(errInjected)
		}
	}
}

func on[M any](kind Kind) func(Kind, any) bool {
	return func(k Kind, m any) bool {
		_, ok := m.(M)
		return ok && k == kind
	}
}

// A panic of the supervisor's own costs nobody anything.
func TestSupervisorPanics(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	for range 20 {
		tr.send("", &boom{})
	}
	must(t, c.echo("alive\r\n"))
	must(t, tr.mustOpen(echo.addr).echo("new\r\n"))
}

// A listener that panics, on whichever message, keeps its sessions and goes on
// taking clients.
func TestListenerPanics(t *testing.T) {
	tests := []struct {
		name  string
		match func(Kind, any) bool
		fail  string // the actor that has to fail for the message to be sent
	}{
		{"on a message", on[*boom](KindListener), ""},
		{"when the acceptor borrows", on[*borrow](KindListener), "/acceptor"},
		{"when the acceptor's pause is over", on[*restartAcceptor](KindListener), "/acceptor"},
		{"when a session ends", on[*actor.Terminated](KindListener), ""},
		{"when the acceptor ends", on[*actor.Terminated](KindListener), "/acceptor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := startTree(t)
			echo := startUpstream(t)
			c := tr.mustOpen(echo.addr)
			var hit atomic.Bool
			once := panicsOnce(tt.match)
			tr.setTap(func(k Kind, m any) {
				if tt.match(k, m) {
					hit.Store(true)
				}
				once(k, m)
			})
			switch {
			case tt.fail == "":
				tr.send(tr.listenerName(), &boom{})
			case tt.name == "when the acceptor ends":
				tr.sys.actors.Root.Stop(tr.pid(tr.listenerName() + tt.fail))
			default:
				// Twice: only the second failure has a pause.
				tr.send(tr.listenerName()+tt.fail, &boom{})
				eventually(t, "a restart", func() bool { return tr.status().Restarts > 0 })
				tr.send(tr.listenerName()+tt.fail, &boom{})
			}
			other := tr.mustOpen(echo.addr)
			must(t, other.echo("new\r\n"))
			must(t, other.finish())
			eventually(t, "the message", hit.Load)
			eventually(t, "accepting", func() bool { return tr.status().Accepting })
			must(t, tr.mustOpen(echo.addr).echo("newer\r\n"))
			must(t, c.echo("alive\r\n"))
		})
	}
}

// A listener that panics while it starts accepts all the same.
func TestListenerPanicsAtItsStart(t *testing.T) {
	for _, match := range []func(Kind, any) bool{on[*actor.Started](KindListener), on[*borrow](KindListener), on[*actor.Started](KindAcceptor), on[*lend](KindAcceptor)} {
		tr := startTree(t, func(s *setup) { s.tap = panicsOnce(match) })
		must(t, tr.mustOpen(startUpstream(t).addr).echo("hello\r\n"))
	}
}

// A client that the listener fails to admit is closed and booked; the others
// live on.
func TestListenerPanicsWhileAdmitting(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	tr.setTap(panicsOnce(on[*accepted](KindListener)))
	tr.wantCut()
	tr.wantFailed(ReasonInternal, 1)
	must(t, c.echo("alive\r\n"))
	must(t, tr.mustOpen(echo.addr).echo("new\r\n"))
}

// reach brings a client to a phase of its session.
type reach func(t *testing.T, c *client, echo *upstream)

func say(b []byte, replies int) reach {
	return func(t *testing.T, c *client, _ *upstream) {
		t.Helper()
		must(t, c.say(b...))
		_, err := c.hear(replies)
		must(t, err)
	}
}

// A connection that panics ends its own session, in whichever phase, and no
// other. Its peers see the close.
func TestConnectionPanics(t *testing.T) {
	tests := []struct {
		phase    string
		reach    reach
		upstream bool   // there is one
		reason   Reason // why it failed; what had been decided before stands
	}{
		{"greeting", say([]byte{5}, 0), false, ReasonInternal},
		{"auth", say([]byte{5, 1, 2}, 2), false, ReasonInternal},
		{"request", say(greetNone, 2), false, ReasonInternal},
		{"bound", say(append(append([]byte(nil), greetNone...), request(2, netip.MustParseAddrPort("127.0.0.1:0"))...), 12), false, ReasonInternal},
		{"dialing", say(append(append([]byte(nil), greetNone...), requestName("slow.example", 25)...), 2), false, ReasonInternal},
		{"relaying", func(t *testing.T, c *client, echo *upstream) { must(t, c.open(echo.addr)) }, true, ReasonInternal},
		{"closing", say([]byte{5, 1, 9}, 2), false, ReasonNoMethod},
	}
	for _, tt := range tests {
		t.Run(tt.phase, func(t *testing.T) {
			names := newSlowNames()
			tr := startTree(t, func(s *setup) { s.resolver = names })
			echo := startUpstream(t)
			other := tr.mustOpen(echo.addr)
			c := tr.mustDial()
			tt.reach(t, c, echo)
			if tt.phase == "dialing" {
				await(t, "the lookup", names.asked)
			}
			tr.sys.actors.Root.Send(tr.connectionOf(c), &boom{})
			must(t, c.ended())
			tr.wantFailed(tt.reason, 1)
			if tt.upstream {
				await(t, "the upstream to see the close", echo.ends)
			}
			if tt.phase == "dialing" {
				await(t, "the lookup to be cancelled", names.cancelled)
			}
			must(t, other.echo("alive\r\n"))
			must(t, other.finish())
			tr.wantIdle()
		})
	}
}

// Also a connection that panics at its very first message closes its client.
func TestConnectionPanicsAtItsStart(t *testing.T) {
	tr := startTree(t)
	tr.setTap(panicsOnce(on[*actor.Started](KindConnection)))
	tr.wantCut()
	tr.wantFailed(ReasonInternal, 1)
	tr.wantIdle()
}

// stubborn is a Conn that panics when it is to be closed, after it has been.
type stubborn struct{ transport.Conn }

// Abort implements transport.Conn.
func (s stubborn) Abort() {
	s.Conn.Abort()
	panic(errInjected)
}

// A panic while an actor cleans up does not bring it back, nor does it keep the
// session in the books.
func TestPanicWhileStopping(t *testing.T) {
	tests := []struct {
		name   string
		end    func(tr *tree, c *client)
		reason Reason
	}{
		{"the session failed", func(tr *tree, c *client) { tr.sys.actors.Root.Send(tr.connectionOf(c), &boom{}) }, ReasonInternal},
		{"the session was stopped", func(tr *tree, c *client) { tr.sys.actors.Root.Stop(tr.connectionOf(c)) }, ReasonShutdown},
		{"the tree was stopped", func(tr *tree, _ *client) { tr.stop() }, ReasonShutdown},
		{"the listener could not admit it", func(tr *tree, _ *client) {
			tr.setTap(panicsOnce(on[*accepted](KindListener)))
			tr.wantCut()
		}, ReasonInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := startTree(t, func(s *setup) {
				s.network.conn = func(c transport.Conn) transport.Conn { return stubborn{c} }
			})
			c := tr.mustOpen(startUpstream(t).addr)
			tt.end(tr, c)
			tr.wantFailed(tt.reason, 1)
			tr.stop()
			must(t, c.ended())
			tr.wantIdle()
		})
	}
}

// slowNames is a resolver that answers when its context ends.
type slowNames struct {
	asked, cancelled chan struct{}
}

func newSlowNames() slowNames {
	return slowNames{asked: make(chan struct{}, 100), cancelled: make(chan struct{}, 100)}
}

// LookupNetIP implements egress.Resolver.
func (s slowNames) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	s.asked <- struct{}{}
	<-ctx.Done()
	s.cancelled <- struct{}{}
	return nil, ctx.Err()
}
