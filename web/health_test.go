package web

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestLive(t *testing.T) {
	c := newConfig()
	for _, peer := range []string{trustedPeer, untrustedPeer} {
		if got := ask(Handler(c), "GET", "/livez", peer); got.status != 200 || got.body != "alive" {
			t.Errorf("without loops: got %d %q; want 200", got.status, got.body)
		}
		c.Alive = func(context.Context) error { return nil }
		if got := ask(Handler(c), "GET", "/livez", peer); got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("alive: got %d, Cache-Control %q; want 200, no-store", got.status, got.header.Get("Cache-Control"))
		}
		c.Alive = func(context.Context) error { return errors.New("loop 1 does not move") }
		if got := ask(Handler(c), "GET", "/livez", peer); got.status != 503 || got.body != "not alive: loop 1 does not move" {
			t.Errorf("a loop hangs: got %d %q; want 503 and why", got.status, got.body)
		}
		c = newConfig()
	}
	// What is wrong with a listener, no restart mends.
	c.Status = func() Status { return Status{[]ListenerStatus{{Listener: "a"}}} }
	c.Draining = func() bool { return true }
	if got := ask(Handler(c), "GET", "/livez", untrustedPeer); got.status != 200 {
		t.Errorf("with a listener down, draining: got %d; want 200", got.status)
	}
}

// A loop that never moves is said to hang, and nobody waits for it for ever.
func TestLiveIsImpatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConfig()
		c.Alive = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		if got := ask(Handler(c), "GET", "/livez", untrustedPeer); got.status != 503 {
			t.Errorf("got %d; want 503", got.status)
		}
	})
}

func TestReady(t *testing.T) {
	const a, b = "127.0.0.1:1080", "[::1]:1080"
	up, down := ListenerStatus{Listener: a, Accepting: true}, ListenerStatus{Listener: b, Failure: "in use"}
	for _, tt := range []struct {
		name, query string
		listeners   []ListenerStatus
		draining    bool
		status      int
		body        string // what it begins with
	}{
		{"all accept", "", []ListenerStatus{up}, false, 200, "ready"},
		{"none to accept", "", nil, false, 200, "ready"},
		{"one does not", "", []ListenerStatus{up, down}, false, 503, "not ready: not accepting"},
		{"the one asked for does", "?listener=127.0.0.1:1080", []ListenerStatus{up, down}, false, 200, "ready"},
		{"the one asked for does not", "?listener=%5B::1%5D:1080", []ListenerStatus{up, down}, false, 503, "not ready: not accepting"},
		{"the one asked for is drained", "?listener=%5B::1%5D:1080", []ListenerStatus{up, {Listener: b, Drained: true}}, false, 503, "not ready: drained"},
		{"no such", "?listener=127.0.0.1:1081", []ListenerStatus{up}, false, 503, "not ready: there is no such listener"},
		{"draining", "", []ListenerStatus{up}, true, 503, "not ready: draining"},
		{"draining, one that accepts", "?listener=127.0.0.1:1080", []ListenerStatus{up}, true, 503, "not ready: draining"},
		{"asked for twice", "?listener=a&listener=b", []ListenerStatus{up}, false, 400, "Error: listener: expected once, got it 2 times"},
		{"a broken query", "?listener=%zz", []ListenerStatus{up}, false, 400, "Error: reading the query"},
		{"any other parameter", "?x=1;", []ListenerStatus{up}, false, 400, "Error: reading the query"},
		{"any other parameter", "?x=1", []ListenerStatus{up}, false, 200, "ready"},
	} {
		c := newConfig()
		c.Status = func() Status { return Status{tt.listeners} }
		c.Draining = func() bool { return tt.draining }
		for _, peer := range []string{trustedPeer, untrustedPeer} {
			got := ask(Handler(c), "GET", "/readyz"+tt.query, peer)
			if got.status != tt.status || !strings.HasPrefix(got.body, tt.body) {
				t.Errorf("%s: got %d %q; want %d %q", tt.name, got.status, got.body, tt.status, tt.body)
			}
			if strings.Contains(got.body, "in use") && peer == untrustedPeer {
				t.Errorf("%s: got %q; want no details for anybody", tt.name, got.body)
			}
		}
	}
}
