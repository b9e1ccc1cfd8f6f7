package census

import (
	"slices"
	"sync"
)

// Roll lists those who are there, of whom there are very many: to enter and to
// leave costs a lock for a moment, and to look costs the copy of a slice. Its
// methods may be called from any goroutine, those about one member by one at a
// time. The zero value is ready.
type Roll[T Member] struct {
	mu      sync.Mutex
	members []T // in no order; guarded by mu
}

// Member has an Entry, by embedding it.
type Member interface {
	comparable
	entry() *Entry
}

// Entry is a member's place on its roll. The zero value is on none.
type Entry struct {
	place int32 // among the members, and one; guarded by the roll's mutex
}

func (e *Entry) entry() *Entry { return e }

// Enter puts m on the roll.
func (r *Roll[T]) Enter(m T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = append(r.members, m)
	m.entry().place = int32(len(r.members))
}

// Leave takes m off the roll, if it is on it.
func (r *Roll[T]) Leave(m T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, last := m.entry(), len(r.members)-1
	if e.place == 0 {
		return
	}
	moved := r.members[last]
	r.members[e.place-1] = moved
	moved.entry().place = e.place
	e.place = 0
	clear(r.members[last:]) // what has left must not be kept alive
	r.members = r.members[:last]
	if cap(r.members) > 1024 && cap(r.members) > 4*last {
		r.members = slices.Clone(r.members)
	}
}

// All are those who are there, in no order.
func (r *Roll[T]) All() []T {
	for room := 0; ; {
		all := make([]T, 0, room)
		r.mu.Lock()
		if n := len(r.members); n > room {
			r.mu.Unlock()
			room = n + n/8 // for those who come meanwhile; not under the lock, since there may be very many
			continue
		}
		all = append(all, r.members...)
		r.mu.Unlock()
		return all
	}
}
