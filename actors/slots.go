package actors

import "context"

// slots bounds the sessions of the daemon. One is taken before a client is
// accepted and counts both of a session's descriptors, so that neither the
// source's socket nor the upstream's can lack one later. While none is free,
// clients wait in the kernel's queue.
type slots struct {
	free chan struct{}
}

func newSlots(n int) *slots { return &slots{free: make(chan struct{}, n)} }

// enter takes a slot, or gives up when ctx ends.
func (s *slots) enter(ctx context.Context) error {
	select {
	case s.free <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives a slot back.
func (s *slots) leave() { <-s.free }
