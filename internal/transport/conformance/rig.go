package conformance

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// patience is how long anything may take that should happen at once.
const patience = 20 * time.Second

// rig is a Network that serves on one listener, with the sessions of one test.
type rig struct {
	t        *testing.T
	net      transport.Network
	listener transport.Listener
	accepted chan transport.Conn
	heldBack chan error
	shed     chan netip.AddrPort
	gate     chan struct{} // Enter waits until it is closed, as it is at first
	total    transport.Traffic
	secure   *security // nil: clients speak in the clear

	mu       sync.Mutex
	entered  int // slots taken and neither handed on nor given back
	sessions []*session
	serving  *serving
}

// newRig is called by Run; its cleanup belongs to finish, since the leak check
// comes before t.Cleanup.
func newRig(t *testing.T, n transport.Network, s *security) *rig {
	return newRigOn(t, n, s, transport.ListenConfig{})
}

// patient is a rig in place of r that gives a side all the time it needs to take
// what it was sent, so that it is in time on any machine.
func (r *rig) patient() *rig { return r.anew(transport.ListenConfig{LastWords: patience}) }

// anew is a rig in place of r with a listener of its own kind.
func (r *rig) anew(config transport.ListenConfig) *rig {
	r.finish()
	return newRigOn(r.t, r.net, r.secure, config)
}

// newRigOn is newRig with a listener of its own kind; the rest is as everywhere, the
// address too unless it is given.
func newRigOn(t *testing.T, n transport.Network, secure *security, config transport.ListenConfig) *rig {
	t.Helper()
	if !config.Address.IsValid() {
		config.Address = netip.MustParseAddrPort("127.0.0.1:0")
	}
	config.KeepAlive = transport.KeepAlive{Enabled: true, Idle: time.Minute, Interval: 10 * time.Second, Count: 3}
	if secure != nil {
		config.TLS, config.HandshakeTimeout = secure.server, secure.timeout
	}
	l, err := n.Listen(config)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	r := &rig{
		t: t, net: n, listener: l, secure: secure,
		accepted: make(chan transport.Conn, 64),
		heldBack: make(chan error, 64),
		shed:     make(chan netip.AddrPort, 64),
		gate:     make(chan struct{}),
	}
	close(r.gate)
	r.serving = r.serve(r.acceptance())
	return r
}

// acceptance hands clients to the channel accepted.
func (r *rig) acceptance() transport.Acceptance {
	return transport.Acceptance{
		Enter: func(ctx context.Context) error {
			select {
			case <-r.gate:
				r.slots(1)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		Leave:    func() { r.slots(-1) },
		Accepted: func(c transport.Conn) { r.slots(-1); r.accepted <- c },
		HoldBack: func(err error) { r.heldBack <- err },
		Shed:     func(client netip.AddrPort, _ error) { r.shed <- client },
	}
}

func (r *rig) slots(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entered += n
}

// serving is one call of Serve on its goroutine.
type serving struct {
	cancel   context.CancelFunc
	returned chan struct{}
	err      error
	panicked any
}

func (r *rig) serve(a transport.Acceptance) *serving {
	ctx, cancel := context.WithCancel(context.Background())
	s := &serving{cancel: cancel, returned: make(chan struct{})}
	go s.run(ctx, r.listener, a)
	return s
}

func (s *serving) run(ctx context.Context, l transport.Listener, a transport.Acceptance) {
	defer close(s.returned)
	defer func() { s.panicked = recover() }()
	s.err = l.Serve(ctx, a)
}

// wait waits for the return of Serve.
func (s *serving) wait(t *testing.T) {
	t.Helper()
	select {
	case <-s.returned:
	case <-time.After(patience):
		t.Fatal("Serve did not return")
	}
}

// finish closes the listener and checks what holds after every test: each
// session ended, once, and its totals are in the sum of all.
func (r *rig) finish() {
	r.t.Helper()
	r.serving.cancel()
	r.serving.wait(r.t)
	if err := r.listener.Close(); err != nil {
		r.t.Errorf("close the listener: %v", err)
	}
	if r.entered != 0 {
		r.t.Errorf("slots neither used nor given back: got %d; want 0", r.entered)
	}
	var up, down uint64
	for _, s := range r.sessions {
		s.awaitEnd(r.t)
		s.check(r.t)
		up += s.traffic.Up.Load()
		down += s.traffic.Down.Load()
	}
	if gotUp, gotDown := r.total.Up.Load(), r.total.Down.Load(); gotUp != up || gotDown != down {
		r.t.Errorf("total traffic: got %d up, %d down; want the sessions' sum, %d and %d", gotUp, gotDown, up, down)
	}
}

// connect makes a client of the rig's listener.
func (r *rig) connect() peer {
	r.t.Helper()
	return r.connectTo(r.listener.Addr())
}

// connectTo makes a client at an address of the rig's listener. One that speaks
// TLS begins with its session.
func (r *rig) connectTo(a netip.AddrPort) peer {
	r.t.Helper()
	client := connect(r.t, a)
	if r.secure == nil {
		return client
	}
	return r.secure.over(client)
}

// accept waits for the Conn of a client that connected.
func (r *rig) accept() transport.Conn {
	r.t.Helper()
	select {
	case c := <-r.accepted:
		return c
	case <-time.After(patience):
		r.t.Fatal("client was not accepted")
		return nil
	}
}

// session connects a client and starts its session.
func (r *rig) session() *session {
	r.t.Helper()
	client := r.connect()
	return r.start(r.accept(), client, nil)
}

// start starts the session of c. What react does, it does inside Notify.
func (r *rig) start(c transport.Conn, client peer, react func(transport.Event)) *session {
	s := &session{
		Conn: c, client: client, react: react, rig: r,
		events: make(chan transport.Event, 4096),
		ended:  make(chan struct{}),
	}
	r.sessions = append(r.sessions, s)
	c.Start(s)
	if client, ok := client.(*tlsPeer); ok {
		s.shake(client)
	}
	return s
}

// relayed is a session that relays to an upstream of the test.
func (r *rig) relayed() (s *session, upstream peer) {
	r.t.Helper()
	s = r.session()
	upstream = s.dial()
	s.relay()
	return s, upstream
}

// relay starts the relay with the rig's counters.
func (s *session) relay() { s.relayWithin(nil) }

// relayWithin is relay with limits.
func (s *session) relayWithin(l *transport.RelayLimits) { s.Relay(&s.traffic, &s.rig.total, l) }

// connect dials a; the test closes the result.
func connect(t *testing.T, a netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(a))
	if err != nil {
		t.Fatalf("connect to %v: %v", a, err)
	}
	limit(t, c)
	return c
}

// listen opens a listening socket for upstreams.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	return l
}

// acceptUpstream takes the next connection of l.
func acceptUpstream(t *testing.T, l *net.TCPListener) peer {
	t.Helper()
	if err := l.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatalf("upstream: %v", err)
	}
	limit(t, c)
	return c
}

// limit makes every wait on c end.
func limit(t *testing.T, c peer) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
}

// addr is the address that l listens on.
func addr(l *net.TCPListener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// eventually waits for a condition of which nobody tells.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never came true: %s", what)
		}
	}
}

// describe is an event as a message shows it.
func describe(e transport.Event) string { return fmt.Sprintf("%T%+v", e, e) }
