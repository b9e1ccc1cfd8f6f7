package actors

import (
	"bytes"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// TestBandwidth: sessions of one user take as long for what they relay together as
// the policy says, and those of another user do not wait for them.
func TestBandwidth(t *testing.T) {
	const size, rate = 128 << 10, 1 << 20
	u := startUpstream(t)
	tr, _ := withPolicy(t, anyAuth, policy.Options{}, func(s *setup) {
		s.listeners[0].Bandwidth = policy.Bandwidth{PerSession: 8 * rate, PerUser: rate}
	})
	open := func(user string) *client {
		c := tr.loggedIn(user)
		if code, err := c.ask(request(1, u.addr)); err != nil || code != 0 {
			t.Fatalf("CONNECT answered %d, %v; want 0", code, err)
		}
		return c
	}
	began := time.Now()
	text := string(bytes.Repeat([]byte("x"), size))
	done := make(chan error, 2)
	var all []*client
	for range 2 {
		c := open("alice")
		all = append(all, c)
		go func() { done <- c.echo(text) }()
	}
	other := open("bob")
	must(t, other.echo("not held up"))
	for range 2 {
		must(t, await(t, "the echo", done))
	}
	if took, least := time.Since(began), time.Second*size/rate; took < least {
		t.Errorf("twice %d bytes at %d a second took %v; want at least %v", size, rate, took, least)
	}
	if n := tr.metrics.Ledger.accounts[0].occupied.paces.sharing(); n != 2 {
		t.Errorf("%d users share a pace; want 2", n)
	}
	for _, c := range append(all, other) {
		must(t, c.finish())
	}
	tr.wantVacant()
	if n := tr.metrics.Ledger.accounts[0].occupied.paces.sharing(); n != 0 {
		t.Errorf("%d users share a pace with no session open; want 0", n)
	}
}
