//go:build linux

package transport

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// reactorRig is a reactor with one loop, and a listener that it serves.
type reactorRig struct {
	t        *testing.T
	loop     *loop
	listener *epollListener
	accepted chan *epollConn
	total    Traffic
}

// testPatience is how long anything may take that should happen at once.
const testPatience = 20 * time.Second

func newReactorRig(t *testing.T, splice bool) *reactorRig {
	t.Helper()
	n, err := NewReactor(ReactorOptions{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	l, err := n.Listen(ListenConfig{
		Address:   netip.MustParseAddrPort("127.0.0.1:0"),
		NoSplice:  !splice,
		KeepAlive: KeepAlive{Enabled: true, Idle: 77 * time.Second, Interval: 7 * time.Second, Count: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &reactorRig{t: t, listener: l.(*epollListener), accepted: make(chan *epollConn, 16)}
	r.loop = r.listener.crew.loops[0]
	served := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		served <- l.Serve(ctx, Acceptance{
			Enter:    func(context.Context) error { return nil },
			Leave:    func() {},
			Accepted: func(c Conn) { r.accepted <- c.(*epollConn) },
			HoldBack: func(error) {},
			Shed:     func(netip.AddrPort, error) {},
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// onLoop runs f on the loop's goroutine.
func (r *reactorRig) onLoop(f func()) {
	r.t.Helper()
	done := make(chan struct{})
	r.loop.do(func() { defer close(done); f() })
	wait(r.t, done, "the loop answers")
}

func wait[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(testPatience):
		t.Fatalf("never came true: %s", what)
	}
	return v
}

// reactorSession is a session that relays, its owner, and both its peers.
type reactorSession struct {
	conn             *epollConn
	traffic          Traffic
	dialed           chan error
	ended            chan Ended
	client, upstream *net.TCPConn
}

func (s *reactorSession) Notify(e Event) {
	switch e := e.(type) {
	case Dialed:
		s.dialed <- e.Err
	case Ended:
		s.ended <- e
	}
}

func (r *reactorRig) relayed() *reactorSession { r.t.Helper(); return r.limited(nil) }

// limited is a session that relays within limits.
func (r *reactorRig) limited(l *RelayLimits) *reactorSession {
	t := r.t
	t.Helper()
	up, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	client, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(r.listener.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	s := &reactorSession{conn: wait(t, r.accepted, "the client is accepted"), client: client,
		dialed: make(chan error, 1), ended: make(chan Ended, 1)}
	s.conn.Start(s)
	s.conn.SetTimer(time.Hour)
	s.conn.Dial(1, up.Addr().(*net.TCPAddr).AddrPort())
	if err := wait(t, s.dialed, "the upstream is dialled"); err != nil {
		t.Fatal(err)
	}
	if s.upstream, err = up.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	s.conn.Relay(&s.traffic, &r.total, l)
	for _, c := range []*net.TCPConn{s.client, s.upstream} {
		if err := c.SetDeadline(time.Now().Add(2 * testPatience)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	return s
}

// exchange sends p each way and reads it.
func (s *reactorSession) exchange(t *testing.T, p string) {
	t.Helper()
	for _, way := range [][2]*net.TCPConn{{s.client, s.upstream}, {s.upstream, s.client}} {
		if _, err := io.WriteString(way[0], p); err != nil {
			t.Fatalf("send: %v", err)
		}
		got := make([]byte, len(p))
		if _, err := io.ReadFull(way[1], got); err != nil || string(got) != p {
			t.Fatalf("received: got %q, %v; want %q", got, err, p)
		}
	}
}

// part ends the session from the client's side.
func (s *reactorSession) part(t *testing.T) {
	t.Helper()
	if err := s.client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := s.upstream.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if e := wait(t, s.ended, "the session ends"); e.End != Fin {
		t.Errorf("end: got %+v; want Fin", e)
	}
}
