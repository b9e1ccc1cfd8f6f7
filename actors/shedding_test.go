package actors

import (
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// shedTree is a tree of which a listener allows that idle sessions are ended, and
// one session that waits for its upstream.
func shedTree(t *testing.T, after time.Duration, slots int, m *anyMemory) (tr *tree, waits *client) {
	t.Helper()
	tr = startTree(t, withLimits(policy.Limits{ShedIdle: after}), func(s *setup) { s.memory, s.slots = m, slots })
	waits = tr.mustOpen(startSilent(t))
	must(t, waits.say([]byte(".\r\n")...))
	eventually(t, "it to wait for the upstream", func() bool {
		for s := range tr.sys.Sessions() {
			return s.WaitsForUpstream && s.Received > 0
		}
		return false
	})
	return tr, waits
}

// wantStill is for the session that waits for its upstream: it is there to the end.
func wantStill(t *testing.T, tr *tree, waits *client) {
	t.Helper()
	still := false
	for s := range tr.sys.Sessions() {
		still = still || s.WaitsForUpstream
	}
	if !still {
		t.Error("the session that waits for its upstream was ended")
	}
	must(t, waits.Close())
}

// TestIdleSessionsAreShed: for want of memory, those that wait for their client, a
// few at a time, and no other.
func TestIdleSessionsAreShed(t *testing.T) {
	m := &anyMemory{limit: 1000}
	tr, waits := shedTree(t, time.Millisecond, 4096, m)
	u := startUpstream(t)
	const idle = fewestForMemory + 2
	for range idle {
		must(t, tr.mustOpen(u.addr).echo("NOOP\r\n"))
	}
	m.hold(990, 0)
	cut := func() float64 { return gather(t, tr.reg)["proxy_sessions_cut_total"]["client,overload"] }
	eventually(t, "the first to be ended", func() bool { return cut() > 0 })
	eventually(t, "all idle ones to be ended", func() bool { return cut() == idle })
	tr.wantFailed(ReasonNoResources, idle)
	if m.renewals() < 2 {
		t.Errorf("memory was judged anew %d times; want that between two rounds", m.renewals())
	}
	tr.wantCuts(map[string]float64{"client,overload": idle})
	m.hold(0, 0)
	eventually(t, "clients to be served", func() bool { return tr.status().Accepting })
	wantStill(t, tr, waits)
}

// TestIdleSessionsMakeRoom: where all slots are taken, whoever is idle makes room
// for who comes.
func TestIdleSessionsMakeRoom(t *testing.T) {
	tr, waits := shedTree(t, time.Millisecond, 2, &anyMemory{})
	u := startUpstream(t)
	idle := tr.mustOpen(u.addr)
	must(t, idle.echo("NOOP\r\n"))
	next := tr.mustOpen(u.addr)
	must(t, idle.ended())
	tr.wantCuts(map[string]float64{"client,overload": 1})
	must(t, next.finish())
	wantStill(t, tr, waits)
}

// TestNoSessionIsShedUnasked: without shed_idle nobody is ended, nor who has not
// been idle for long enough.
func TestNoSessionIsShedUnasked(t *testing.T) {
	for _, after := range []time.Duration{0, time.Hour} {
		m := &anyMemory{limit: 1000}
		tr, waits := shedTree(t, after, 4096, m)
		inside := tr.mustOpen(startUpstream(t).addr)
		must(t, inside.echo("NOOP\r\n"))
		m.hold(990, 0)
		eventually(t, "memory to be judged twice", func() bool { return m.renewals() > 1 })
		must(t, inside.echo("NOOP\r\n"))
		tr.wantCuts(nil)
		must(t, inside.finish())
		wantStill(t, tr, waits)
	}
}
