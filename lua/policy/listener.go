package policy

import (
	"math"
	"os"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
)

// The ranges of durations. A step of the handshake that may take longer than an
// hour is a mistake in the unit, and a descriptor lost to every silent client.
const (
	shortestTimeout = time.Millisecond
	longestTimeout  = time.Hour
	longestRelay    = 30 * 24 * time.Hour
	longestUnacked  = 24 * time.Hour
	longestCache    = 24 * time.Hour      // credentials that were revoked must end some day
	longestKeep     = 32767 * time.Second // TCP_KEEPIDLE and TCP_KEEPINTVL, tcp(7): above it setsockopt fails
)

// connectTimeout is below the 60 s after which KumoMTA gives up, so that it gets
// an answer.
const connectTimeout = 50 * time.Second

// defaultListener is a listener of which nothing was said.
func defaultListener(at Position) Listener {
	return Listener{
		At:             at,
		Hostname:       hostname(),
		Timeout:        60 * time.Second,
		ConnectTimeout: connectTimeout,
		Relay:          Relay{Idle: 20 * time.Minute, HalfClosed: time.Minute, Unacknowledged: 15 * time.Minute},
		UseSplice:      true,
		Banner:         true,
		KeepAlive: KeepAlive{
			Enabled:  true,
			Time:     5 * time.Minute,
			Interval: 30 * time.Second,
			Retries:  3,
		},
		DestinationSeries: 1000,
		DestinationIdle:   15 * time.Minute,
		AuthFailures:      AuthFailures{Within: time.Minute, Ban: longestBan},
	}
}

// listener reads the parameters of proxy.start_proxy_listener.
func (d *decoder) listener(t *lua.LTable) Listener {
	l := defaultListener(d.at)
	l.ConnectTimeout = 0 // the default follows a timeout that is shorter
	secure := tlsSettings{use: &l.UseTLS, certificate: &l.TLSCertificate, privateKey: &l.TLSPrivateKey, clientCA: &l.TLSClientCA}
	access := &ruleSettings{spec: &l.Rules}
	behind := &balancerSettings{use: &l.ProxyProtocol, from: &l.ProxyProtocolFrom}
	d.table("", t, slices.Concat([]field{
		{name: "listen", required: true, read: addressInto(&l.Listen)},
		{name: "hostname", read: nameInto(&l.Hostname)},
	}, l.timeFields(), secure.fields(), behind.fields(), []field{
		{name: "require_auth", read: boolInto(&l.RequireAuth)},
		{name: "auth_cache", read: tableInto("{ ttl = '1m', stale_if_error = '1h' }", []field{
			{name: "ttl", read: durationInto(&l.AuthCache.TTL, 0, longestCache, 1)},
			{name: "stale_if_error", read: durationInto(&l.AuthCache.StaleIfError, 0, longestCache, 1)},
		})},
		{name: "auth_failures", read: authFailuresInto(&l.AuthFailures)},
	}, l.commonFields(), access.fields()))
	secure.check(d)
	behind.check(d)
	access.check(d)
	l.finishTimeouts(d)
	return l
}

// timeFields are the keys about time and about relays that all listeners for MTAs have.
func (l *Listener) timeFields() []field {
	return []field{
		{name: "timeout", read: durationInto(&l.Timeout, shortestTimeout, longestTimeout, 1)},
		{name: "connect_timeout", read: durationInto(&l.ConnectTimeout, shortestTimeout, longestTimeout, 1)},
		{name: "idle_timeout", read: durationInto(&l.Relay.Idle, 0, longestRelay, 1)},
		{name: "half_close_timeout", read: durationInto(&l.Relay.HalfClosed, 0, longestRelay, 1)},
		{name: "max_session", read: durationInto(&l.Relay.Most, 0, longestRelay, 1)},
		{name: "user_timeout", read: durationInto(&l.Relay.Unacknowledged, 0, longestUnacked, time.Millisecond)},
		{name: "use_splice", read: boolInto(&l.UseSplice)},
		{name: "banner", read: boolInto(&l.Banner)},
	}
}

// commonFields are the keys about connections that all listeners for MTAs have.
func (l *Listener) commonFields() []field {
	return []field{
		{name: "tcp_keepalive", read: tableInto("{ time = '5m', interval = '30s', retries = 3 }", []field{
			{name: "enabled", read: boolInto(&l.KeepAlive.Enabled)},
			{name: "time", read: durationInto(&l.KeepAlive.Time, time.Second, longestKeep, time.Second)},
			{name: "interval", read: durationInto(&l.KeepAlive.Interval, time.Second, longestKeep, time.Second)},
			{name: "retries", read: wholeInto(&l.KeepAlive.Retries, 1, 127)},
		})},
		{name: "destination_series", read: wholeInto(&l.DestinationSeries, 0, 100_000)},
		{name: "destination_idle", read: durationInto(&l.DestinationIdle, time.Second, math.MaxInt64, 1)},
		{name: "limits", read: limitsInto(&l.Limits)},
		{name: "bandwidth", read: bandwidthInto(&l.Bandwidth)},
	}
}

// finishTimeouts completes what follows from two keys.
func (l *Listener) finishTimeouts(d *decoder) {
	if l.ConnectTimeout > l.Timeout && !d.failed("timeout") {
		d.fail("connect_timeout", "expected at most the timeout of %s, got %s",
			duration.Format(l.Timeout), duration.Format(l.ConnectTimeout))
	}
	if l.ConnectTimeout == 0 {
		l.ConnectTimeout = min(connectTimeout, l.Timeout)
	}
}

// hostname is the name of this machine, as KumoMTA has it.
func hostname() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}
