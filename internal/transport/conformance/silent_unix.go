//go:build unix

package conformance

import (
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// silent is an address that answers no attempt to connect: a socket with a
// short queue, which is full.
type silent struct {
	addr     netip.AddrPort
	listener *net.TCPListener
	queue    []net.Conn
}

func newSilent(t *testing.T) *silent {
	t.Helper()
	l := listen(t)
	s := &silent{addr: addr(l), listener: l}
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 1) }); cerr != nil || err != nil {
		t.Fatalf("shorten the queue: %v, %v", cerr, err)
	}
	for n := range 64 {
		within := 250 * time.Millisecond
		if runtime.GOOS == "linux" && n < 2 { // for so many there is room, however long a busy machine takes
			within = patience
		}
		c, err := net.DialTimeout("tcp", s.addr.String(), within)
		if err != nil {
			return s
		}
		s.queue = append(s.queue, c)
	}
	t.Fatal("the queue does not fill")
	return nil
}

func (s *silent) close() {
	for _, c := range s.queue {
		_ = c.Close()
	}
	_ = s.listener.Close()
}
