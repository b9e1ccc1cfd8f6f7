package access

import (
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// cacheSize is how many entries a cache has at most, unless it is told otherwise.
// It is KumoMTA's.
const cacheSize = 128

// cache remembers values for a while, those used last. What was computed in
// another epoch is forgotten. It may be used by any goroutine.
type cache[K comparable, V any] struct {
	ttl     atomic.Int64
	epoch   func() uint64
	entries *lru.Cache[K, remembered[V]]
}

type remembered[V any] struct {
	value V
	until time.Time
	epoch uint64
}

func newCache[K comparable, V any](ttl time.Duration, epoch func() uint64) *cache[K, V] {
	entries, err := lru.New[K, remembered[V]](cacheSize)
	if err != nil {
		panic(err) // the size is not positive
	}
	c := &cache[K, V]{epoch: epoch, entries: entries}
	c.ttl.Store(int64(ttl))
	return c
}

// get gives what is remembered, or what compute says now, which is remembered
// unless it is an error.
func (c *cache[K, V]) get(key K, compute func() (V, error)) (V, error) {
	epoch, now := c.epoch(), time.Now() // before: what is computed may be older than a new epoch
	if known, ok := c.entries.Get(key); ok && known.epoch == epoch && now.Before(known.until) {
		return known.value, nil
	}
	v, err := compute()
	if ttl := time.Duration(c.ttl.Load()); err == nil && ttl > 0 {
		c.entries.Add(key, remembered[V]{value: v, until: now.Add(ttl), epoch: epoch})
	}
	return v, err
}
