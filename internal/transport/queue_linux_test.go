package transport

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// TestQueue: who has connected and is not accepted is counted.
func TestQueue(t *testing.T) {
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
			q := l.(interface {
				Queue() (waiting, limit uint32, err error)
			})
			for n := range uint32(3) {
				waiting, limit, err := q.Queue()
				if err != nil || waiting != n || limit < 100 {
					t.Errorf("got %d of %d, error %v; want %d waiting, and a limit of some hundreds or more", waiting, limit, err, n)
				}
				c, err := net.Dial("tcp", l.Addr().String()) // which returns once the client is in the queue
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := q.Queue(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed: got error %v; want %v", err, net.ErrClosed)
			}
		})
	}
}
