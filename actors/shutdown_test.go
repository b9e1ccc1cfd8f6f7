package actors

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// wantCuts compares the cuts that there were.
func (tr *tree) wantCuts(want map[string]float64) {
	tr.t.Helper()
	for labels, n := range gather(tr.t, tr.reg)["proxy_sessions_cut_total"] {
		if n != want[labels] {
			tr.t.Errorf("%v sessions were cut by %s; want %v", n, labels, want[labels])
		}
	}
}

// answering is an upstream that takes one client and says what the test wants.
type answering struct {
	net.Listener
	addr netip.AddrPort
}

func startAnswering(t *testing.T) *answering {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return &answering{l, netip.MustParseAddrPort(l.Addr().String())}
}

// take is the next client of it.
func (a *answering) take(t *testing.T) net.Conn {
	t.Helper()
	c, err := a.Accept()
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// pace is told how far a shutdown has come.
type pace struct {
	mu  sync.Mutex
	all []Leaving
}

func (p *pace) tell(l Leaving) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, l)
}

func (p *pace) has(client, upstream int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.all)
	return n > 0 && p.all[n-1].WaitingForClient == client && p.all[n-1].WaitingForUpstream == upstream
}

// notQuiet is longer than any test.
const notQuiet = time.Hour

// A client that waits for the answer to its mail gets it; those who have nothing to
// do, and those who never said anything, are ended meanwhile.
func TestShutdownLetsTheUpstreamAnswer(t *testing.T) {
	tr := startTree(t)
	echo, slow := startUpstream(t), startAnswering(t)
	idle, silent := tr.mustOpen(echo.addr), tr.mustDial()
	must(t, idle.echo("NOOP\r\n"))
	waits := tr.mustOpen(slow.addr)
	must(t, waits.say([]byte(".\r\n")...))
	upstream := slow.take(t)
	eventually(t, "the sessions", func() bool { return gather(t, tr.reg).sum("proxy_active_connections") == 3 })

	var p pace
	tr.sys.shutDown(time.Hour, tempo{quiet: time.Millisecond}, p.tell)
	must(t, idle.ended())
	must(t, silent.ended())
	eventually(t, "one to be left", func() bool { return p.has(0, 1) })
	if c, err := dial(t.Context(), tr.proxy); err == nil {
		c.Close()
		t.Error("clients are still taken")
	}
	_, err := upstream.Write([]byte("250\r\n"))
	must(t, err)
	if b, err := waits.hear(5); err != nil || string(b) != "250\r\n" {
		t.Errorf("got %q, %v; want the answer", b, err)
	}
	must(t, waits.ended()) // now it waits for its client
	await(t, "the tree to stop", tr.sys.Stopped())
	tr.wantCuts(map[string]float64{"client,shutdown_idle": 3})
	tr.wantFailed(ReasonShutdown, 3)
}

// A session that had been quiet was ended as one that waits for its upstream, if its
// client spoke between the two looks at it: that was the end of a mail, whose client
// had to send it again.
func TestShutdownLooksAgain(t *testing.T) {
	tr := startTree(t)
	slow := startAnswering(t)
	c := tr.mustOpen(slow.addr)
	upstream := slow.take(t)
	_, err := upstream.Write([]byte("354\r\n"))
	must(t, err)
	_, err = c.hear(5)
	must(t, err)
	eventually(t, "the session to wait for its client", func() bool { return !tr.only().WaitsForUpstream })
	spoken := false
	cut := tr.sys.cut(causeQuiet, func(s *connection) bool {
		quiet := s.isQuiet(time.Now(), 0)
		if !spoken {
			spoken = true
			must(t, c.say([]byte(".\r\n")...))
			eventually(t, "the session to wait for its upstream", func() bool { return tr.only().WaitsForUpstream })
		}
		return quiet
	})
	if cut != (Cut{}) {
		t.Errorf("got %+v; want no session cut", cut)
	}
	_, err = upstream.Write([]byte("250\r\n"))
	must(t, err)
	if b, err := c.hear(5); err != nil || string(b) != "250\r\n" {
		t.Errorf("got %q, %v; want the answer", b, err)
	}
	must(t, upstream.Close())
	must(t, c.ended())
}

