package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestReserveIsTakenBack: where another goroutine, such as one that dialled, was
// quicker to the descriptor that was lent to send a client away, the reserve was lost
// for good. In the next shortage nobody was sent away, and clients waited for as long
// as it lasted.
func TestReserveIsTakenBack(t *testing.T) {
	for _, name := range []string{"goroutines", "reactor"} {
		t.Run(name, func(t *testing.T) {
			network, err := Choose(name)
			if err != nil {
				t.Skip(err)
			}
			l, err := network.Listen(ListenConfig{Address: netip.MustParseAddrPort("127.0.0.1:0")})
			if err != nil {
				t.Fatal(err)
			}
			r := reserveOf(t, l)
			r.close() // as shed does, and could not open it again
			serveOneLate(t, l)
			if r.file == nil {
				t.Error("there is no reserve once a client was taken; want one again")
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if r.file != nil {
				t.Error("the reserve is open after the listener was closed")
			}
		})
	}
}

func reserveOf(t *testing.T, l Listener) *reserve {
	t.Helper()
	switch l := l.(type) {
	case *epollListener:
		return &l.reserve
	case *listener:
		return &l.reserve
	}
	t.Fatalf("got a %T; want one with a reserve", l)
	return nil
}

// serveOneLate takes one client, for which there is no slot at once.
func serveOneLate(t *testing.T, l Listener) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	taken := false
	err = l.Serve(ctx, Acceptance{
		Enter:    func(ctx context.Context) error { return ctx.Err() },
		Leave:    func() {},
		Accepted: func(c Conn) { c.Abort(); taken = true; cancel() },
	})
	if err != nil || !taken || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("serve: got %v, a client: %v; want one", err, taken)
	}
}
