package actors

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/limit"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// ratedClients is of how many clients a listener knows how many of their sessions
// began in the last second: some 6 MiB, once so many have come.
const ratedClients = 1 << 15

// occupancy is who has how much of a listener. It outlives reloads, as the account
// does; which limits hold is said by the terms of whoever enters. It may be used by
// any goroutine.
type occupancy struct {
	all          atomic.Int64
	clients      limit.Tally[netip.Prefix]
	begun        *limit.Rate[netip.Prefix]
	users        limit.Tally[string]
	sources      limit.Tally[netip.Addr]
	destinations limit.Tally[netip.Addr]
	paces        userPaces
}

func newOccupancy() occupancy {
	return occupancy{begun: limit.NewRate[netip.Prefix](ratedClients)}
}

// places are what one session takes up of an occupancy, beside its place among
// all. They are used by one goroutine at a time, as the session's record is. Those
// of a session without limits are nil, and take up nothing.
type places struct {
	of     *occupancy
	most   *policy.Limits
	client netip.Prefix // not valid: not counted
	user   string       // empty: not counted
	rates  *policy.Bandwidth
	paced  string // the user whose pace it shares
	dialed []place
}

// place is what an attempt to connect takes up; what is not counted is not valid.
type place struct {
	attempt             int
	source, destination netip.Addr
}

// enter takes a client in, or says over which limit it is. Who is in owes a leave,
// and its places, if it has any, another.
func (o *occupancy) enter(most *policy.Limits, rates *policy.Bandwidth, client netip.Addr, now time.Time) (*places, Reason) {
	key := netip.Prefix{}
	if most.ConnectionsPerClient > 0 || most.NewPerSecondPerClient > 0 {
		key = limit.Client(client)
	}
	if most.NewPerSecondPerClient > 0 && !o.begun.Take(key, most.NewPerSecondPerClient, now) {
		return nil, ReasonLimitClientRate
	}
	if most.ConnectionsPerClient > 0 && !o.clients.Enter(key, most.ConnectionsPerClient) {
		return nil, ReasonLimitClient
	}
	if !o.enterAll(int64(most.Connections)) {
		if most.ConnectionsPerClient > 0 {
			o.clients.Leave(key)
		}
		return nil, ReasonLimitConnections
	}
	if most.ConnectionsPerClient+most.ConnectionsPerUser+most.ConnectionsPerSource+most.ConnectionsPerDestination == 0 && *rates == (policy.Bandwidth{}) {
		return nil, ReasonNone
	}
	p := &places{of: o, most: most, rates: rates}
	if most.ConnectionsPerClient > 0 {
		p.client = key
	}
	return p, ReasonNone
}

// enterAll counts a session among all of the listener, of which there are no more
// than most; 0: any number.
func (o *occupancy) enterAll(most int64) bool {
	if most == 0 {
		o.all.Add(1)
		return true
	}
	for n := o.all.Load(); n < most; n = o.all.Load() {
		if o.all.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// leave counts a session less among all.
func (o *occupancy) leave() { o.all.Add(-1) }

// enterUser takes the place of a client whom the policy calls by a name.
func (p *places) enterUser(name string) bool {
	if p == nil || p.most.ConnectionsPerUser == 0 || name == "" || p.user != "" {
		return true
	}
	if !p.of.users.Enter(name, p.most.ConnectionsPerUser) {
		return false
	}
	p.user = name
	return true
}

// enterAttempt takes the places of an attempt to connect, or says over which limit
// it is.
func (p *places) enterAttempt(n int, a attempt) Reason {
	if p == nil {
		return ReasonNone
	}
	taken := place{attempt: n}
	if p.most.ConnectionsPerSource > 0 && a.from.IsValid() && !a.from.IsUnspecified() {
		if !p.of.sources.Enter(a.from, p.most.ConnectionsPerSource) {
			return ReasonLimitSource
		}
		taken.source = a.from
	}
	if p.most.ConnectionsPerDestination > 0 {
		if !p.of.destinations.Enter(a.to.Addr(), p.most.ConnectionsPerDestination) {
			p.vacate(taken)
			return ReasonLimitDestination
		}
		taken.destination = a.to.Addr()
	}
	p.dialed = append(p.dialed, taken)
	return ReasonNone
}

// leaveAttempt gives back the places of an attempt that failed.
func (p *places) leaveAttempt(n int) {
	p.leaveAttempts(func(attempt int) bool { return attempt == n })
}

// keepAttempt gives back those of all attempts but the one that has connected.
func (p *places) keepAttempt(n int) {
	p.leaveAttempts(func(attempt int) bool { return attempt != n })
}

func (p *places) leaveAttempts(which func(attempt int) bool) {
	if p == nil {
		return
	}
	p.dialed = slices.DeleteFunc(p.dialed, func(one place) bool {
		if !which(one.attempt) {
			return false
		}
		p.vacate(one)
		return true
	})
}

func (p *places) vacate(one place) {
	if one.source.IsValid() {
		p.of.sources.Leave(one.source)
	}
	if one.destination.IsValid() {
		p.of.destinations.Leave(one.destination)
	}
}

// leave gives back all that there is.
func (p *places) leave() {
	if p == nil {
		return
	}
	p.leaveAttempts(func(int) bool { return true })
	if p.user != "" {
		p.of.users.Leave(p.user)
		p.user = ""
	}
	if p.paced != "" {
		p.of.paces.leave(p.paced)
		p.paced = ""
	}
	if p.client.IsValid() {
		p.of.clients.Leave(p.client)
		p.client = netip.Prefix{}
	}
}
