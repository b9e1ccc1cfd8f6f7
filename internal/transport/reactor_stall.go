//go:build linux

package transport

import (
	"sync/atomic"
	"time"
)

const (
	// pipeStall is how long nobody must have taken what a pipe holds for it to
	// count as stalled: a peer that merely is slow takes some of it before.
	pipeStall = moment(time.Second)
	// pipesStalled bounds the stalled pipes of all loops that are not counted among
	// those at work. With them a few peers that never read cost nobody his pipe,
	// and very many cost no more than this of the kernel's memory.
	pipesStalled = 64
	// pipesLook is how long a loop that has no pipe left waits before it looks for
	// stalled ones again.
	pipesLook = moment(100 * time.Millisecond)
)

// pipeQuota counts the stalled pipes of all loops.
type pipeQuota struct {
	limit int64 // constant
	used  atomic.Int64
}

func (q *pipeQuota) take() bool {
	if q.used.Add(1) <= q.limit {
		return true
	}
	q.used.Add(-1)
	return false
}

// room reports whether one more pipe may be out: so many may as the loop lends, besides those
// that have stalled while the quota for them lasts. Like all below, it is called
// with the mutex held.
func (s *pipes) room(now moment) bool {
	if len(s.out)-s.stalled < s.most {
		return true
	}
	if now < s.look {
		return false
	}
	s.look = now + pipesLook
	for _, p := range s.out {
		if p.stalled || !p.stuck(now) {
			continue
		}
		if !s.quota.take() {
			break
		}
		p.stalled = true
		s.stalled++
	}
	return len(s.out)-s.stalled < s.most
}

// recover counts p among those at work again.
func (s *pipes) recover(p *pipe) {
	if p.stalled {
		p.stalled = false
		s.stalled--
		s.quota.used.Add(-1)
	}
}

// stall notes that the destination takes nothing of what the pipe holds.
func (p *pipe) stall(now moment) {
	if p.since.Load() == 0 {
		p.since.Store(int64(now))
	}
}

// stuck says whether that has been so for pipeStall.
func (p *pipe) stuck(now moment) bool {
	since := moment(p.since.Load())
	return since != 0 && since+pipeStall <= now
}

// moved notes that the destination takes something again. It takes the mutex.
func (s *pipes) moved(p *pipe) {
	if p.since.Load() == 0 {
		return
	}
	p.since.Store(0)
	if p.stalled {
		s.mu.Lock()
		s.recover(p)
		s.mu.Unlock()
	}
}

// figures are those of a loop's pipes. They take the mutex.
func (s *pipes) figures(now moment) Pipes {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := Pipes{Spare: len(s.spare), Refused: s.refused}
	for _, p := range s.out {
		if p.stuck(now) {
			f.Stalled++
		}
	}
	f.Lent = len(s.out) - f.Stalled
	return f
}
