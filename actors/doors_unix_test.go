//go:build unix

package actors

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/inherit"
)

// managed is a listening socket that somebody has opened for this process, and keeps
// until the end of the test.
type managed struct {
	file    *os.File
	address netip.AddrPort
}

func manage(t *testing.T) *managed {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return &managed{file, netip.MustParseAddrPort(l.Addr().String())}
}

// serve starts a tree that was given the socket.
func (k *managed) serve(t *testing.T, change ...func(*setup)) *tree {
	t.Helper()
	fd, err := syscall.Dup(int(k.file.Fd()))
	must(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	return startTree(t, append(change, func(s *setup) {
		s.inherited = inherit.New([]inherit.Socket{{FD: fd, Address: k.address, Lasting: true}})
		s.listeners[0].Listen = k.address.String()
	})...)
}

const (
	doorsOpen, doorsClosed = "clients are taken until", "no more clients are taken"
	doorsAgain             = "clients are taken again"
)

// leaving is a tree on a kept socket that is about to end, with a session from before.
type leaving struct {
	*tree
	log      *journal
	before   *client
	upstream *answering
	answer   net.Conn // of the upstream to before
}

func startLeaving(t *testing.T, k *managed, limit, doors time.Duration) *leaving {
	t.Helper()
	l := &leaving{log: &journal{}, upstream: startAnswering(t)}
	l.tree = k.serve(t, func(s *setup) {
		s.log = l.log.logger()
		s.listeners = append(s.listeners, anyListener())
	})
	l.before, l.answer = l.waiting()
	l.sys.shutDown(limit, tempo{quiet: notQuiet, doors: doors}, func(Leaving) {})
	eventually(t, "the doors to be open", func() bool { return l.log.has(doorsOpen) })
	return l
}

// wantOwnRefused: the socket that nobody else keeps is closed.
func (l *leaving) wantOwnRefused() {
	l.t.Helper()
	l.metrics.Ledger.each(func(a *account) {
		if a.listener == l.proxy.String() {
			return
		}
		eventually(l.t, "the other socket to be closed", func() bool {
			c, err := net.Dial("tcp", a.listener)
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		})
	})
}

// waiting is a session that waits for its upstream.
func (l *leaving) waiting() (*client, net.Conn) {
	l.t.Helper()
	c := l.mustOpen(l.upstream.addr)
	must(l.t, c.say([]byte(".\r\n")...))
	return c, l.upstream.take(l.t)
}

// finish answers a session that waits, which then ends.
func (l *leaving) finish(c *client, upstream net.Conn) {
	l.t.Helper()
	_, err := upstream.Write([]byte("250\r\n"))
	must(l.t, err)
	if b, err := c.hear(5); err != nil || string(b) != "250\r\n" {
		l.t.Errorf("got %q, %v; want the answer", b, err)
	}
	must(l.t, upstream.Close())
	must(l.t, c.Close())
}

// Clients are taken on a socket that its opener keeps until the sessions from before
// have ended. Who comes after that waits in the queue and is served by the next process.
func TestShutdownTakesClientsOfKeptSockets(t *testing.T) {
	k, echo := manage(t), startUpstream(t)
	l := startLeaving(t, k, time.Hour, time.Minute)
	for range 3 {
		c := l.mustOpen(echo.addr)
		must(t, c.echo("EHLO\r\n"))
		must(t, c.finish())
	}
	l.wantOwnRefused()
	inside := l.mustOpen(echo.addr)
	must(t, inside.echo("EHLO\r\n"))
	l.finish(l.before, l.answer)
	eventually(t, "the doors to be closed", func() bool { return l.log.has(doorsClosed) })
	late := l.mustDial()
	must(t, late.say(5, 1, 0))
	must(t, inside.echo("MAIL\r\n"))
	must(t, inside.finish())
	await(t, "the tree to stop", l.sys.Stopped())
	l.wantCuts(nil)
	if got := gather(t, l.reg).sum("proxy_connections_accepted_total"); got != 5 {
		t.Errorf("%v clients were taken; want 5", got)
	}

	next := k.serve(t)
	if b, err := late.hear(2); err != nil || b[1] != 0 {
		t.Errorf("the client in the queue: got % x, %v; want the greeting's answer by the next process", b, err)
	}
	must(t, next.mustOpen(echo.addr).finish())
}

// Where those who came meanwhile take long themselves, others are taken again.
func TestShutdownOpensTheDoorsAgain(t *testing.T) {
	k, echo := manage(t), startUpstream(t)
	l := startLeaving(t, k, time.Hour, time.Millisecond)
	slow, upstream := l.waiting()
	l.finish(l.before, l.answer)
	eventually(t, "the doors to be closed", func() bool { return l.log.has(doorsClosed) })
	for range 2 {
		c := l.mustOpen(echo.addr)
		must(t, c.echo("EHLO\r\n"))
		must(t, c.finish())
	}
	if !l.log.has(doorsAgain) {
		t.Error("the log should say that clients are taken again")
	}
	l.finish(slow, upstream)
	await(t, "the tree to stop", l.sys.Stopped())
	l.wantCuts(nil)
}

// Shortly before the limit nobody is taken any more, whoever is there still.
func TestShutdownClosesTheDoorsInTime(t *testing.T) {
	k := manage(t)
	l := startLeaving(t, k, time.Hour, 2*time.Hour)
	eventually(t, "the doors to be closed", func() bool { return l.log.has(doorsClosed) })
	late := l.mustDial()
	must(t, late.say(5, 1, 0))
	l.finish(l.before, l.answer)
	await(t, "the tree to stop", l.sys.Stopped())
	if l.log.has(doorsAgain) {
		t.Error("clients were taken again")
	}
	k.serve(t)
	if b, err := late.hear(2); err != nil || b[1] != 0 {
		t.Errorf("the client in the queue: got % x, %v; want the greeting's answer by the next process", b, err)
	}
}

// What somebody has drained takes nobody.
func TestShutdownLeavesTheDrained(t *testing.T) {
	var log journal
	k := manage(t)
	tr := k.serve(t, func(s *setup) { s.log = log.logger() })
	waits := tr.mustOpen(startSilent(t))
	_, err := tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	var p pace
	tr.sys.shutDown(time.Hour, tempo{quiet: notQuiet, doors: time.Millisecond}, p.tell)
	eventually(t, "the drain", func() bool { return p.has(0, 1) })
	if log.has(doorsOpen) {
		t.Error("a listener that was drained takes clients")
	}
	must(t, waits.SetLinger(0)) // a reset: the upstream would never answer an end of stream
	must(t, waits.Close())
	await(t, "the tree to stop", tr.sys.Stopped())
	if log.has(doorsAgain) {
		t.Error("a listener that was drained took clients again")
	}
}

// Without a session there is nothing to wait for.
func TestShutdownOfKeptSocketsAtOnce(t *testing.T) {
	tr := manage(t).serve(t)
	tr.sys.Shutdown(time.Hour, func(Leaving) {})
	await(t, "the tree to stop", tr.sys.Stopped())
}
