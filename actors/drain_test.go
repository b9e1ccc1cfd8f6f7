package actors

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// A drained listener refuses clients and keeps its sessions; undone, it takes
// clients again.
func TestDrain(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("hello"))
	for round := range 2 {
		d, err := tr.sys.Drain(t.Context(), tr.proxy.String(), 0, "the test")
		must(t, err)
		if !slices.Equal(d.Listeners, []string{tr.proxy.String()}) || d.WaitingForClient != 1 || d.WaitingForUpstream != 0 {
			t.Errorf("got %+v; want the one listener and its session", d)
		}
		tr.wantRefused()
		if s := tr.status(); s.Accepting || !s.Drained || s.Failure != "drained by request of the test" {
			t.Errorf("got the status %+v; want it drained", s)
		}
		tr.wantFigures(0, 1)
		if round == 1 { // said again, it is no other
			_, err := tr.sys.Drain(t.Context(), "", time.Hour, "the test")
			must(t, err)
			_, err = tr.sys.Restart(t.Context(), "supervisor/"+tr.listenerName()+"/acceptor", "the test")
			if !errors.Is(err, ErrActorEnded) {
				t.Errorf("restarting its acceptor: got %v; want ErrActorEnded", err)
			}
		}
		must(t, c.echo("still here"))
		_, err = tr.sys.Undrain(t.Context(), "", "the test")
		must(t, err)
		if s := tr.status(); s.Drained {
			t.Errorf("got the status %+v; want it drained no more", s)
		}
		tr.wantFigures(1, 0)
		must(t, tr.mustOpen(echo.addr).finish())
		eventually(t, "the session to have ended", func() bool { return len(slices.Collect(tr.sys.Sessions())) == 1 })
	}
	for _, f := range []func() (Drained, error){
		func() (Drained, error) { return tr.sys.Drain(t.Context(), "192.0.2.1:1", 0, "the test") },
		func() (Drained, error) { return tr.sys.Undrain(t.Context(), "192.0.2.1:1", "the test") },
	} {
		if _, err := f(); !errors.Is(err, ErrUnknownListener) {
			t.Errorf("a listener that is not there: got %v; want ErrUnknownListener", err)
		}
	}
}

// wantFigures waits for what the metrics say of the only listener.
func (tr *tree) wantFigures(up, drained float64) {
	tr.t.Helper()
	eventually(tr.t, fmt.Sprintf("up %v, drained %v", up, drained), func() bool {
		f := gather(tr.t, tr.reg)
		return f.sum("proxy_listener_up") == up && f.sum("proxy_listener_drained") == drained
	})
}

// At the limit the sessions are ended, unless the drain was undone.
func TestDrainLimit(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("hello"))
	_, err := tr.sys.Drain(t.Context(), "", time.Hour, "the test")
	must(t, err)
	_, err = tr.sys.Drain(t.Context(), "", time.Millisecond, "the test")
	must(t, err)
	must(t, c.ended())
	tr.wantFailed(ReasonShutdown, 1)
}

// An address that somebody else has taken meanwhile is got back once it is free.
func TestUndrainOfATakenAddress(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	_, err := tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	taken, err := net.Listen("tcp", tr.proxy.String())
	must(t, err)
	if _, err := tr.sys.Undrain(t.Context(), "", "the test"); err == nil || !strings.Contains(err.Error(), "address") {
		t.Errorf("got %v; want that the address is in use", err)
	}
	tr.wantFigures(0, 0) // it is meant to accept, and does not
	must(t, taken.Close())
	eventually(t, "the listener to accept", func() bool { return tr.status().Accepting })
	must(t, tr.mustOpen(echo.addr).finish())
}

// A reload leaves a drained listener drained, with its new terms for later, or
// removes it; and the tree stops though one is drained.
func TestReloadWhileDrained(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	c := tr.mustOpen(echo.addr)
	_, err := tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	l := anyListener()
	l.Listen, l.RequireAuth, l.UseSplice = tr.proxy.String(), true, true
	_, err = tr.reload(l)
	must(t, err)
	tr.wantRefused()
	_, err = tr.sys.Undrain(t.Context(), "", "the test")
	must(t, err)
	if err := tr.mustDial().greet(); err == nil {
		t.Error("a client was let in that does not authenticate; want the new terms")
	}
	must(t, c.echo("still here"))
	_, err = tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	other := anyListener()
	_, err = tr.reload(other)
	must(t, err)
	must(t, c.echo("and after the removal"))
	must(t, c.finish())
	eventually(t, "the removed listener to be gone", func() bool {
		_, err := tr.sys.Tree(TreeQuery{Path: "supervisor/" + tr.listenerName()})
		return errors.Is(err, ErrActorEnded)
	})
	_, err = tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	tr.stop()
	if _, err := tr.sys.Drain(t.Context(), "", 0, "the test"); !errors.Is(err, ErrStopping) {
		t.Errorf("after the end: got %v; want ErrStopping", err)
	}
}

// A panic of a drained listener does not open it again.
func TestDrainOutlivesAPanic(t *testing.T) {
	tr := startTree(t)
	tr.setTap(panicsOnce(func(k Kind, m any) bool { _, ok := m.(*halt); return ok && k == KindListener }))
	_, err := tr.sys.Drain(t.Context(), "", 0, "the test")
	must(t, err)
	tr.wantRefused()
	tr.send(tr.listenerName(), &boom{})
	eventually(t, "the panic to be known", func() bool { return tr.look(TreeQuery{Path: "supervisor/" + tr.listenerName()}).Restarts == 2 })
	tr.wantRefused()
	_, err = tr.sys.Undrain(t.Context(), "", "the test")
	must(t, err)
	must(t, tr.mustDial().greet())
}

// wantRefused: nobody is let in.
func (tr *tree) wantRefused() {
	tr.t.Helper()
	if c, err := dial(tr.t.Context(), tr.proxy); err == nil {
		_ = c.Close()
		tr.t.Error("a client got a connection; want it refused")
	}
}
