package actors

import (
	"net/netip"
	"os"
	"runtime"
	"testing"
)

// descriptors is how many files the process has open; -1 where that cannot be
// told.
func descriptors(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return -1
	}
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(fds)
}

// A tree that is stopped ends sessions in every phase: both peers see it, and
// nothing stays open.
func TestStopEndsEverything(t *testing.T) {
	names := newSlowNames()
	before := descriptors(t)
	tr := startTree(t, func(s *setup) {
		s.resolver = names
		s.listeners = append(s.listeners, anyListener())
		s.http = append(s.http, anyHTTP())
	})
	tr.mustScrape()
	echo := startUpstream(t)
	var clients []*client
	for _, said := range [][]byte{{}, {5}, greetNone, append(append([]byte(nil), greetNone...), requestName("slow.example", 25)...), {5, 1, 9}} {
		c := tr.mustDial()
		must(t, c.say(said...))
		clients = append(clients, c)
	}
	relaying := tr.mustOpen(echo.addr)
	clients = append(clients, relaying)
	await(t, "the lookup", names.asked)
	eventually(t, "the clients to be accepted", func() bool {
		return gather(t, tr.reg).sum("proxy_connections_accepted_total") == float64(len(clients))
	})

	tr.sys.Stop()
	for i, c := range clients {
		if err := c.ended(); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
		must(t, c.Close())
	}
	await(t, "the upstream to see the close", echo.ends)
	await(t, "the lookup to be cancelled", names.cancelled)
	await(t, "the tree to stop", tr.sys.Stopped())
	echo.stop()
	for _, addr := range []netip.AddrPort{tr.proxy, tr.web} {
		if c, err := dial(t.Context(), addr); err == nil {
			c.Close()
			t.Errorf("%v still takes clients", addr)
		}
	}
	f := gather(t, tr.reg)
	// The one that was being refused has its own reason.
	if got := f.failed(ReasonShutdown); got != float64(len(clients)-1) && got != float64(len(clients)) {
		t.Errorf("%v sessions ended by the shutdown; want %d", got, len(clients)-1)
	}
	tr.wantIdle()
	eventually(t, "every slot to be back", func() bool { return len(tr.slots.free) == 0 })
	eventually(t, "every descriptor to be closed", func() bool { return descriptors(t) <= before })
	for _, st := range tr.metrics.Ledger.Status() {
		if st.Accepting || st.Failure == "" {
			t.Errorf("status after the end %+v; want not accepting, and why", st)
		}
	}
}

// Stop may be called again, and by several at once.
func TestStopTwice(t *testing.T) {
	tr := startTree(t)
	for range 3 {
		tr.sys.Stop()
	}
	tr.stop()
}

// A connection that is stopped from outside closes both its sockets.
func TestStoppedConnectionClosesItsPeers(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c, other := tr.mustOpen(echo.addr), tr.mustOpen(echo.addr)
	tr.sys.actors.Root.Stop(tr.connectionOf(c))
	must(t, c.ended())
	await(t, "the upstream to see the close", echo.ends)
	tr.wantFailed(ReasonShutdown, 1)
	must(t, other.echo("alive\r\n"))
}

// A connection that is told to shut down ends for that reason.
func TestShutdownEndsASession(t *testing.T) {
	tr := startTree(t)
	c := tr.mustOpen(startUpstream(t).addr)
	tr.sys.actors.Root.Send(tr.connectionOf(c), &shutdown{})
	must(t, c.ended())
	tr.wantFailed(ReasonShutdown, 1)
}

// A listener that is stopped, though nobody wants the tree to stop, ends its
// sessions and is opened again at the same address.
func TestStoppedListenerIsOpenedAgain(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	tr.sys.actors.Root.Stop(tr.pid(tr.listenerName()))
	must(t, c.ended())
	await(t, "the upstream to see the close", echo.ends)
	eventually(t, "the address to be served again", func() bool {
		again, err := dial(t.Context(), tr.proxy)
		if err != nil {
			return false
		}
		defer again.Close()
		return again.open(echo.addr) == nil
	})
	if got := gather(t, tr.reg).failed(ReasonShutdown); got < 1 {
		t.Errorf("%v sessions booked as ended by a shutdown; want the one", got)
	}
}

// An acceptor that is stopped is replaced.
func TestStoppedAcceptorIsReplaced(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	for range 3 {
		tr.sys.actors.Root.Stop(tr.pid(tr.listenerName() + "/acceptor"))
		must(t, tr.mustOpen(echo.addr).echo("new\r\n"))
	}
	must(t, c.echo("alive\r\n"))
}
