package actors

import (
	"sync"
	"time"
)

// reports holds what sessions report at their end until the metrics actor takes
// it. A message for each would wake the actor for each; so only the first one
// that it finds empty sends a message, and under load many go with one.
type reports struct {
	mu    sync.Mutex
	ended []sessionEnded // guarded by mu
	spare []sessionEnded // room for the next ones; guarded by mu
}

// sessionEnded is the end of a session that was more than a probe.
type sessionEnded struct {
	account *account
	relayed bool
	// Since accept; 0 is not reached.
	greeted, authenticated, requested, dialled, firstByte, total time.Duration

	dial    dialReport
	session *EndedSession // nil: no observer wants it
}

// add reports whether the metrics actor has to be told.
func (r *reports) add(e sessionEnded) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, e)
	return len(r.ended) == 1
}

// take empties it. What it returns is valid until the next call.
func (r *reports) take() []sessionEnded {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.ended
	clear(r.spare[:cap(r.spare)]) // its accounts may be gone
	r.ended, r.spare = r.spare[:0], taken
	return taken
}