// What is left at the limit is cut, and it is known how much of that may be a mail.
func TestShutdownHasALimit(t *testing.T) {
	tr := startTree(t)
	echo, silent := startUpstream(t), startSilent(t)
	busy, waits := tr.mustOpen(echo.addr), tr.mustOpen(silent)
	must(t, busy.echo("NOOP\r\n"))
	must(t, waits.say([]byte(".\r\n")...))
	tr.sys.shutDown(50*time.Millisecond, tempo{quiet: notQuiet}, func(Leaving) {})
	await(t, "the tree to stop", tr.sys.Stopped())
	must(t, busy.ended())
	must(t, waits.ended())
	tr.wantCuts(map[string]float64{"client,shutdown_limit": 1, "upstream,shutdown_limit": 1})
}

// A client that had come before goes on with its handshake, is connected and served.
func TestShutdownServesWhoHasCome(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustDial()
	must(t, c.greet())
	var p pace
	tr.sys.shutDown(time.Hour, tempo{quiet: notQuiet}, p.tell)
	eventually(t, "the client to be waited for", func() bool { return p.has(1, 0) })
	code, err := c.ask(request(1, echo.addr))
	if err != nil || code != 0 {
		t.Fatalf("CONNECT: got %d, %v; want 0", code, err)
	}
	must(t, c.echo("EHLO\r\n"))
	must(t, c.finish())
	await(t, "the tree to stop", tr.sys.Stopped())
	tr.wantCuts(nil)
	if got := gather(t, tr.reg).sum("proxy_connections_completed_total"); got != 1 {
		t.Errorf("%v sessions were completed; want 1", got)
	}
}

// Without a session there is nothing to wait for, and without a limit nothing is
// waited for.
func TestShutdownAtOnce(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		tr := startTree(t)
		tr.sys.Shutdown(time.Hour, func(Leaving) {})
		await(t, "the tree to stop", tr.sys.Stopped())
	})
	t.Run("no limit", func(t *testing.T) {
		tr := startTree(t)
		c := tr.mustOpen(startUpstream(t).addr)
		tr.sys.Shutdown(0, nil)
		must(t, c.ended())
		await(t, "the tree to stop", tr.sys.Stopped())
		tr.wantCuts(map[string]float64{"upstream,shutdown": 1})
	})
	t.Run("Stop meanwhile", func(t *testing.T) {
		tr := startTree(t)
		c := tr.mustOpen(startSilent(t))
		var p pace
		tr.sys.Shutdown(time.Hour, p.tell)
		eventually(t, "the drain", func() bool { return p.has(0, 1) })
		tr.sys.Stop()
		must(t, c.ended())
		await(t, "the tree to stop", tr.sys.Stopped())
	})
}

// What has begun to end takes no clients again, neither by request nor by a policy.
func TestShutdownIsNotUndone(t *testing.T) {
	tr, _ := withPolicy(t, ``, policy.Options{})
	waits := tr.mustOpen(startSilent(t))
	var p pace
	tr.sys.Shutdown(time.Hour, p.tell)
	eventually(t, "the drain", func() bool { return p.has(0, 1) })
	if _, err := tr.sys.Undrain(t.Context(), "", "the test"); !errors.Is(err, ErrStopping) {
		t.Errorf("undrain: got %v; want %v", err, ErrStopping)
	}
	more := &policy.Policy{Listeners: []policy.Listener{anyListener()}}
	if _, err := tr.sys.Reload(t.Context(), more); !errors.Is(err, ErrStopping) {
		t.Errorf("reload: got %v; want %v", err, ErrStopping)
	}
	must(t, waits.SetLinger(0)) // a reset: the upstream would never answer an end of stream
	must(t, waits.Close())
	await(t, "the tree to stop", tr.sys.Stopped())
}

// Whom an operator ends, and whom the end of an operator's drain, is counted apart.
func TestCutsByRequest(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	a, b := tr.mustOpen(echo.addr), tr.mustOpen(startSilent(t))
	must(t, a.echo("NOOP\r\n"))
	for s := range tr.sys.Sessions() {
		if !s.WaitsForUpstream {
			tr.sys.EndSessions([]uint64{s.ID}, "the test")
		}
	}
	must(t, a.ended())
	tr.wantFailed(ReasonEndedByAdmin, 1)
	_, err := tr.sys.Drain(t.Context(), "", time.Millisecond, "the test")
	must(t, err)
	must(t, b.ended())
	tr.wantFailed(ReasonShutdown, 1)
	tr.wantCuts(map[string]float64{"client,admin": 1, "upstream,drain_limit": 1})
}
