package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// besiegers are the clients who want nothing but to be in the way.
	besiegers = 5000
	// mostPerBesieger is what the daemon may spend on each of them.
	mostPerBesieger = 4 << 10
)

// siege is a daemon with clients who get their service, and others who do not want
// any.
type siege struct {
	*daemon
	echo    *echo
	lasting time.Duration
	before  footing
	calm    time.Duration // the 99th percentile of the clients before
}

// footing is what the daemon needs.
type footing struct{ heap, stacks, resident float64 }

func (d *daemon) footing() footing {
	d.t.Helper()
	heap := d.collected()
	now := d.scrape()
	return footing{heap, now.value("go_memstats_stack_inuse_bytes"), now.value("process_resident_memory_bytes")}
}

// siegeTime skips the test unless it is asked for: it takes its time, and says how
// much slower others are served, which only an idle machine can tell.
func siegeTime(t *testing.T) time.Duration {
	t.Helper()
	if os.Getenv(soakTime) == "" {
		t.Skip("set " + soakTime + " to a duration such as 30s")
	}
	return soakFor(t, 0)
}

func startSiege(t *testing.T, lasting time.Duration, listener string) *siege {
	t.Helper()
	d := startPolicy(t, policyOf(anyPort+", "+listener), "TROUPE_LOG=info,proxy_server::proxy_handler=warn")
	s := &siege{daemon: d, echo: newEcho(t), lasting: lasting}
	s.serve(time.Second) // all that is made once is there now
	s.calm, s.before = s.serve(lasting/4), d.footing()
	return s
}

// serve makes sessions one after the other for a while, and returns the 99th
// percentile of what one takes.
func (s *siege) serve(lasting time.Duration) time.Duration {
	s.t.Helper()
	var took []time.Duration
	for began := time.Now(); time.Since(began) < lasting; {
		one := time.Now()
		c, _ := connect(s.t, s.socks(), s.echo.address)
		for range 10 {
			exchange(s.t, c, "echo", []byte("RCPT TO:<a@b.example>\r\n"), []byte("RCPT TO:<a@b.example>\r\n"))
		}
		took = append(took, time.Since(one))
		must(s.t, c.(*net.TCPConn).SetLinger(0)) // or the ports run out
		must(s.t, c.Close())
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// besiege opens the clients that are in the way, and has each say something.
func (s *siege) besiege(said ...[]byte) []net.Conn {
	s.t.Helper()
	all := make([]net.Conn, besiegers)
	for i := range all {
		c, err := net.Dial("tcp", s.socks())
		must(s.t, err)
		s.t.Cleanup(func() { _ = c.Close() })
		all[i] = c
		for n, b := range said {
			if n > 0 {
				_, err := io.ReadFull(c, make([]byte, 2)) // the method
				must(s.t, err)
			}
			_, err := c.Write(b)
			must(s.t, err)
		}
	}
	s.awaitFigure(besiegers, "proxy_active_connections", "listener", s.socks())
	return all
}

// report compares the daemon under siege with what it was.
func (s *siege) report(under time.Duration) {
	s.t.Helper()
	now := s.footing()
	each := func(a, b float64) float64 { return (b - a) / besiegers }
	heap, stacks := each(s.before.heap, now.heap), each(s.before.stacks, now.stacks)
	s.t.Logf("%d clients in the way: %.0f bytes of heap and %.0f of stacks each, %.0f resident; p99 of others' sessions %v, was %v: %.2f times",
		besiegers, heap, stacks, each(s.before.resident, now.resident), under, s.calm, float64(under)/float64(s.calm))
	if heap+stacks > mostPerBesieger {
		s.t.Errorf("%.0f bytes for each; want at most %d", heap+stacks, mostPerBesieger)
	}
}

// TestBlackHoles: thousands of clients want to go where nobody answers. Each is told
// so in time, and the others are served.
func TestBlackHoles(t *testing.T) {
	lasting := siegeTime(t)
	s := startSiege(t, lasting, fmt.Sprintf("timeout = '1h', connect_timeout = '%v'", lasting))
	hole := newBlackHole(t)
	began := time.Now()
	clients := s.besiege([]byte{5, 1, 0}, append([]byte{5, 1, 0}, wireAddress(hole)...))
	if took := time.Since(began); took > s.lasting/2 {
		t.Fatalf("it took %v to besiege the daemon; ask for more than %v", took, s.lasting)
	}
	s.report(s.serve(s.lasting / 4))
	told := make([]error, len(clients))
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() { told[i] = wantTTLExpired(c) })
	}
	all.Wait()
	for _, err := range told {
		if err != nil {
			t.Fatalf("a client in the way: %v", err)
		}
	}
	s.awaitFigure(besiegers, "proxy_dials_total", "listener", s.socks(), "result", "timeout")
	s.awaitFigure(0, "proxy_active_connections", "listener", s.socks())
}

// wantTTLExpired reads the answer to the CONNECT of a client.
func wantTTLExpired(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return err
	}
	b := make([]byte, 10)
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if b[1] != 6 {
		return fmt.Errorf("answered % x; want 06", b)
	}
	return wantEnd(c)
}

// newBlackHole is an address that answers no attempt to connect: the queue of its
// socket is full.
func newBlackHole(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	raw, err := l.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 1) }))
	must(t, err)
	for range 64 {
		c, err := net.DialTimeout("tcp", l.Addr().String(), 250*time.Millisecond)
		if err != nil {
			return l.Addr().(*net.TCPAddr).AddrPort()
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the queue does not fill")
	return netip.AddrPort{}
}

// TestSlowLoris: thousands of clients begin a greeting that they never end, a byte at
// a time. Others are served as before, and at the deadline of the greeting, which
// bytes do not move, each of them is cut.
func TestSlowLoris(t *testing.T) {
	lasting := siegeTime(t)
	timeout := lasting*5/4 + 20*time.Second
	s := startSiege(t, lasting, fmt.Sprintf("timeout = '%v'", timeout))
	// No greeting is whole before the deadline.
	c := startCrowd(t, "loris", s.socks(), besiegers, max(5*time.Second, timeout/(lorisMethods-10)))
	var there, cut int
	c.hear(&there, 2*patience)
	s.awaitFigure(besiegers, "proxy_active_connections", "listener", s.socks())
	under := s.serve(s.lasting)
	s.awaitFigure(besiegers, "proxy_active_connections", "listener", s.socks())
	s.report(under)
	c.hear(&cut, lasting/2+2*patience)
	if there != besiegers || cut != besiegers {
		t.Errorf("%d came and %d were cut; want %d", there, cut, besiegers)
	}
	s.awaitFigure(besiegers, "proxy_session_failures_total", "listener", s.socks(), "reason", "handshake_timeout", "fault", "client")
	s.awaitFigure(0, "proxy_active_connections", "listener", s.socks())
}
