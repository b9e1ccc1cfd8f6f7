package transport

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dialled is an owner that hears that its session has an upstream.
type dialled chan error

func (d dialled) Notify(e Event) {
	if e, ok := e.(Dialed); ok {
		d <- e.Err
	}
}

// TestSocketOptions looks at the sockets themselves: without TCP_NODELAY an
// SMTP dialogue takes 40 ms a line, and without keepalive a dead peer is never
// noticed.
func TestSocketOptions(t *testing.T) {
	for _, plain := range []bool{false, true} {
		n := NewGoroutines(Options{PlainSockets: plain})
		l, err := n.Listen(ListenConfig{
			Address:   netip.MustParseAddrPort("127.0.0.1:0"),
			KeepAlive: KeepAlive{Enabled: true, Idle: 77 * time.Second, Interval: 7 * time.Second, Count: 5},
		})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := acceptOne(t, l)
		d := make(dialled, 1)
		c.Start(d)
		c.Dial(1, l.Addr()) // its own queue takes it
		if err := <-d; err != nil {
			t.Fatalf("dial: %v", err)
		}
		wantOptions(t, c.client)
		wantOptions(t, c.upstream)
		c.Relay(&Traffic{}, &Traffic{}, &RelayLimits{Unacknowledged: 90 * time.Second})
		for _, s := range []stream{c.client, c.upstream} {
			if got, err := option(s, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil || got != 90_000 {
				t.Errorf("%T: TCP_USER_TIMEOUT: got %d, %v; want 90000", s, got, err)
			}
		}
		c.Abort()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// acceptOne connects to l and takes the client with a Serve of its own.
func acceptOne(t *testing.T, l Listener) (*conn, *net.TCPConn) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	var got *conn
	if err := l.Serve(ctx, Acceptance{
		Enter:    func(ctx context.Context) error { return ctx.Err() },
		Leave:    func() {},
		Accepted: func(c Conn) { got = c.(*conn); cancel() },
		HoldBack: func(error) {},
		Shed:     func(netip.AddrPort, error) {},
	}); err != nil {
		t.Fatal(err)
	}
	return got, client.(*net.TCPConn)
}

func wantOptions(t *testing.T, s stream) {
	t.Helper()
	for _, o := range []struct {
		name       string
		level, opt int
		want       int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 5},
	} {
		if got, err := option(s, o.level, o.opt); err != nil || got != o.want {
			t.Errorf("%T: %s: got %d, %v; want %d", s, o.name, got, err, o.want)
		}
	}
}

func option(s stream, level, opt int) (v int, err error) {
	get := func(fd uintptr) { v, err = unix.GetsockoptInt(int(fd), level, opt) }
	switch s := s.(type) {
	case *rawStream:
		_ = s.raw.Control(get)
	case *plainStream:
		s.ask(get)
	}
	return v, err
}
