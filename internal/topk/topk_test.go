package topk

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// check holds a sketch to what its paper proves, against the exact counts.
func check(t *testing.T, s *Sketch[int, uint64], places int, exact map[int]uint64) {
	t.Helper()
	var n, sum uint64
	for _, c := range exact {
		n += c
	}
	if s.Total() != n || s.Len() > places || s.Len() != min(places, len(exact)) {
		t.Fatalf("got %d of %d places, %d added; want %d keys, %d added", s.Len(), places, s.Total(), len(exact), n)
	}
	bound := n / uint64(places)
	held := make(map[int]bool)
	for e := range s.All() {
		held[e.Key] = true
		sum += e.Count
		if truth := exact[e.Key]; e.Count < truth || e.Count-e.Error > truth || e.Error > bound {
			t.Fatalf("key %d: got %d with error %d; want it about %d, and the error at most %d", e.Key, e.Count, e.Error, truth, bound)
		}
		if e.Value != e.Count-e.Error {
			t.Fatalf("key %d: its value was counted up to %d; want %d", e.Key, e.Value, e.Count-e.Error)
		}
	}
	if sum != n {
		t.Fatalf("the counts add up to %d; want %d", sum, n)
	}
	for key, truth := range exact {
		if truth > bound && !held[key] {
			t.Fatalf("key %d came %d times of %d and has no place", key, truth, n)
		}
	}
}

// TestBounds: the guarantees hold at any moment, for streams of some heavy keys and of
// none.
func TestBounds(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 7))
		places := 1 + rng.IntN(40)
		keys := 1 + rng.IntN(200)
		zipf := rand.NewZipf(rng, 1.01+2*rng.Float64(), 1, uint64(keys-1))
		s, exact := New[int, uint64](places), make(map[int]uint64)
		for range 1 + rng.IntN(3000) {
			key := int(zipf.Uint64())
			if seed%3 == 0 {
				key = rng.IntN(keys)
			}
			*s.Add(key)++
			exact[key]++
			if rng.IntN(20) == 0 {
				check(t, s, places, exact)
			}
		}
		check(t, s, places, exact)
	}
}

// FuzzBounds does the same with any stream.
func FuzzBounds(f *testing.F) {
	f.Add(uint8(3), []byte("aabacadaeafag"))
	f.Add(uint8(0), []byte{})
	f.Add(uint8(1), []byte{0, 1, 0, 1, 2})
	f.Fuzz(func(t *testing.T, places uint8, stream []byte) {
		s, exact := New[int, uint64](int(places)), make(map[int]uint64)
		for _, b := range stream {
			*s.Add(int(b))++
			exact[int(b)]++
			check(t, s, max(int(places), 1), exact)
		}
	})
}

// TestScanLeavesTheHeavy: who comes often keeps the place, and its count stays exact,
// through ten times as many keys as there are places, each of which comes once.
func TestScanLeavesTheHeavy(t *testing.T) {
	s := New[int, uint64](100)
	for i := range 10 {
		for range 1000 {
			s.Add(-1 - i)
		}
	}
	for key := range 1000 {
		s.Add(key)
	}
	heavy := make(map[int]uint64)
	for e := range s.All() {
		if e.Key < 0 && e.Error == 0 {
			heavy[e.Key] = e.Count
		}
	}
	if len(heavy) != 10 || slices.Max(slices.Collect(maps.Values(heavy))) != 1000 || slices.Min(slices.Collect(maps.Values(heavy))) != 1000 {
		t.Errorf("got %v; want ten keys of 1000, without error", heavy)
	}
}

// TestAllocations: once all places are taken nothing more is.
func TestAllocations(t *testing.T) {
	s := New[int, uint64](100)
	next := 0
	if got := testing.AllocsPerRun(10_000, func() { s.Add(next); next++ }); got > 0.1 {
		t.Errorf("got %v allocations for a key; want none", got)
	}
}

// BenchmarkAdd is a key that has its place, and one that takes another's.
func BenchmarkAdd(b *testing.B) {
	for _, tt := range []struct {
		name string
		keys uint64
	}{{"held", 1000}, {"new", 1 << 40}} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			s := New[uint64, [20]uint64](1000)
			rng := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				s.Add(rng.Uint64N(tt.keys))
			}
		})
	}
}
