package actors

import (
	"sync"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// userPaces are how fast the sessions of each user relay, all together. It holds
// those who have sessions, and no others. It may be used by any goroutine; the zero
// value is ready.
type userPaces struct {
	mu    sync.Mutex
	users map[string]*userPace
}

type userPace struct {
	*transport.Pace
	sessions int
}

// enter gives a session of a user the pace that it shares. rate is that of all of
// them from here on: the newest terms hold. Who has entered owes a leave.
func (u *userPaces) enter(name string, rate int64) *transport.Pace {
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.users[name]
	if p == nil {
		if u.users == nil {
			u.users = make(map[string]*userPace)
		}
		p = &userPace{Pace: transport.NewPace(rate)}
		u.users[name] = p
	}
	p.sessions++
	p.Set(rate)
	return p.Pace
}

// sharing is how many users have sessions that share a pace.
func (u *userPaces) sharing() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.users)
}

func (u *userPaces) leave(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.users[name]
	if p.sessions--; p.sessions > 0 {
		return
	}
	delete(u.users, name)
	if len(u.users) == 0 {
		u.users = nil
	}
}

// paces are those that a session is to relay by, whose client is who.
func (p *places) paces(who string) []*transport.Pace {
	if p == nil {
		return nil
	}
	var all []*transport.Pace
	if rate := p.rates.PerSession; rate > 0 {
		all = append(all, transport.NewPace(rate))
	}
	if rate := p.rates.PerUser; rate > 0 && who != "" && p.paced == "" {
		p.paced = who
		all = append(all, p.of.paces.enter(who, rate))
	}
	return all
}
