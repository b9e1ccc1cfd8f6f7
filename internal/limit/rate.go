package limit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Rate says whether one more of a key may begin now, by a token bucket for each
// key that holds what may begin in a second. The bucket is kept as one time: when
// it will be full again (the generic cell rate algorithm, ITU-T I.371 annex A).
//
// It remembers as many keys as it was made for. Of more, that which has been
// silent longest is forgotten and begins with a full bucket, as it would after a
// second of silence. Its methods may be called from any goroutine.
type Rate[K comparable] struct {
	mu   sync.Mutex
	full *simplelru.LRU[K, time.Time]
}

// NewRate is a Rate for so many keys, at least 1.
func NewRate[K comparable](keys int) *Rate[K] {
	full, err := simplelru.NewLRU[K, time.Time](keys, nil)
	if err != nil {
		panic(err) // keys is not positive
	}
	return &Rate[K]{full: full}
}

// Take counts one more of key that begins at now, unless perSecond have within the
// second before; perSecond is at least 1. What is refused is not counted, so that
// who keeps asking is served again as soon as who waits.
func (r *Rate[K]) Take(key K, perSecond int, now time.Time) bool {
	each := time.Second / time.Duration(perSecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	full, _ := r.full.Get(key)
	if full.Before(now) {
		full = now
	}
	if full = full.Add(each); full.Sub(now) > time.Second {
		return false
	}
	r.full.Add(key, full)
	return true
}

// Keys is how many keys are remembered.
func (r *Rate[K]) Keys() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.full.Len()
}
