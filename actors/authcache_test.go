package actors

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// cacheRig is a cache before a policy whose answer the test sets.
type cacheRig struct {
	t      *testing.T
	cache  *authCache
	policy *scripted
	err    error
	asked  int
	books  account
	log    journal
}

func newCacheRig(t *testing.T, ttl, stale time.Duration) *cacheRig {
	r := &cacheRig{t: t, cache: newAuthCache(policy.AuthCache{TTL: ttl, StaleIfError: stale})}
	r.policy = &scripted{auth: func() (policy.AuthInfo, error) {
		r.asked++
		if r.err != nil {
			return policy.AuthInfo{}, r.err
		}
		return alice, nil
	}}
	return r
}

func (r *cacheRig) login(user, password, peer string) error {
	r.t.Helper()
	who, err := r.cache.authenticate(r.t.Context(), r.policy, socks5.Credentials{User: user, Password: password},
		policy.ConnMeta{Peer: netip.MustParseAddrPort(peer), Local: ourSide},
		func(failure error) { r.books.staleLogin(r.log.logger(), failure) })
	if (err == nil) != (who.User() == "alice") {
		r.t.Errorf("got %+v with %v; want alice exactly without an error", who, err)
	}
	return err
}

const (
	here  = "192.0.2.1:1000"
	again = "192.0.2.1:2000"
	there = "192.0.2.2:1000"
)

func TestAuthCacheAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCacheRig(t, time.Minute, 0)
		steps := []struct {
			user, password, peer string
			wait                 time.Duration
			asked                int
		}{
			{"alice", "pw", here, 0, 1},
			{"alice", "pw", again, 0, 1},
			{"alice", "pw", there, 0, 2}, // a handler may judge by the address
			{"alice", "other", here, 0, 3},
			{"alicep", "w", here, 0, 4}, // the same letters
			{"alice", "pw", here, time.Minute, 5},
		}
		for i, s := range steps {
			<-time.After(s.wait)
			if err := r.login(s.user, s.password, s.peer); err != nil || r.asked != s.asked {
				t.Errorf("step %d: %v, asked %d times; want %d", i, err, r.asked, s.asked)
			}
		}
	})
}

func TestAuthCacheWhileTheBackendIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCacheRig(t, 0, time.Hour)
		must(t, r.login("alice", "pw", here))
		r.err = errBackend
		<-time.After(59 * time.Minute)
		if err := r.login("alice", "pw", here); err != nil || r.asked != 2 {
			t.Errorf("got %v, asked %d times; want the earlier yes to stand, and the policy asked each time", err, r.asked)
		}
		if err := r.login("bob", "pw", here); !errors.Is(err, errBackend) {
			t.Errorf("got %v; want nobody let in of whom nothing is known", err)
		}
		<-time.After(2 * time.Minute)
		if err := r.login("alice", "pw", here); !errors.Is(err, errBackend) {
			t.Errorf("got %v; want no yes to stand for more than an hour", err)
		}
	})
}

// stale_if_error used to count from the last success, so that with a ttl that is
// longer no earlier yes ever stood.
func TestAuthCacheCountsFromTheEndOfTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCacheRig(t, 3*time.Second, 2*time.Second)
		must(t, r.login("alice", "pw", here))
		r.err = errBackend
		<-time.After(4 * time.Second)
		if err := r.login("alice", "pw", here); err != nil || r.asked != 2 {
			t.Errorf("got %v, asked %d times; want the earlier yes to stand 1 s after the end of ttl", err, r.asked)
		}
		<-time.After(time.Second)
		if err := r.login("alice", "pw", here); !errors.Is(err, errBackend) {
			t.Errorf("got %v; want no yes to stand 2 s after the end of ttl", err)
		}
	})
}

// Nothing used to tell that clients are let in by answers of long ago.
func TestAuthCacheSaysThatThePolicyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCacheRig(t, 0, time.Hour)
		must(t, r.login("alice", "pw", here))
		r.err = errBackend
		for range 3 {
			must(t, r.login("alice", "pw", here))
		}
		<-time.After(time.Minute)
		must(t, r.login("alice", "pw", here))
		if got := r.books.stale.count.Load(); got != 4 {
			t.Errorf("counted %d; want 4", got)
		}
		said := strings.Split(strings.TrimSpace(r.log.buf.String()), "\n")
		if len(said) != 2 || !strings.Contains(said[0], "level=WARN") || !strings.Contains(said[0], errBackend.Error()) || !strings.Contains(said[1], "others=2") {
			t.Errorf("got %q; want a warning each minute that names the failure", said)
		}
	})
}

