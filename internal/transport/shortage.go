package transport

import (
	"context"
	"net/netip"
	"time"
)

const (
	// holdBackMin and holdBackMax bound the wait after an accept that failed
	// for want of descriptors or memory; it doubles from one to the other.
	holdBackMin = 50 * time.Millisecond
	holdBackMax = time.Second
	// shedAfter is how long clients may wait in the kernel's queue for a
	// descriptor before they are closed unserved.
	shedAfter = 2 * time.Second
)

// shortage is a time in which no client can be accepted.
type shortage struct {
	since time.Time // when it began, or when the queue was last emptied
	pause time.Duration
}

// holdBack tells of the accept that failed with cause and waits. Once it has
// lasted for shedAfter, all clients in the queue are closed instead, one by each
// call of shed, which is false when there is none: one that hears at once can go
// elsewhere.
func (s *shortage) holdBack(ctx context.Context, a Acceptance, cause error, shed func() (netip.AddrPort, bool)) {
	now := time.Now()
	if s.since.IsZero() {
		s.since = now
	}
	a.HoldBack(cause)
	if isDescriptors(cause) && now.Sub(s.since) >= shedAfter {
		for ctx.Err() == nil {
			client, ok := shed()
			if !ok {
				break
			}
			a.Shed(client, cause)
		}
		s.since = now
	}
	wait := time.NewTimer(s.pause)
	defer wait.Stop()
	s.pause = min(2*s.pause, holdBackMax)
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}
