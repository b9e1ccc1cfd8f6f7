package actors

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// saboteur breaks the acceptor's Serve from outside, in several ways. It is
// the serve hook of a wire.
type saboteur struct {
	orders chan sabotage
}

type sabotage uint8

const (
	panicInEnter    sabotage = iota // before a client is taken
	panicInAccepted                 // once a client was handed over
	serveReturns                    // Serve ends with an error
	socketDies                      // and says that the socket is dead
)

func newSaboteur() *saboteur { return &saboteur{orders: make(chan sabotage, 1)} }

// serve serves until an order comes; then it fails as ordered.
func (s *saboteur) serve(ctx context.Context, a transport.Acceptance, socket transport.Listener) error {
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	enter, accepted := a.Enter, a.Accepted
	var inEnter, inAccepted atomic.Bool
	var ordered atomic.Pointer[error]
	a.Enter = func(ctx context.Context) error {
		if inEnter.Load() {
			panic(errInjected)
		}
		return enter(ctx)
	}
	a.Accepted = func(c transport.Conn) {
		started := make(chan struct{})
		accepted(&startedConn{Conn: c, started: started})
		<-started // else the transport would rightly send the client away
		if inAccepted.Load() {
			panic(errInjected)
		}
	}
	go s.obey(serving, cancel, &inEnter, &inAccepted, &ordered)
	if err := socket.Serve(serving, a); err != nil {
		return err
	}
	if err := ordered.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *saboteur) obey(ctx context.Context, cancel context.CancelFunc, inEnter, inAccepted *atomic.Bool, ordered *atomic.Pointer[error]) {
	select {
	case <-ctx.Done():
		return
	case order := <-s.orders:
		switch order {
		case panicInEnter:
			inEnter.Store(true)
		case panicInAccepted:
			inAccepted.Store(true)
		case serveReturns, socketDies:
			err := errInjected
			if order == socketDies {
				err = fmt.Errorf("%w: %w", transport.ErrListenerDead, errInjected)
			}
			ordered.Store(&err)
			cancel()
		}
	}
}

// startedConn tells when its session has begun.
type startedConn struct {
	transport.Conn
	started chan struct{}
}

// Start implements transport.Conn.
func (c *startedConn) Start(o transport.Owner) {
	c.Conn.Start(o)
	close(c.started)
}

// dialler connects and is served over and over, as long as its context lives.
type dialler struct {
	tr     *tree
	wg     sync.WaitGroup
	served atomic.Int64
}

// run starts a client at each tick, none of which may fail.
func (d *dialler) run(ctx context.Context) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			d.wg.Wait()
			return
		case <-tick.C:
			d.wg.Go(d.one)
		}
	}
}

// one is a client. It is not tied to the context: each that began must be served.
func (d *dialler) one() {
	c, err := dial(context.Background(), d.tr.proxy)
	if err != nil {
		d.tr.t.Errorf("connect: %v", err)
		return
	}
	defer c.Close()
	if err := c.greet(); err != nil {
		d.tr.t.Errorf("a client was not served: %v", err)
		return
	}
	d.served.Add(1)
}

// spree makes the acceptor fail over and over while sessions live and clients
// come.
type spree struct {
	tr       *tree
	echo     *upstream
	sessions []*client
	dialler  *dialler
	stop     func()
}

func startSpree(tr *tree, sessions int) *spree {
	tr.t.Helper()
	s := &spree{tr: tr, echo: startUpstream(tr.t)}
	for range sessions {
		s.sessions = append(s.sessions, tr.mustOpen(s.echo.addr))
	}
	s.dialler = &dialler{tr: tr}
	ctx, cancel := context.WithCancel(tr.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.dialler.run(ctx) })
	s.stop = func() { cancel(); wg.Wait() }
	return s
}

// failure makes the acceptor fail for the n. time and waits until it is back, by
// its status and by its clients.
func (s *spree) failure(n int, fail func()) {
	s.tr.t.Helper()
	fail()
	eventually(s.tr.t, fmt.Sprintf("restart %d of the acceptor", n), func() bool {
		st := s.tr.status()
		return st.Restarts == uint64(n) && st.Accepting && st.Failure == ""
	})
	before := s.dialler.served.Load()
	eventually(s.tr.t, "clients to be served again", func() bool { return s.dialler.served.Load() > before })
	for i, c := range s.sessions {
		if err := c.echo("still here\r\n"); err != nil {
			s.tr.t.Fatalf("session %d after failure %d: %v", i, n, err)
		}
	}
}

// Whatever befalls the acceptor costs no session and refuses no client.
func TestAcceptorFailuresCostNothing(t *testing.T) {
	const failures = 10
	sab := newSaboteur()
	tr := startTree(t, func(s *setup) { s.network.serve = sab.serve })
	s := startSpree(tr, 100)
	for n := 1; n <= failures; n++ {
		s.failure(n, func() {
			switch n % 4 {
			case 0:
				tr.send(tr.listenerName()+"/acceptor", &boom{})
			case 1:
				sab.orders <- panicInAccepted
			case 2:
				sab.orders <- serveReturns
			case 3:
				sab.orders <- panicInEnter
			}
		})
	}
	s.stop()
	if got := tr.status().Restarts; got != failures {
		t.Errorf("%d restarts counted; want %d", got, failures)
	}
	if got := gather(t, tr.reg).failed(ReasonInternal); got != 0 {
		t.Errorf("%v sessions failed for a fault of ours; want none", got)
	}
	for _, c := range s.sessions {
		must(t, c.finish())
	}
	tr.wantIdle()
}

// A socket that is dead is opened anew at the same address. Its queue is lost,
// its sessions are not.
func TestDeadSocketIsOpenedAnew(t *testing.T) {
	sab := newSaboteur()
	tr := startTree(t, func(s *setup) { s.network.serve = sab.serve })
	echo := startUpstream(t)
	session := tr.mustOpen(echo.addr)
	for n := range uint64(3) {
		sab.orders <- socketDies
		eventually(t, "the acceptor to be back", func() bool { return tr.status().Restarts == n+1 && tr.status().Accepting })
		must(t, session.echo("still here\r\n"))
		other := tr.mustOpen(echo.addr)
		must(t, other.echo("new\r\n"))
		must(t, other.finish())
	}
	must(t, session.finish())
	tr.wantIdle()
}

// While a failing acceptor is held off, the status says so and why, and clients
// wait in the queue.
func TestStatusTellsOfBackoff(t *testing.T) {
	var failing atomic.Bool
	tr := startTree(t)
	eventually(t, "accepting", func() bool { return tr.status().Accepting })
	if st := tr.status(); st.Failure != "" || st.Since.IsZero() || st.Listener != tr.proxy.String() {
		t.Fatalf("status %+v; want no failure, a time and %v", st, tr.proxy)
	}
	failing.Store(true)
	tr.setTap(func(k Kind, m any) {
		if _, ok := m.(*lend); ok && failing.Load() {
			panic(errInjected)
		}
	})
	tr.send(tr.listenerName()+"/acceptor", &boom{})
	eventually(t, "a few restarts", func() bool { return tr.status().Restarts >= 4 })
	eventually(t, "the failure to be told", func() bool {
		st := tr.status()
		return !st.Accepting && st.Failure == errInjected.Error()
	})
	waiting := tr.mustDial() // is not refused
	failing.Store(false)
	eventually(t, "accepting again", func() bool { return tr.status().Accepting })
	if st := tr.status(); st.Failure != "" {
		t.Errorf("failure %q when accepting again; want none", st.Failure)
	}
	must(t, waiting.greet())
}
