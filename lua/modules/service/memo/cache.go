package memo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

var (
	errRecursion = errors.New("the function asks for the very result that it is to compute")
	errCycle     = errors.New("the function waits for a result that waits for this one")
	errNested    = fmt.Errorf("more than %d memoized functions run inside one another", MaxNested)
	errPopulate  = errors.New("waited longer than populate_timeout for another caller to compute the result")
)

// cache is one cache. The lock of Memo guards all of it; it is never held while
// Lua runs.
type cache struct {
	memo    *Memo
	params  params
	entries *simplelru.LRU[key, entry]
	flights map[key]*flight
	count   *Stats
}

type entry struct {
	value   any
	expires time.Time
}

// flight is one run of the function, by the state of owner. The fields below done
// are set before it is closed and constant after.
type flight struct {
	owner *spec.Env
	done  chan struct{}

	value any
	err   error // what the function raised; nil when it returned
	again bool  // it was cut short for a reason that is its caller's own
}

func newCache(m *Memo, p params) *cache {
	c := &cache{memo: m, params: p, flights: map[key]*flight{}, count: &Stats{}}
	// The capacity is positive, which is all that NewLRU asks for.
	c.entries, _ = simplelru.NewLRU[key, entry](p.capacity, nil)
	return c
}

// answer is what to do about a lookup: exactly one of its cases.
type answer struct {
	hit    bool // value is the result
	value  any
	run    *flight // run the function and land this
	flight *flight // wait for this
}

// look decides about a lookup of e. The error is errNested.
func (c *cache) look(k key, e *spec.Env, now time.Time) (answer, error) {
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	old, found := c.entries.Get(k)
	if found && now.Before(old.expires) {
		c.count.Hits++
		return answer{hit: true, value: old.value}, nil
	}
	running := c.flights[k]
	if found && c.params.stale && running != nil {
		c.count.Stale++
		return answer{hit: true, value: old.value}, nil
	}
	c.count.Misses++
	if found {
		c.count.Expired++
		if !c.params.stale {
			c.entries.Remove(k)
		}
	}
	if running != nil {
		return answer{flight: running}, nil
	}
	if c.memo.runs[e] >= MaxNested {
		return answer{}, errNested
	}
	c.memo.runs[e]++
	f := &flight{owner: e, done: make(chan struct{})}
	c.flights[k] = f
	return answer{run: f}, nil
}

// land ends a flight that look gave to its caller.
func (c *cache) land(k key, f *flight, now time.Time) {
	c.memo.mu.Lock()
	if c.flights[k] == f {
		delete(c.flights, k)
	}
	if c.memo.runs[f.owner]--; c.memo.runs[f.owner] == 0 {
		delete(c.memo.runs, f.owner)
	}
	switch {
	case f.err != nil || f.again:
		c.count.Errors++
	default:
		c.count.Populated++
		c.count.Inserted++
		if c.entries.Add(k, entry{value: f.value, expires: now.Add(c.params.ttl)}) {
			c.count.Evicted++
		}
	}
	c.memo.mu.Unlock()
	close(f.done)
}

// wait waits for the flight of another state. An error means that there is no
// waiting, or that it took too long; what the flight brought is in it.
func (c *cache) wait(ctx context.Context, f *flight, e *spec.Env) error {
	if err := c.memo.board(f, e, c.count); err != nil {
		return err
	}
	defer c.memo.leave(e, c.count)
	timeout := time.NewTimer(c.params.populateTimeout)
	defer timeout.Stop()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout.C:
		return errPopulate
	}
}

// board notes that e waits for f, unless f waits for e, directly or over others:
// then neither would ever end.
func (m *Memo) board(f *flight, e *spec.Env, count *Stats) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.owner == e {
		return errRecursion
	}
	for next := m.waits[f.owner]; next != nil; next = m.waits[next.owner] {
		if next.owner == e {
			return errCycle
		}
	}
	m.waits[e] = f
	count.Waiting++
	return nil
}

func (m *Memo) leave(e *spec.Env, count *Stats) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.waits, e)
	count.Waiting--
}

// drop lets the next caller run the function although f has not ended: it takes
// too long.
func (c *cache) drop(k key, f *flight) {
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	if c.flights[k] == f {
		delete(c.flights, k)
	}
}
