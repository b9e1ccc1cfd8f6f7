package main

import "testing"

// keptStates is how many Lua states may be left when nobody lives by any policy but
// the first, by whom sessions are, and the newest.
const keptStates = 4

// TestReloadSoak: through fifty reloads, every other one of a broken policy, no
// session is lost, nobody is refused, and nothing piles up, the Lua states of former
// policies least of all.
func TestReloadSoak(t *testing.T) {
	t.Parallel()
	sessions := 1000
	if testing.Short() || raceEnabled {
		sessions = 300
	}
	const reloads = 50
	policyOf := func(listeners ...string) string {
		return policyOf(listeners...) + "kumo.on('proxy_server_auth_rfc1929', function() return true end)\n"
	}
	e, echo := startEdited(t, policyOf(anyPort)), newEcho(t)
	held := holdSessions(t, e.socks(), echo, sessions)
	e.reload(policyOf(anyPort), "unchanged") // all that is made once is there now
	before := e.collected()
	stream := startStream(t, e.socks())
	other := freeAddress(t)
	for n := range reloads / 2 {
		switch n % 3 {
		case 0:
			e.reload(policyOf(anyPort, "listen = '"+other+"'"), "ok")
		case 1:
			e.reload(policyOf(anyPort+", timeout = '30s'"), "ok")
		case 2:
			e.reload(policyOf(anyPort), "ok")
		}
		if got := login(t, e.socks(), "somebody", "password"); got != loggedIn {
			t.Fatalf("after reload %d: got % x; want to be let in", n, got)
		}
		e.reload("nonsense", "failed")
	}
	e.reload(policyOf(anyPort), "ok")
	if served := stream.end(t); served < reloads {
		t.Errorf("%d clients connected meanwhile; want many", served)
	}
	await(t, "former policies to be closed", func() bool { return e.scrape().value("lua_count") <= keptStates })
	after := e.collected()
	held.end(t)
	if most := before + before/2 + 16<<20; after > most {
		t.Errorf("the heap grew from %.0f to %.0f bytes; want at most %.0f", before, after, most)
	}
	now := e.scrape()
	if n := now.value("go_goroutines"); n > 200 {
		t.Errorf("%v goroutines are left; want those of the newest policy alone", n)
	}
	e.endWell()
}
