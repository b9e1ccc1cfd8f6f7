package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// sizes say how much each workload does.
type sizes struct {
	clients    int
	sessions   int
	dialogues  int
	roundtrips int
	trippers   int // clients of the round trips
	bulk       byteSize
	idle       countPair
	settle     time.Duration // between opening the last idle session and reading its cost
	files      int           // RLIMIT_NOFILE; 0: none
}

func usualSizes() sizes {
	return sizes{
		clients: 64, sessions: 10_000, dialogues: 3_000, roundtrips: 100_000, trippers: 16,
		bulk: 1 << 30, idle: countPair{2_000, 8_000}, settle: 30 * time.Second,
	}
}

func quickSizes() sizes {
	return sizes{
		clients: 8, sessions: 200, dialogues: 50, roundtrips: 1_000, trippers: 8,
		bulk: 16 << 20, idle: countPair{50, 200}, settle: time.Second,
	}
}

// check refuses a size of nothing, which would divide by zero further on.
func (s *sizes) check() error {
	return errors.Join(
		atLeastOne("clients", s.clients),
		atLeastOne("sessions", s.sessions),
		atLeastOne("dialogues", s.dialogues),
		atLeastOne("roundtrips", s.roundtrips),
		atLeastOne("roundtrip-clients", s.trippers),
	)
}

func atLeastOne(flag string, n int) error {
	if n < 1 {
		return fmt.Errorf("--%s: expected at least 1, got %d", flag, n)
	}
	return nil
}

// byteSize is a flag: a count of bytes, at least one.
type byteSize int64

func (b *byteSize) Type() string { return "bytes" }

// String is the size in the largest unit that divides it.
func (b *byteSize) String() string {
	for _, u := range byteUnits() {
		if n := int64(*b); n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// Set takes a whole number and a unit out of B, KiB, MiB, GiB.
func (b *byteSize) Set(s string) error {
	for _, u := range byteUnits() {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 1 || n > maxBulk/u.bytes {
			break
		}
		*b = byteSize(n * u.bytes)
		return nil
	}
	return errors.New("expected a size as 1GiB, 64MiB, 512KiB or 4096B, up to 1024GiB")
}

const maxBulk = 1 << 40

type byteUnit struct {
	name  string
	bytes int64
}

// byteUnits are the largest first, so that a name is not cut off as its suffix.
func byteUnits() []byteUnit {
	return []byteUnit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
}

// countPair is a flag: two counts, the second larger.
type countPair struct{ low, high int }

func (c *countPair) Type() string   { return "count,count" }
func (c *countPair) String() string { return fmt.Sprintf("%d,%d", c.low, c.high) }

func (c *countPair) Set(s string) error {
	low, high, _ := strings.Cut(s, ",")
	var p countPair
	var err1, err2 error
	p.low, err1 = strconv.Atoi(low)
	p.high, err2 = strconv.Atoi(high)
	if err1 != nil || err2 != nil || p.low < 1 || p.high <= p.low {
		return errors.New("expected two counts as 2000,8000, the second larger")
	}
	*c = p
	return nil
}

// capped is the pair with no more than limit sessions, in the same proportion.
func (c countPair) capped(limit int) countPair {
	if c.high <= limit {
		return c
	}
	limit = max(limit, 2)
	return countPair{low: min(max(1, c.low*limit/c.high), limit-1), high: limit}
}
