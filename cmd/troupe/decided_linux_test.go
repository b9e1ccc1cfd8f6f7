package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// guardedPolicy bans a name for a minute after two logins that fail.
const guardedPolicy = `
local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', require_source = false,
    allow_sources = { '127.0.0.1', '192.0.2.1', '192.0.2.7' }, auth_failures = { per_user = 2, within = '1m', ban = '1m' } }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
kumo.on('proxy_server_auth_rfc1929', function(user, password)
  return password == 'right'
end)
`

// TestUpgradeDecided: who is banned stays so in the next process for the time that is
// left, and in the one after that; what was decided about sources goes over without a
// state directory.
func TestUpgradeDecided(t *testing.T) {
	t.Parallel()
	y := startDynasty(t, guardedPolicy)
	for range 2 {
		if got := login(t, y.socks(), "mta", "wrong"); got != refused {
			t.Fatalf("a wrong password: got % x; want % x", got, refused)
		}
	}
	y.control("POST", "sources/pause", `{"source":"192.0.2.0/24","for":"2h","reason":"listed there"}`, 200, nil)
	y.control("POST", "sources/drain", `{"source":"127.0.0.1"}`, 200, nil)
	y.control("POST", "sources/resume", `{"source":"192.0.2.7"}`, 200, nil)
	bans, held := y.bans(), y.standings()
	if len(bans) != 1 || bans[0].User != "mta" {
		t.Fatalf("got the bans %+v; want that of the user", bans)
	}
	for source, want := range map[string]string{"127.0.0.1": "draining", "192.0.2.1": "paused", "192.0.2.7": "serving"} {
		if got := held[source]; got.State != want {
			t.Errorf("%s is %+v; want it %s", source, got, want)
		}
	}
	for n := range 2 {
		y.upgrade()
		after := y.bans()
		if len(after) != 1 || after[0].User != "mta" || after[0].Failures != 2 || !near(after[0].Since, bans[0].Since) || !near(after[0].Until, bans[0].Until) {
			t.Errorf("got the bans %+v; want them as before, %+v", after, bans)
		}
		if got := login(t, y.socks(), "mta", "right"); got != refused {
			t.Errorf("a banned user: got % x; want % x until the ban is over", got, refused)
		}
		if got := login(t, y.socks(), "other", "right"); got != loggedIn {
			t.Errorf("another user: got % x; want % x", got, loggedIn)
		}
		if now := y.standings(); !maps.Equal(now, held) {
			t.Errorf("the sources stand as %+v; want %+v", now, held)
		}
		figures := y.scrape()
		if now, begun := figures.value("proxy_auth_bans"), figures.value("proxy_auth_bans_total"); now != 1 || begun != 1 {
			t.Errorf("%v bans, %v begun; want 1 and 1", now, begun)
		}
		y.awaitEnds(n + 1)
	}
	y.control("DELETE", "bans?user=mta", "", 200, nil)
	if got := login(t, y.socks(), "mta", "right"); got != loggedIn {
		t.Errorf("after the ban was lifted: got % x; want % x", got, loggedIn)
	}
	y.control("POST", "sources/resume", `{"source":"127.0.0.1"}`, 200, nil)
	y.upgrade()
	if got := login(t, y.socks(), "mta", "right"); got != loggedIn || len(y.bans()) != 0 {
		t.Errorf("a ban that was lifted: got % x, and the bans %+v; want none", got, y.bans())
	}
	if got := y.standings()["127.0.0.1"]; got.State != "serving" {
		t.Errorf("a source that was resumed is %s; want it to serve", got.State)
	}
	y.endOrderly()
}

// near says whether two moments are one, but for what is lost on the way between two
// processes with clocks of their own.
func near(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

func (y *dynasty) bans() []adminclient.Ban {
	y.t.Helper()
	var list adminclient.BanList
	y.control("GET", "bans", "", 200, &list)
	return list.Bans
}

// standing is what has been decided about a source.
type standing struct {
	State, Reason, By string
	Since, Until      time.Time
}

// standings are what has been decided, by source.
func (y *dynasty) standings() map[string]standing {
	y.t.Helper()
	var list adminclient.Sources
	y.control("GET", "sources", "", 200, &list)
	all := make(map[string]standing)
	for _, one := range list.Sources {
		all[one.Address] = standing{one.State, one.Reason, one.By, one.Since.UTC(), one.Until.UTC()}
	}
	return all
}

// awaitEnds waits until so many old processes have ended.
func (y *dynasty) awaitEnds(n int) {
	y.t.Helper()
	await(y.t, "the old process ends", func() bool { return strings.Count(y.log.text(), "the old process has ended") == n })
}