// A handler that returned nil, nothing or something of the wrong type used to have
// clients let in that it would not let in any more.
func TestAuthCacheForgetsWhoGetsNoAnswer(t *testing.T) {
	for _, answer := range []string{"", "return nil", "return 'yes'", "return { identities = { { identity = user, context = 'x' } } }"} {
		loaded, err := policy.LoadSource(t.Context(), "p.lua", fmt.Appendf(nil, `require('kumo').on('proxy_server_auth_rfc1929', function(user, password)
			if os.getenv('TROUPE_TEST') == 'good' then return true end
			if os.getenv('TROUPE_TEST') == 'down' then error('down') end
			%s
		end)`, answer), policy.Options{})
		must(t, err)
		c := newAuthCache(policy.AuthCache{StaleIfError: time.Hour})
		ask := func(how string) error {
			t.Setenv("TROUPE_TEST", how)
			_, err := c.authenticate(t.Context(), loaded.Hooks, socks5.Credentials{User: "alice", Password: "secret"},
				policy.ConnMeta{Peer: netip.MustParseAddrPort(here), Local: ourSide}, func(error) {})
			return err
		}
		must(t, ask("good"))
		must(t, ask("down"))
		if err := ask("none"); !errors.Is(err, policy.ErrAnswer) || !errors.Is(err, policy.ErrHook) {
			t.Errorf("%q: got %v; want ErrAnswer, as an error of the policy", answer, err)
		}
		if err := ask("down"); err == nil {
			t.Errorf("%q: an answer that is none did not end what was remembered", answer)
		}
		loaded.Close()
	}
}

// A refusal is the last word, whatever was said before.
func TestAuthCacheForgetsWhoIsRefused(t *testing.T) {
	r := newCacheRig(t, 0, time.Hour)
	must(t, r.login("alice", "pw", here))
	r.err = policy.ErrRefused
	if err := r.login("alice", "pw", here); !errors.Is(err, policy.ErrRefused) {
		t.Errorf("got %v; want ErrRefused", err)
	}
	r.err = errBackend
	if err := r.login("alice", "pw", here); !errors.Is(err, errBackend) {
		t.Errorf("got %v; want the refusal to end what was remembered", err)
	}
}

// After kumo.bump_config_epoch the policy may know other users, and an answer that
// was on its way meanwhile is of the time before.
func TestAuthCacheEndsWithTheEpoch(t *testing.T) {
	r := newCacheRig(t, time.Hour, time.Hour)
	must(t, r.login("alice", "pw", here))
	r.policy.epoch.Add(1)
	r.err = errBackend
	if err := r.login("alice", "pw", here); !errors.Is(err, errBackend) {
		t.Errorf("got %v; want what was said in another epoch forgotten", err)
	}
	r.err = nil
	answer := r.policy.auth
	r.policy.auth = func() (policy.AuthInfo, error) {
		r.policy.epoch.Add(1)
		return answer()
	}
	before := r.asked
	must(t, r.login("alice", "pw", here))
	must(t, r.login("alice", "pw", here))
	if got := r.asked - before; got != 2 {
		t.Errorf("asked %d times; want what was said across the change of the epoch asked again", got)
	}
}

func TestAuthCacheIsBoundedAndHoldsNoCredentials(t *testing.T) {
	r := newCacheRig(t, time.Hour, time.Hour)
	for i := range cachedLogins + 10 {
		must(t, r.login("alice", fmt.Sprint("hunter", i), here))
	}
	if got := r.cache.logins.Len(); got != cachedLogins {
		t.Errorf("remembers %d; want %d", got, cachedLogins)
	}
	if text := fmt.Sprintf("%q %+v", r.cache.logins.Keys(), r.cache.logins.Values()); strings.Contains(text, "hunter") {
		t.Error("a password is kept")
	}
	if newAuthCache(policy.AuthCache{}) != nil {
		t.Error("got a cache that remembers nothing; want none")
	}
}

// Two processes, or two listeners, do not hash alike.
func TestAuthCacheKeysAreSecret(t *testing.T) {
	a, b := newCacheRig(t, time.Hour, 0).cache, newCacheRig(t, time.Hour, 0).cache
	c, meta := socks5.Credentials{User: "u", Password: "p"}, policy.ConnMeta{Peer: ourSide, Local: ourSide}
	first, second := a.key(c, meta), a.key(c, meta)
	if first == b.key(c, meta) || first != second {
		t.Error("want the same key from the same cache, and another from another")
	}
}
