package files

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const defaultGlobs = 32 // KumoMTA's

type globKey struct{ pattern, base string }

type globResult struct {
	names   []string // changed by nobody
	expires time.Time
}

// globCache remembers results. Its methods may be called from any goroutine.
type globCache struct {
	mu      sync.Mutex
	results *simplelru.LRU[globKey, globResult]
}

func newGlobCache() *globCache {
	results, _ := simplelru.NewLRU[globKey, globResult](defaultGlobs, nil) // an error is for sizes below 1
	return &globCache{results: results}
}

func (c *globCache) get(key globKey, now time.Time) ([]string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.results.Get(key)
	return r.names, ok && now.Before(r.expires)
}

func (c *globCache) put(key globKey, names []string, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results.Add(key, globResult{names, expires})
}

func (c *globCache) resize(capacity int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results.Resize(max(capacity, 1))
}
