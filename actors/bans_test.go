package actors

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/limit"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// withBans bans for a minute, which no test lasts.
func withBans(perClient, perUser int) func(*setup) {
	return func(s *setup) {
		s.listeners[0].AuthFailures = policy.AuthFailures{PerClient: perClient, PerUser: perUser, Within: time.Hour, Ban: time.Minute}
	}
}

// wantLogin is a login that is let in or not, and what the client is told of it.
func (tr *tree) wantLogin(user, password string, in bool) {
	tr.t.Helper()
	c := tr.mustDial()
	code, err := c.login(user, password)
	if err != nil || (code == 0) != in {
		tr.t.Errorf("%s with %q: got %d, %v; want to be let in: %v", user, password, code, err, in)
	}
	if !in {
		must(tr.t, c.ended())
	}
	must(tr.t, c.Close())
}

const secretAuth = `kumo.on('proxy_server_auth_rfc1929', function(user, password)
	if user == 'broken' then error('no backend') end
	return password == 'secret'
end)`

// TestBannedClient: after too many failures not even the right password is good,
// until the ban is lifted. A handler that fails is not the client's failure.
func TestBannedClient(t *testing.T) {
	var log journal
	tr, _ := withPolicy(t, secretAuth, policy.Options{}, withBans(3, 0), func(s *setup) { s.log = log.logger() })
	for range 4 {
		tr.wantLogin("broken", "secret", false)
	}
	tr.wantLogin("mta", "secret", true)
	for _, user := range []string{"a", "b", "c"} {
		tr.wantLogin(user, "guess", false)
	}
	tr.wantFailed(ReasonAuthFailed, 3)
	for range 2 {
		tr.wantLogin("mta", "secret", false)
	}
	tr.wantFailed(ReasonAuthBanned, 2)
	client := limit.Offender{Client: netip.MustParsePrefix("127.0.0.1/32")}
	if all := tr.sys.Bans(); len(all) != 1 || all[0].Offender != client || all[0].Failures != 3 {
		t.Errorf("got the bans %+v; want that of the client", all)
	}
	g := gather(t, tr.reg)
	if now, begun := g.sum("proxy_auth_bans"), g.sum("proxy_auth_bans_total"); now != 1 || begun != 1 {
		t.Errorf("%v bans, %v begun; want 1 and 1", now, begun)
	}
	if !log.has("level=WARN msg=\"logins are refused for a while, too many have failed\"") {
		t.Error("the log should say that there is a ban")
	}
	if !tr.sys.Unban(client, "test") || tr.sys.Unban(client, "test") {
		t.Error("want the ban lifted, once")
	}
	tr.wantLogin("mta", "secret", true)
}

// TestBannedUser: another user of the same client is let in.
func TestBannedUser(t *testing.T) {
	tr, _ := withPolicy(t, secretAuth, policy.Options{}, withBans(0, 2))
	tr.wantLogin("mta", "guess", false)
	tr.wantLogin("mta", "guess", false)
	tr.wantLogin("mta", "secret", false)
	tr.wantLogin("other", "secret", true)
	tr.wantFailed(ReasonAuthBanned, 1)
	if all := tr.sys.Bans(); len(all) != 1 || all[0].User != "mta" {
		t.Errorf("got the bans %+v; want that of the user", all)
	}
}

// TestNoBans: by default nobody is banned, however often.
func TestNoBans(t *testing.T) {
	tr, _ := withPolicy(t, secretAuth, policy.Options{})
	for range 30 {
		tr.wantLogin("mta", "guess", false)
	}
	tr.wantLogin("mta", "secret", true)
}

// TestBanIsNoSooner: the answer to a banned login comes when that to a failed one
// would have come, and the policy is not asked.
func TestBanIsNoSooner(t *testing.T) {
	const takes = 50 * time.Millisecond
	bans := limit.NewBans()
	c := &connection{shared: &shared{bans: bans}}
	c.limits = &limits{failures: policy.AuthFailures{PerClient: 1, Within: time.Hour, Ban: time.Minute}}
	meta := policy.ConnMeta{Peer: netip.MustParseAddrPort("192.0.2.1:1")}
	bans.Fail(limit.Offender{Client: limit.Client(meta.Peer.Addr())}, limit.BanTerms{Failures: 1, Within: time.Hour, For: time.Minute}, time.Now())
	bans.Took(takes)
	began := time.Now()
	_, err := c.logIn(t.Context(), nil, socks5.Credentials{User: "mta", Password: "secret"}, meta, nil)
	if took := time.Since(began); !errors.Is(err, errBanned) || took < takes {
		t.Errorf("got %v after %v; want %v, not before %v", err, took, errBanned, takes)
	}
}
