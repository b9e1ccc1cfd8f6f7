//go:build unix

package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// login offers a name and a password, and gives the two bytes of the answer.
func login(t *testing.T, proxy, user, password string) (answer [2]byte) {
	t.Helper()
	c := dial(t, proxy)
	defer c.Close()
	exchange(t, c, "greeting", []byte{5, 1, 2}, []byte{5, 2})
	message := append([]byte{1, byte(len(user))}, user...)
	message = append(append(message, byte(len(password))), password...)
	if _, err := c.Write(message); err != nil {
		t.Fatal(err)
	}
	if n, err := io.ReadFull(c, answer[:]); err != nil {
		t.Fatalf("login as %s: got %d bytes, error %v; want an answer", user, n, err)
	}
	if answer != loggedIn {
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("login as %s: the connection goes on after % x", user, answer)
		}
	}
	return answer
}

// The answers of RFC 1929; any status but 0 is a failure, and KumoMTA's is 1.
var loggedIn, refused = [2]byte{1, 0}, [2]byte{1, 1}

// sharedPolicy says in the log what its states have in common.
const sharedPolicy = `
local kumo, proxy = require 'kumo', require 'proxy'
local function fresh() return tostring(kumo.uuid.new_v4()) end
local lasting = kumo.memoize(fresh, { name = 'lasting', ttl = '1h', capacity = 10 })
local epochal = kumo.memoize(fresh, { name = 'epochal', ttl = '1h', capacity = 10, invalidate_with_epoch = true })
local logins = kumo.counter_series.define { name = 'logins', num_buckets = 10, bucket_size = '1h' }
local queue = kumo.mpsc.define('queue')
local asked = 0
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
kumo.on('proxy_server_auth_rfc1929', function(user, password, meta)
  asked = asked + 1
  logins:increment(1)
  queue:send(user)
  if user == 'bump' then kumo.bump_config_epoch() end
  local figures = kumo.prometheus_metrics()
  kumo.log_info('user', user, 'asked', asked, 'logins', logins:sum(), 'queued', queue:len(), 'lasting', lasting(), 'epochal', epochal(),
    'accepted', figures.proxy_connections_accepted_total.value.listener[meta.local_address])
  return true
end)
`

// said is what the handler of sharedPolicy wrote of a login.
type said struct{ asked, logins, queued, lasting, epochal, accepted string }

var saidForm = regexp.MustCompile(`user (\S+) asked (\S+) logins (\S+) queued (\S+) lasting (\S+) epochal (\S+) accepted (\d+)`)

func (e *edited) sayShared(user string) said {
	e.t.Helper()
	if got := login(e.t, e.socks(), user, "p"); got != loggedIn {
		e.t.Fatalf("login as %s: got % x; want % x", user, got, loggedIn)
	}
	var m []string
	await(e.t, "the handler's line about "+user, func() bool {
		m = nil
		for _, line := range e.log.all() {
			if f := saidForm.FindStringSubmatch(line); f != nil && f[1] == user {
				m = f
			}
		}
		return m != nil
	})
	return said{m[2], m[3], m[4], m[5], m[6], m[7]}
}

// TestSharedOutlivesReload: what states have in common is the process's. Only what
// a policy ties to the epoch, and what it keeps in variables, ends with a reload or
// with a bump.
func TestSharedOutlivesReload(t *testing.T) {
	t.Parallel()
	e := startEdited(t, sharedPolicy)
	one, two := e.sayShared("one"), e.sayShared("two")
	if want := (said{"2", "2", "2", one.lasting, one.epochal, "2"}); two != want {
		t.Errorf("in the same state: got %+v; want %+v", two, want)
	}
	e.reload(strings.Replace(sharedPolicy, anyPort, anyPort+", timeout = '20s'", 1), "ok")
	three := e.sayShared("three")
	if want := (said{"1", "3", "3", one.lasting, three.epochal, "3"}); three != want {
		t.Errorf("after a reload: got %+v; want %+v", three, want)
	}
	bump := e.sayShared("bump")
	four := e.sayShared("four")
	if want := (said{"1", "5", "5", one.lasting, bump.epochal, "5"}); four != want {
		t.Errorf("after a bump: got %+v; want %+v", four, want)
	}
	epochs := []string{one.epochal, three.epochal, four.epochal}
	slices.Sort(epochs)
	if distinct := slices.Compact(epochs); len(distinct) != 3 {
		t.Errorf("got %d results tied to the epoch in three epochs; want 3", len(distinct))
	}
	figures := e.scrape()
	for name, want := range map[string]float64{
		"memoize_cache_lookup_count": 5, "memoize_cache_hit_count": 4, "memoize_cache_miss_count": 1, "memoize_cache_populated_count": 1,
		"lruttl_lookup_count": 5, "lruttl_cache_size": 1, "lruttl_waiting_populate": 0,
	} {
		if got := figures.value(name, "cache_name", "lasting"); got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
	e.endWell()
}

// TestFiguresForLua: a policy sees what /metrics.json shows.
func TestFiguresForLua(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, strings.Replace(onePolicy, "kumo.on(", `
kumo.memoize(print, { name = 'any', ttl = 1, capacity = 1 })
kumo.on('proxy_server_auth_rfc1929', function()
  local all = kumo.prometheus_metrics()
  kumo.log_info('figures', kumo.json_encode({
    proxy_active_connections = all.proxy_active_connections,
    proxy_session_failures_total = { type = all.proxy_session_failures_total.type, first = all.proxy_session_failures_total.value[1]['@'] },
    lua_event_latency = all.lua_event_latency.value.event['context-creation'].count,
    policy_fallback = all.policy_fallback.value, lruttl_cache_size = all.lruttl_cache_size.value.cache_name.any,
  }))
  return true
end)
kumo.on(`, 1))
	if got := login(t, d.socks(), "u", "p"); got != loggedIn {
		t.Errorf("got % x; want % x", got, loggedIn)
	}
	shown := d.scrapeJSON()
	for _, want := range []string{
		fmt.Sprintf(`"proxy_active_connections":{"help":%q,"type":"gauge","value":{"listener":{"%s":1}}}`, shown["proxy_active_connections"].Help, d.socks()),
		`"proxy_session_failures_total":{"first":0,"type":"counter"}`, `"lua_event_latency":1,`, `"policy_fallback":0`, `"lruttl_cache_size":0`,
	} {
		await(t, "the figures have "+want, func() bool { return d.log.contains(want) })
	}
	d.endWell()
}
