package actors

import "testing"

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
