package actors

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// crowd are the other sessions of a listener whose limits are 1: what they have is
// taken.
type crowd struct {
	occupied             occupancy
	most                 policy.Limits
	user                 bool
	destination, another netip.Addr
	source               netip.Addr
}

// someCrowd is drawn at random; most listeners have no limits.
func someCrowd(rng *rand.Rand) *crowd {
	c := &crowd{destination: netip.MustParseAddr("192.0.2.1"), another: netip.MustParseAddr("2001:db8::1"), source: ourSide.Addr()}
	if rng.IntN(3) > 0 {
		return c
	}
	c.most = policy.Limits{ConnectionsPerUser: rng.IntN(2), ConnectionsPerSource: rng.IntN(2), ConnectionsPerDestination: rng.IntN(2)}
	if c.user = rng.IntN(4) > 0; c.user {
		c.occupied.users.Enter("u", 1)
	}
	if rng.IntN(4) > 0 {
		c.occupied.sources.Enter(c.source, 1)
	} else {
		c.source = netip.Addr{}
	}
	if rng.IntN(2) == 0 {
		c.occupied.destinations.Enter(c.destination, 1)
	} else {
		c.destination = netip.Addr{}
	}
	if rng.IntN(2) == 0 {
		c.occupied.destinations.Enter(c.another, 1)
	} else {
		c.another = netip.Addr{}
	}
	return c
}

func (c *crowd) enter(now time.Time) *places {
	p, _ := c.occupied.enter(&c.most, &policy.Bandwidth{}, afar, now)
	return p
}

// full: by the limits nothing more may go from that source to that destination.
func (c *crowd) full(source, destination netip.Addr) bool {
	return c.most.ConnectionsPerSource > 0 && c.source.IsValid() && source == c.source ||
		c.most.ConnectionsPerDestination > 0 && (destination == c.destination || destination == c.another)
}

// alone: at most one upstream is counted for a session that relayed, and when its
// record ends nothing but what the others have.
func (c *crowd) alone(m *machine) bool {
	relayed := m.outcome.Class == Completed
	if m.places != nil && relayed && len(m.places.dialed) > 1 {
		return false
	}
	m.places.leave()
	count := func(all ...bool) (n int) {
		for _, one := range all {
			if one {
				n++
			}
		}
		return n
	}
	taken := c.most != policy.Limits{}
	return c.occupied.users.Keys() == count(c.user) &&
		(!taken || c.occupied.sources.Keys() == count(c.source.IsValid())) &&
		(!taken || c.occupied.destinations.Keys() == count(c.destination.IsValid(), c.another.IsValid()))
}
