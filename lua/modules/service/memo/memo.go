// Package memo is kumo.memoize: caches of function results that all Lua states of
// the process share.
//
// What it keeps are values that no state owns; a state gets a copy each time. It
// runs the function of the script in the state that asked, never in another, and
// starts no goroutine. Arguments are kept as a digest alone, for they are often
// passwords. It exports no metrics: Stats says what there is to export.
package memo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// MaxCaches is how many names can be in use. Names come from the text of a policy
// and are few; names made at run time would grow without end.
const MaxCaches = 1024

// MaxCapacity is the largest number of results in one cache.
const MaxCapacity = 1 << 20

// MaxNested is how many memoized functions one state may run inside one another.
// An error passes through all of them, and the time that takes grows with the
// square of their number.
const MaxNested = 64

var (
	errReserved = errors.New("the name belongs to a cache of the proxy itself")
	errTooMany  = fmt.Errorf("more than %d caches are defined", MaxCaches)
)

// Memo is all the caches of a process. Its methods may be called from any
// goroutine.
type Memo struct {
	epoch    func() uint64
	reserved []string

	mu     sync.Mutex
	caches map[string]*cache
	// waits is the flight that a state waits for: a state waits for one at most.
	waits map[*spec.Env]*flight
	// runs is how many functions a state runs inside one another.
	runs map[*spec.Env]int
}

// New has no caches yet. epoch is the generation of the policy, of which results
// with invalidate_with_epoch are part; nil means that it never changes. Names in
// reserved cannot be used.
func New(epoch func() uint64, reserved []string) *Memo {
	if epoch == nil {
		epoch = func() uint64 { return 0 }
	}
	return &Memo{
		epoch: epoch, reserved: reserved,
		caches: map[string]*cache{}, waits: map[*spec.Env]*flight{}, runs: map[*spec.Env]int{},
	}
}

// params are those of one cache. Two states that define a cache with the same
// params share it; other params under the same name begin a new one.
type params struct {
	name            string
	ttl             time.Duration
	capacity        int
	withEpoch       bool
	retryOnTimeout  bool
	populateTimeout time.Duration
	stale           bool
}

// define makes the cache unless it is there.
func (m *Memo) define(p params) error {
	if slices.Contains(m.reserved, p.name) {
		return errReserved
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.caches[p.name]
	switch {
	case ok && old.params == p:
		return nil
	case !ok && len(m.caches) >= MaxCaches:
		return errTooMany
	}
	c := newCache(m, p)
	if ok {
		c.count = old.count // what is counted goes on
	}
	m.caches[p.name] = c
	return nil
}

// cache is the one that has the name now, which a later define may have replaced
// since the function was made.
func (m *Memo) cache(name string) *cache {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.caches[name]
}

// Clear forgets all results. Lookups that are under way go on.
func (m *Memo) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.caches {
		c.entries.Purge()
	}
}

// Stats are the counters of one cache since the process began.
type Stats struct {
	Name      string
	Lookups   uint64 // calls of the memoized function
	Hits      uint64 // answered from the cache
	Misses    uint64 // not in the cache, or too old
	Populated uint64 // the function was run and its result kept
	Errors    uint64 // the function was run and raised
	Stale     uint64 // answered with a result too old, while somebody renewed it
	Inserted  uint64 // results kept
	Evicted   uint64 // results that gave way to newer ones
	Expired   uint64 // results found too old
	Waiting   int    // states that wait for another to run the function, now
	Size      int    // results kept, now
}

// Stats are those of all caches, in the order of their names.
func (m *Memo) Stats() []Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Stats, 0, len(m.caches))
	for name, c := range m.caches {
		s := *c.count
		s.Name, s.Size = name, c.entries.Len()
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Stats) int { return strings.Compare(a.Name, b.Name) })
	return all
}
