package transport

import (
	"sync"
	"time"
)

// SlowestPace is the least that a Pace allows, in bytes per second.
const SlowestPace = 1 << 10

const (
	// paceStep is how much of a second's bytes move at once: who shares a Pace takes
	// turns of that size.
	paceStep = 20
	// leastShare is the smallest turn, since each costs some system calls.
	leastShare = 1 << 10
)

// Pace is how fast bytes are relayed at most, by all of the relays that have it
// together, towards the client and towards the upstream each for itself. It is a
// token bucket that holds a twentieth of a second; those who share it are served
// in the order in which they ask. Its methods may be called from any goroutine.
type Pace struct {
	mu   sync.Mutex
	rate int64        // bytes per second
	free [2]time.Time // by the side that sends: all that came before was given to somebody
}

// NewPace allows so many bytes per second, SlowestPace at least.
func NewPace(rate int64) *Pace { return &Pace{rate: max(rate, SlowestPace)} }

// Set changes the rate, for what is asked for from now on.
func (p *Pace) Set(rate int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate = max(rate, SlowestPace)
}

// share is how much one relay takes at once.
func (p *Pace) share() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(min(max(p.rate/paceStep, leastShare), smallBuffer))
}

// reserve takes n bytes that come from a side, and returns how long they have to
// wait.
func (p *Pace) reserve(from Side, n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := now.Add(-time.Second / paceStep); p.free[from].Before(earliest) {
		p.free[from] = earliest
	}
	wait := p.free[from].Sub(now)
	p.free[from] = p.free[from].Add(p.last(n))
	return max(wait, 0)
}

// giveBack undoes the reservation of n bytes that did not come.
func (p *Pace) giveBack(from Side, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free[from] = p.free[from].Add(-p.last(n))
}

// last is how long n bytes take. Called with the mutex held.
func (p *Pace) last(n int) time.Duration {
	return time.Duration(int64(n) * int64(time.Second) / p.rate)
}

// paces are those of one relay: its own, that of its user, or both.
type paces []*Pace

// share is how much the relay takes at once.
func (all paces) share() int {
	n := smallBuffer
	for _, p := range all {
		n = min(n, p.share())
	}
	return n
}

// reserve is that of each, and the longest wait.
func (all paces) reserve(from Side, n int, now time.Time) (wait time.Duration) {
	for _, p := range all {
		wait = max(wait, p.reserve(from, n, now))
	}
	return wait
}

func (all paces) giveBack(from Side, n int) {
	for _, p := range all {
		p.giveBack(from, n)
	}
}
