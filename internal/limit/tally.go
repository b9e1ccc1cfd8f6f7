package limit

import "sync"

// Tally counts what is open by key. Its methods may be called from any goroutine.
// The zero value counts nothing yet. It holds the keys of which something is open,
// and no others.
type Tally[K comparable] struct {
	mu   sync.Mutex
	open map[K]int
}

// Enter counts one more of key, unless most or more are open; most is at least 1.
// Who has entered owes a Leave.
func (t *Tally[K]) Enter(key K, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[key] >= most {
		return false
	}
	if t.open == nil {
		t.open = make(map[K]int)
	}
	t.open[key]++
	return true
}

// Leave counts one less of key.
func (t *Tally[K]) Leave(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[key]--; t.open[key] > 0 {
		return
	}
	delete(t.open, key)
	if len(t.open) == 0 {
		t.open = nil // a map never shrinks by itself
	}
}

// Keys is of how many keys something is open.
func (t *Tally[K]) Keys() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}
