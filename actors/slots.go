package actors

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// slotPatience is how long a client may wait for a slot before it is closed.
const slotPatience = 2 * time.Second

// slots bounds the sessions of the daemon. One is taken before a client is
// accepted and counts both of a session's descriptors, so that neither the
// source's socket nor the upstream's can lack one later. Attempts that race for
// a name take their further ones from the reserve. While no slot is free,
// clients wait in the kernel's queue; once that has lasted for slotPatience,
// they are let in to be closed, because a client that is answered can go
// elsewhere and one that waits cannot.
//
// Its methods may be called from any goroutine.
type slots struct {
	free chan struct{}
	shed atomic.Int64 // clients let in to be closed, and not claimed yet

	mu    sync.Mutex
	since time.Time // when a slot was first missed since one was taken
}

func newSlots(n int) *slots { return &slots{free: make(chan struct{}, n)} }

// enter takes a slot, or leave to close a client unserved, which claim tells.
// It waits for as long as ctx lives.
func (s *slots) enter(ctx context.Context) error {
	select {
	case s.free <- struct{}{}:
		s.took()
		return nil
	default:
	}
	patience := time.NewTimer(s.missed())
	defer patience.Stop()
	select {
	case s.free <- struct{}{}:
		s.took()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.shed.Add(1)
		return nil
	}
}

// missed says how much longer to wait for a slot.
func (s *slots) missed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.since.IsZero() {
		s.since = now
	}
	return max(s.since.Add(slotPatience).Sub(now), 0)
}

// wanted says whether none is free, and an acceptor waits for one: for a client that has
// come, or would come next.
func (s *slots) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.since.IsZero() && len(s.free) == cap(s.free)
}

func (s *slots) took() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Time{}
}

// claim reports whether the client that was just accepted has no slot, not even one
// that was given back meanwhile, and is to be closed.
func (s *slots) claim() bool {
	for n := s.shed.Load(); n > 0; n = s.shed.Load() {
		if s.shed.CompareAndSwap(n, n-1) {
			select {
			case s.free <- struct{}{}: // it has come free before the client came
				s.took()
				return false
			default:
				return true
			}
		}
	}
	return false
}

// unused undoes an enter that no client came of.
func (s *slots) unused() {
	if !s.claim() {
		s.leave()
	}
}

// leave gives a slot back.
func (s *slots) leave() { <-s.free }
