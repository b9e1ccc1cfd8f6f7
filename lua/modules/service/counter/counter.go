// Package counter is kumo.counter_series: counters over a sliding window of time,
// shared by all Lua states of the process, for rates and lockouts.
//
// It keeps numbers in memory and nothing else: they end with the process. It
// blocks nowhere and starts no goroutine.
package counter

import (
	"fmt"
	"math"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	// MaxSeries is how many names can be in use.
	MaxSeries = 1 << 16
	// MaxBuckets is how many buckets a series has at most, as in KumoMTA.
	MaxBuckets = 255

	define  = "kumo.counter_series.define"
	class   = "kumo.CounterSeries"
	maxSpan = 100 * 365 * 24 * time.Hour // a ring of the longest spans still fits a time.Duration
	exact   = 1 << 53                    // above it a Lua number may be another than was written
)

// Counters are all the series of a process. The methods may be called from any
// goroutine.
type Counters struct {
	now func() time.Time

	mu     sync.Mutex
	series map[string]*series
}

// New has no series yet. now is the clock.
func New(now func() time.Time) *Counters {
	return &Counters{now: now, series: map[string]*series{}}
}

// define is the series of a name. One with another shape takes its place.
func (c *Counters) define(name string, buckets int, span time.Duration, initial uint64) (*series, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.series[name]
	switch {
	case ok && old.span == span && len(old.buckets) == buckets:
		return old, nil
	case !ok && len(c.series) >= MaxSeries:
		return nil, fmt.Errorf("more than %d series are defined", MaxSeries)
	}
	s := newSeries(buckets, span, initial, c.now())
	c.series[name] = s
	return s, nil
}

// Module is kumo.counter_series.
func (c *Counters) Module() spec.Module {
	series := c.class()
	return spec.Module{
		Name: "kumo.counter_series",
		Doc:  "Counters over a sliding window of time, shared by all Lua states.",
		Functions: []spec.Function{{
			Name:    "define",
			Params:  []spec.Param{{Name: "params", Type: "table", Doc: "name; num_buckets, 1 to 255; bucket_size, a duration rounded up to whole seconds; initial_value, 0"}},
			Results: []spec.Result{{Type: class, Doc: "the series of that name"}},
			Doc: "The counter series of a name. It remembers num_buckets times bucket_size. A series that is there already with the same buckets is returned with its counts; " +
				"with other buckets it is replaced by an empty one. It raises on unknown keys and on values out of range.",
			Call: func(e *spec.Env, L *lua.LState) int { return c.open(e, L, series) },
		}},
		Classes: []spec.Class{*series},
	}
}

// class is that of one series.
func (c *Counters) class() *spec.Class {
	n := func(doc string) []spec.Param { return []spec.Param{{Name: "n", Type: "integer", Doc: doc}} }
	sum := []spec.Result{{Type: "integer", Doc: "the sum"}}
	return &spec.Class{
		Name: class,
		Doc:  "A counter over a sliding window of time. No count is ever below zero.",
		Methods: []spec.Function{
			{Name: "increment", Params: n("zero or more"), Doc: "Adds to the current bucket.", Call: c.increment},
			{Name: "delta", Params: n("any whole number"), Doc: "Adds to the current bucket, or takes off it, down to zero.", Call: c.delta},
			{Name: "observe", Params: n("zero or more"), Doc: "Makes n the value of the current bucket.", Call: c.observe},
			{Name: "sum", Results: sum, Doc: "The sum of all buckets.", Call: c.sum},
			{Name: "sum_over", Params: []spec.Param{{Name: "duration", Type: "number|string", Doc: "how far to look back"}}, Results: sum,
				Doc: "The sum of the newest buckets that cover the duration, the current one at least.", Call: c.sumOver},
		},
	}
}

func (c *Counters) open(e *spec.Env, L *lua.LState, class *spec.Class) int {
	o := call.Table(L, 1, define, "name", "num_buckets", "bucket_size", "initial_value")
	name := o.Name("name")
	buckets := o.Int("num_buckets", 1, MaxBuckets, 0)
	if buckets == 0 {
		o.Fail("num_buckets", "expected a whole number from 1 to %d", MaxBuckets)
	}
	span := o.Duration("bucket_size", 0)
	if span <= 0 || span > maxSpan {
		o.Fail("bucket_size", "expected a duration of at least a second, at most a hundred years")
	}
	span = (span + time.Second - 1).Truncate(time.Second)
	s, err := c.define(name, buckets, span, uint64(o.Int("initial_value", 0, exact, 0)))
	if err != nil {
		return call.Raise(L, define, err)
	}
	L.Push(object.New(e, L, class, s))
	return 1
}

// whole is the argument of a method, from low to 2^53.
func whole(L *lua.LState, method string, low lua.LNumber) int64 {
	n, ok := L.Get(2).(lua.LNumber)
	if !ok || n < low || n > exact || float64(n) != math.Trunc(float64(n)) {
		L.RaiseError("%s:%s: expected a whole number from %v to %d, got %s", class, method, low, exact, L.Get(2))
	}
	return int64(n)
}

func (c *Counters) increment(_ *spec.Env, L *lua.LState) int {
	s := object.Self[*series](L, class+":increment")
	s.add(uint64(whole(L, "increment", 0)), c.now())
	return 0
}

func (c *Counters) delta(_ *spec.Env, L *lua.LState) int {
	s := object.Self[*series](L, class+":delta")
	if n := whole(L, "delta", -exact); n < 0 {
		s.subtract(uint64(-n), c.now())
	} else {
		s.add(uint64(n), c.now())
	}
	return 0
}

func (c *Counters) observe(_ *spec.Env, L *lua.LState) int {
	s := object.Self[*series](L, class+":observe")
	s.observe(uint64(whole(L, "observe", 0)), c.now())
	return 0
}

func (c *Counters) sum(_ *spec.Env, L *lua.LState) int {
	s := object.Self[*series](L, class+":sum")
	L.Push(value.FromGo(L, s.sum(math.MaxInt64, c.now())))
	return 1
}

func (c *Counters) sumOver(_ *spec.Env, L *lua.LState) int {
	s := object.Self[*series](L, class+":sum_over")
	over, err := duration.FromLua(L.Get(2))
	if err != nil {
		return call.Raise(L, class+":sum_over", err)
	}
	L.Push(value.FromGo(L, s.sum(over, c.now())))
	return 1
}
