package counter

import (
	"math"
	"sync"
	"testing"
	"testing/quick"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

// clock is a time that stands still until a test moves it.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestWindow(t *testing.T) {
	c := &clock{at: time.Unix(1000, 0)}
	s := luatest.New(t, New(c.now).Module())
	s.Must(t, `s = kumo.counter_series.define {name = 'n', num_buckets = 5, bucket_size = '2s'}`)
	for _, step := range []struct {
		pass     time.Duration
		code     string
		sum      int64
		over     string
		sumOver  int64
		describe string
	}{
		{0, `s:increment(1)`, 1, "1s", 1, "first bucket"},
		{time.Second, `s:increment(2)`, 3, "0s", 3, "same bucket"},
		{time.Second, `s:increment(4)`, 7, "2s", 4, "second bucket"},
		{2 * time.Second, `s:delta(8) s:delta(-3)`, 12, "3s", 9, "third bucket, rounded up to two"},
		{4 * time.Second, `s:observe(20) s:observe(16)`, 28, "100 years", 28, "one bucket skipped"},
		{2 * time.Second, `s:delta(-5)`, 25, "4s", 16, "the first bucket is gone, and none is below zero"},
		{9 * time.Second, ``, 0, "10s", 0, "all but the current bucket are gone"},
	} {
		c.at = c.at.Add(step.pass)
		s.Must(t, step.code)
		if got := s.Must(t, `return s:sum()`); got != step.sum {
			t.Errorf("%s: sum: got %v; want %d", step.describe, got, step.sum)
		}
		if got := s.Must(t, `return s:sum_over('`+step.over+`')`); got != step.sumOver {
			t.Errorf("%s: sum_over %s: got %v; want %d", step.describe, step.over, got, step.sumOver)
		}
	}
}

func TestDefine(t *testing.T) {
	c := &clock{at: time.Unix(1000, 0)}
	all := New(c.now)
	a, b := luatest.New(t, all.Module()), luatest.New(t, all.Module())
	a.Must(t, `s = kumo.counter_series.define {name = 'n', num_buckets = 2, bucket_size = '1500ms', initial_value = 5} s:increment(1)`)
	if got := b.Must(t, `return kumo.counter_series.define({name = 'n', num_buckets = 2, bucket_size = 2, initial_value = 9}):sum()`); got != int64(6) {
		t.Errorf("same shape in another state: got %v; want 6", got)
	}
	if got := b.Must(t, `return kumo.counter_series.define({name = 'n', num_buckets = 3, bucket_size = 2}):sum()`); got != int64(0) {
		t.Errorf("another shape: got %v; want 0", got)
	}
	define := `kumo.counter_series.define`
	a.Raises(t, define+` {name = 'n', num_buckets = 0, bucket_size = 1}`, "num_buckets: expected a whole number from 1 to 255")
	a.Raises(t, define+` {name = 'n', num_buckets = 1, bucket_size = 0}`, "bucket_size: expected a duration of at least a second")
	a.Raises(t, define+` {name = 'n', num_buckets = 1, bucket_size = '200y'}`, "bucket_size: expected")
	a.Raises(t, define+` {num_buckets = 1, bucket_size = 1}`, "name: expected a string")
	a.Raises(t, define+` {name = 'n', num_buckets = 1, bucket_size = 1, x = 1}`, "unknown key 'x'")
	for _, call := range []string{`increment(-1)`, `increment(1.5)`, `observe('1')`, `delta(0/0)`, `increment(1e300)`, `delta()`} {
		a.Raises(t, `s:`+call, "expected a whole number from")
	}
	a.Raises(t, `s:sum_over('5')`, "kumo.CounterSeries:sum_over: ")
	a.Raises(t, `for i = 1, 70000 do `+define+` {name = 's' .. i, num_buckets = 1, bucket_size = 1} end`, "more than 65536 series")
}

func TestStatesCountTogether(t *testing.T) {
	all := New(time.Now)
	var wg sync.WaitGroup
	for range 4 {
		s := luatest.New(t, all.Module())
		wg.Go(func() {
			if _, err := s.Try(t.Context(), `local s = kumo.counter_series.define {name = 'n', num_buckets = 9, bucket_size = '1h'}
				for i = 1, 500 do s:increment(1) s:delta(1) end`); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := luatest.New(t, all.Module())
	if got := s.Must(t, `return kumo.counter_series.define({name = 'n', num_buckets = 9, bucket_size = '1h'}):sum()`); got != int64(4000) {
		t.Errorf("got %v; want 4000", got)
	}
}

func TestNoOverflow(t *testing.T) {
	now := time.Unix(0, 0)
	s := newSeries(2, time.Second, math.MaxUint64, now)
	s.add(1, now)
	s.add(5, now.Add(time.Second))
	if got := s.sum(time.Hour, now.Add(time.Second)); got != math.MaxUint64 {
		t.Errorf("got %d; want the largest number", got)
	}
	s.add(1, now.Add(-time.Hour)) // a clock that goes back
	if got := s.sum(0, now.Add(-time.Hour)); got != 6 {
		t.Errorf("got %d; want 6", got)
	}
}

// The series is what counting single events in a list would give.
func TestAgainstAList(t *testing.T) {
	type event struct {
		bucket int64
		n      uint64
	}
	check := func(steps []uint16, buckets uint8, over uint8) bool {
		size := int(buckets%7) + 1
		start := time.Unix(0, 0)
		s := newSeries(size, time.Second, 0, start)
		var events []event
		now := start
		for _, step := range steps {
			now = now.Add(time.Duration(step%3000) * time.Millisecond)
			s.add(uint64(step), now)
			events = append(events, event{int64(now.Sub(start) / time.Second), uint64(step)})
		}
		span := int64(max(min(int(over%9), size), 1))
		var want uint64
		for _, e := range events {
			if e.bucket > int64(now.Sub(start)/time.Second)-span {
				want += e.n
			}
		}
		return s.sum(time.Duration(over%9)*time.Second, now) == want
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}
