package policy

import (
	"fmt"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// mostLimit is the largest limit: what counts is a number of sessions, of which no
// machine has a hundred million.
const mostLimit = 100_000_000

// Limits is the limits table: how many sessions may be open at a listener at once.
// 0 is none; what the descriptor limit of the process allows holds in any case.
type Limits struct {
	// Connections is for all clients together, ConnectionsPerClient for one: an
	// IPv4 address or the /64 network of an IPv6 one.
	Connections          int
	ConnectionsPerClient int
	// NewPerSecondPerClient is how many may begin in a second.
	NewPerSecondPerClient int
	// ConnectionsPerUser is for those the policy's handler calls by one name,
	// ConnectionsPerSource for one sending address that the client or the policy
	// has named, ConnectionsPerDestination for one upstream address. A session
	// counts from its CONNECT on.
	ConnectionsPerUser        int
	ConnectionsPerSource      int
	ConnectionsPerDestination int
	// ShedIdle is how long nothing has moved in a session that waits for its client
	// before it may be ended for want of descriptors or memory; 0, the default: it
	// never is. Range 0..30 days.
	ShedIdle time.Duration
}

// Bandwidth is the bandwidth table, in bytes per second towards the client and
// towards the upstream, each for itself. 0 is any; at least transport.SlowestPace
// otherwise.
type Bandwidth struct {
	// PerSession is of one, PerUser of all those together that the policy's handler
	// calls by one name.
	PerSession, PerUser int64
}

// The range of a bandwidth; below it a session would hardly move.
const (
	leastBandwidth = 1 << 10
	mostBandwidth  = 1_000_000_000_000
)

func bandwidthInto(b *Bandwidth) reader {
	return tableInto("{ per_session = 1000000 }", []field{
		{name: "per_session", read: rateInto(&b.PerSession)},
		{name: "per_user", read: rateInto(&b.PerUser)},
	})
}

func rateInto(p *int64) reader {
	return func(d *decoder, key string, v lua.LValue) {
		n, ok := v.(lua.LNumber)
		if f := float64(n); !ok || f != math.Trunc(f) || f != 0 && f < leastBandwidth || f > mostBandwidth {
			d.expected(key, fmt.Sprintf("bytes per second, 0 or a whole number between %d and %d", leastBandwidth, mostBandwidth), v, "")
			return
		}
		*p = int64(n)
	}
}

// AuthFailures is the auth_failures table: when logins are refused without being
// looked at. Zero, the default of both counts, is never.
type AuthFailures struct {
	// PerClient is after how many failed logins of one client, as limits count it,
	// PerUser of one user name.
	PerClient, PerUser int
	// Within is the time in which these are counted, default 1 min, range 1 s..1 h;
	// Ban is for how long logins are refused then, default 60 s, range 1 s..60 s.
	Within, Ban time.Duration
}

// longestBan is short, since who guesses is slowed down by it as well as by a long
// one, and a mail node whose password was mistyped is soon back.
const longestBan = 60 * time.Second

func authFailuresInto(f *AuthFailures) reader {
	return tableInto("{ per_client = 20, within = '1m', ban = '60s' }", []field{
		{name: "per_client", read: wholeInto(&f.PerClient, 0, mostLimit)},
		{name: "per_user", read: wholeInto(&f.PerUser, 0, mostLimit)},
		{name: "within", read: durationInto(&f.Within, time.Second, time.Hour, 1)},
		{name: "ban", read: durationInto(&f.Ban, time.Second, longestBan, 1)},
	})
}

// limitsInto reads the table.
func limitsInto(l *Limits) reader {
	whole := func(name string, p *int) field { return field{name: name, read: wholeInto(p, 0, mostLimit)} }
	return tableInto("{ connections = 1000, connections_per_client = 100 }", []field{
		whole("connections", &l.Connections),
		whole("connections_per_client", &l.ConnectionsPerClient),
		whole("new_per_second_per_client", &l.NewPerSecondPerClient),
		whole("connections_per_user", &l.ConnectionsPerUser),
		whole("connections_per_source", &l.ConnectionsPerSource),
		whole("connections_per_destination", &l.ConnectionsPerDestination),
		{name: "shed_idle", read: durationInto(&l.ShedIdle, 0, longestRelay, 1)},
	})
}
