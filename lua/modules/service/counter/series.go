package counter

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

// series counts in a ring of buckets, each for a span of time; the newest is
// written, and one that falls out of the ring is forgotten. Its methods may be
// called from any goroutine.
type series struct {
	span time.Duration // of one bucket

	mu      sync.Mutex
	buckets []uint64
	newest  int
	since   time.Time // when the newest bucket began
}

func newSeries(buckets int, span time.Duration, initial uint64, now time.Time) *series {
	s := &series{span: span, buckets: make([]uint64, buckets), since: now}
	s.buckets[0] = initial
	return s
}

// turn empties the buckets that time has passed over. The caller holds the lock.
// A bucket begins where the one before it ended, however late somebody looks, so
// that the window does not drift.
func (s *series) turn(now time.Time) {
	passed := int64(now.Sub(s.since) / s.span)
	if passed <= 0 {
		return
	}
	s.since = s.since.Add(time.Duration(passed) * s.span)
	for range min(passed, int64(len(s.buckets))) {
		s.newest = (s.newest + 1) % len(s.buckets)
		s.buckets[s.newest] = 0
	}
}

// add adds n to the newest bucket, which stops at the largest uint64.
func (s *series) add(n uint64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	s.buckets[s.newest] = plus(s.buckets[s.newest], n)
}

// subtract takes n off the newest bucket, which stops at zero.
func (s *series) subtract(n uint64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	s.buckets[s.newest] -= min(n, s.buckets[s.newest])
}

// observe makes n the value of the newest bucket.
func (s *series) observe(n uint64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	s.buckets[s.newest] = n
}

// sum is that of the newest buckets that cover a time, at least one.
func (s *series) sum(over time.Duration, now time.Time) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	count := int64(over / s.span)
	if over%s.span != 0 {
		count++
	}
	var total uint64
	for i := range int(min(max(count, 1), int64(len(s.buckets)))) {
		total = plus(total, s.buckets[(s.newest-i+len(s.buckets))%len(s.buckets)])
	}
	return total
}

func plus(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return math.MaxUint64
	}
	return sum
}
