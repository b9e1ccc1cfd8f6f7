//go:build unix

package actors

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// startBlackHole is an address that answers no attempt to connect: the queue of its
// socket is full.
func startBlackHole(t *testing.T) netip.AddrPort {
	t.Helper()
	a := startAnswering(t)
	raw, err := a.Listener.(*net.TCPListener).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 1) }))
	must(t, err)
	for range 64 {
		c, err := net.DialTimeout("tcp", a.addr.String(), 250*time.Millisecond)
		if err != nil {
			return a.addr
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the queue does not fill")
	return a.addr
}

// An upstream that never answers: the client is told in time; and one that leaves
// first takes the dial with it.
func TestBlackHole(t *testing.T) {
	hole := startBlackHole(t)
	t.Run("the client is told", func(t *testing.T) {
		tr := startTree(t, func(s *setup) { s.listeners[0].ConnectTimeout = 20 * time.Millisecond })
		must(t, tr.mustDial().refused(request(1, hole), 6))
		tr.wantFailed(ReasonConnectTimeout, 1)
		wantDials(t, gather(t, tr.reg), "timeout")
	})
	t.Run("the client leaves", func(t *testing.T) {
		tr := startTree(t)
		before := descriptors(t)
		c := tr.mustDial()
		must(t, c.greet())
		must(t, c.say(request(1, hole)...))
		eventually(t, "the dial", func() bool {
			for s := range tr.sys.Sessions() {
				return s.Phase == "dialing"
			}
			return false
		})
		must(t, c.Close())
		tr.wantFailed(ReasonClientLeftDialing, 1)
		wantDials(t, gather(t, tr.reg), "client_left")
		tr.wantIdle()
		eventually(t, "the dial's descriptor to be closed", func() bool { return descriptors(t) <= before })
	})
}
