package actors

import (
	"net/netip"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// closable is a Conn that can only be closed; anything else crashes the test.
type closable struct {
	transport.Conn
	aborted chan struct{}
}

// Abort implements transport.Conn.
func (c closable) Abort() { c.aborted <- struct{}{} }

// letter is mail with a client of its own, and its slot.
func (tr *tree) letter() (*accepted, closable) {
	conn := closable{aborted: make(chan struct{}, 10)}
	tr.slots.free <- struct{}{}
	account := tr.metrics.Ledger.accounts[0]
	return &accepted{conn: conn, record: account.accept(netip.MustParseAddrPort("192.0.2.9:9"), time.Now(), tr.slots.leave)}, conn
}

// wantDropped waits until the client of a letter is closed, booked once, and
// its slot is back.
func (tr *tree) wantDropped(c closable) {
	tr.t.Helper()
	await(tr.t, "the client to be closed", c.aborted)
	tr.wantFailed(ReasonShutdown, 1)
	eventually(tr.t, "the slots to come back", func() bool { return len(tr.slots.free) == 0 })
}

// A client that is on its way to a listener which is gone is closed.
func TestMailToADeadListener(t *testing.T) {
	tr := startTree(t)
	tr.stop()
	m, conn := tr.letter()
	tr.send(tr.listenerName(), m)
	tr.wantDropped(conn)
}

// A client that reaches a listener which is being stopped is closed. It used to
// be admitted, and the listener then waited for that session's end.
func TestMailToAStoppingListener(t *testing.T) {
	closing := make(chan func(), 1) // taken by the first session that is closed
	tr := startTree(t, func(s *setup) {
		s.network.conn = func(c transport.Conn) transport.Conn {
			return hooked{c, func() {
				select {
				case f := <-closing:
					f()
				default:
				}
			}}
		}
	})
	c := tr.mustOpen(startUpstream(t).addr)
	m, conn := tr.letter()
	closing <- func() { tr.send(tr.listenerName(), m) }
	tr.sys.actors.Root.Stop(tr.pid(tr.listenerName()))
	must(t, c.ended())
	await(t, "the client to be closed", conn.aborted)
	tr.wantFailed(ReasonShutdown, 2)
	tr.wantIdle()
}

// hooked is a Conn that calls a function when it is closed.
type hooked struct {
	transport.Conn
	aborting func()
}

// Abort implements transport.Conn.
func (h hooked) Abort() {
	h.aborting()
	h.Conn.Abort()
}

// A client that waits in the mailbox of a listener which fails for good is
// closed. Such mail used to be forgotten with the mailbox.
func TestMailInAFailedMailbox(t *testing.T) {
	entered, release, draining := make(chan struct{}), make(chan struct{}), make(chan struct{})
	tr := startTree(t)
	tr.setTap(func(k Kind, m any) {
		if _, ok := m.(*boom); ok && k == KindListener {
			close(entered)
			<-release
		}
		if _, ok := m.(*actor.Touch); ok && k == KindSupervisor {
			close(draining)
		}
	})
	go tr.send(tr.listenerName(), &boom{}) // runs the listener's turn
	await(t, "the listener's turn", entered)
	m, conn := tr.letter()
	tr.send(tr.listenerName(), m)
	tr.sys.Stop()
	tr.send("", &actor.Touch{}) // behind the shutdown
	await(t, "the supervisor to have decided", draining)
	close(release)
	await(t, "the tree to stop", tr.sys.Stopped())
	tr.wantDropped(conn)
}
