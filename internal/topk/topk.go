// Package topk finds what comes most often in a stream of any length, in memory of a
// fixed size.
//
// It is the Space-Saving algorithm of A. Metwally, D. Agrawal and A. El Abbadi,
// "Efficient Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005: a
// key that has no place takes that of the key with the smallest count, and goes on from
// that count, which is how far its own may be too high. With each key goes a value of
// the caller's, for what is to be known of it beside the count; that begins anew with
// the key's place, so whatever is summed up there is exact since then.
//
// The package keeps no time and forgets nothing by itself. Its data comes from its
// caller and goes back to it.
package topk

import "iter"

// Sketch holds at most as many keys as it was made for. It may be used by one goroutine
// at a time.
//
// After n calls of Add, with k places: a key that was added more than n/k times has a
// place; the count of a key is at least how often it was added, and at most that and
// its error; and no error is above n/k.
type Sketch[K comparable, V any] struct {
	places int
	where  map[K]*slot[K, V]
	heap   []*slot[K, V] // the smallest count first, and of these the oldest
	n      uint64
}

// slot is a place.
type slot[K comparable, V any] struct {
	Entry[K, V]
	at      int    // in the heap
	touched uint64 // when it was last added, by the count of all
}

// Entry is a key with a place.
type Entry[K comparable, V any] struct {
	Key K
	// Count is how often the key was added, at most; Count-Error is how often it was
	// added since it has its place, and so at least.
	Count, Error uint64
	// Value is the caller's: the zero value when the key got its place.
	Value V
}

// New makes a sketch with a number of places, at least one. It takes their memory as
// keys come, and never more.
func New[K comparable, V any](places int) *Sketch[K, V] {
	places = max(places, 1)
	return &Sketch[K, V]{places: places, where: make(map[K]*slot[K, V])}
}

// Add counts a key and gives its value, which is valid until the next call. When all
// places are taken a key without one takes that of the smallest count.
func (s *Sketch[K, V]) Add(key K) *V {
	s.n++
	one := s.where[key]
	if one == nil {
		one = s.place(key)
	}
	one.Count++
	one.touched = s.n
	s.sink(one.at)
	return &one.Value
}

// Total is how often Add was called.
func (s *Sketch[K, V]) Total() uint64 { return s.n }

// Len is how many keys have a place.
func (s *Sketch[K, V]) Len() int { return len(s.heap) }

// All are the keys that have a place, in no order. Nothing may be added meanwhile.
func (s *Sketch[K, V]) All() iter.Seq[*Entry[K, V]] {
	return func(yield func(*Entry[K, V]) bool) {
		for _, one := range s.heap {
			if !yield(&one.Entry) {
				return
			}
		}
	}
}

// place is a new one, or that of the key with the smallest count.
func (s *Sketch[K, V]) place(key K) *slot[K, V] {
	if len(s.heap) < s.places {
		one := &slot[K, V]{Entry: Entry[K, V]{Key: key}, at: len(s.heap)}
		s.heap = append(s.heap, one)
		s.where[key] = one
		s.rise(one.at) // with 0 it is the smallest, and sinks from there
		return one
	}
	one := s.heap[0]
	delete(s.where, one.Key)
	one.Entry = Entry[K, V]{Key: key, Count: one.Count, Error: one.Count}
	s.where[key] = one
	return one
}

func (s *Sketch[K, V]) less(a, b int) bool {
	x, y := s.heap[a], s.heap[b]
	return x.Count < y.Count || x.Count == y.Count && x.touched < y.touched
}

func (s *Sketch[K, V]) swap(a, b int) {
	s.heap[a], s.heap[b] = s.heap[b], s.heap[a]
	s.heap[a].at, s.heap[b].at = a, b
}

// rise moves a slot towards the smallest.
func (s *Sketch[K, V]) rise(i int) {
	for i > 0 && s.less(i, (i-1)/2) {
		s.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

// sink moves a slot away from the smallest.
func (s *Sketch[K, V]) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.heap); child++ {
			if s.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		s.swap(i, least)
		i = least
	}
}
