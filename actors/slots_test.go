package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// With every slot taken, a client waits in the queue: it is connected, but
// nobody answers it until a session ends.
func TestClientsWaitForASlot(t *testing.T) {
	tr := startTree(t, func(s *setup) { s.slots = 2 })
	echo := startUpstream(t)
	first, second := tr.mustOpen(echo.addr), tr.mustOpen(echo.addr)
	third := tr.mustDial()
	greeted := make(chan error, 1)
	go func() { greeted <- third.greet() }()
	for range 100 {
		must(t, second.echo("still served\r\n"))
	}
	select {
	case err := <-greeted:
		t.Fatalf("a third client was answered (%v); want it to wait", err)
	default:
	}
	if got := gather(t, tr.reg).sum("proxy_connections_accepted_total"); got != 2 {
		t.Errorf("%v clients accepted; want 2", got)
	}
	must(t, first.finish())
	must(t, await(t, "the third client to be answered", greeted))
	must(t, second.echo("still served\r\n"))
}

// One slot serves any number of sessions, however each ends.
func TestEverySessionGivesItsSlotBack(t *testing.T) {
	tr := startTree(t, func(s *setup) { s.slots = 1 })
	echo := startUpstream(t)
	for range 3 {
		for _, s := range scenarios(echo, closedPort(t)) {
			c := tr.mustDial()
			if err := s.run(c); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			_ = c.Close()
		}
		c := tr.mustOpen(echo.addr)
		tr.sys.actors.Root.Send(tr.connectionOf(c), &boom{})
		must(t, c.ended())
	}
	must(t, tr.mustOpen(echo.addr).finish())
	tr.stop()
	eventually(t, "the slot to be back", func() bool { return len(tr.slots.free) == 0 })
}

// With every slot taken for long, clients waited in silence and the status said
// that all was well.
func TestNoSlotForLong(t *testing.T) {
	tr := startTree(t, func(s *setup) { s.slots = 1 })
	echo := startUpstream(t)
	first := tr.mustOpen(echo.addr)
	second := tr.mustDial()
	must(t, second.ended()) // closed, once it has waited
	if s := tr.status(); s.Accepting || s.Failure != errNoSlot.Error() {
		t.Errorf("status is %+v; want not accepting, for want of a slot", s)
	}
	g := gather(t, tr.reg)
	if got := g.sum("proxy_connections_failed_total"); got != 1 {
		t.Errorf("%v sessions failed; want the one that was closed", got)
	}
	must(t, first.echo("untouched\r\n"))
	must(t, first.finish())
	eventually(t, "a client to be served again", func() bool {
		c, err := dial(t.Context(), tr.proxy)
		return err == nil && c.open(echo.addr) == nil && c.finish() == nil
	})
	if s := tr.status(); !s.Accepting {
		t.Errorf("status is %+v; want accepting", s)
	}
}

func TestSlotsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := newSlots(1), context.Background()
		must(t, s.enter(ctx))
		begin := time.Now()
		must(t, s.enter(ctx))
		if waited := time.Since(begin); waited != slotPatience || !s.claim() || s.claim() {
			t.Errorf("let one in to be closed after %v; want one after %v", waited, slotPatience)
		}
		// The next ones have waited as long in the queue.
		must(t, s.enter(ctx))
		if waited := time.Since(begin); waited != slotPatience {
			t.Errorf("the next one after %v; want no more waiting", waited)
		}
		s.unused()
		s.leave()
		must(t, s.enter(ctx))
		if s.claim() {
			t.Error("a slot was free; want a client that is served")
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.enter(gone); err == nil {
			t.Error("entered without a slot and without waiting")
		}
	})
}
