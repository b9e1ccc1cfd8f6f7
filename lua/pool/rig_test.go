package pool

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// thing is a state that knows whether it may be used.
type thing struct {
	id     int64
	inUse  atomic.Bool
	closed atomic.Bool
}

// rig is a pool of things in a bubble where time is the test's.
type rig struct {
	*Pool[*thing]
	t      *testing.T
	built  atomic.Int64
	meter  *Meter
	limits *Limits
	mu     sync.Mutex
	freed  []int64
}

func newRig(t *testing.T, change ...func(*Options[*thing])) *rig {
	t.Helper()
	r := &rig{t: t, meter: NewMeter(), limits: NewLimits()}
	o := Options[*thing]{
		Build: func(context.Context) (*thing, error) { return &thing{id: r.built.Add(1)}, nil },
		Close: r.free, Meter: r.meter, Limits: r.limits,
		heap: func() uint64 { return 0 },
	}
	for _, f := range change {
		f(&o)
	}
	r.Pool = New(o)
	return r
}

func (r *rig) free(s *thing) {
	if s.inUse.Load() || s.closed.Swap(true) {
		r.t.Errorf("state %d freed while in use or twice", s.id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.freed = append(r.freed, s.id)
}

// call runs f on a state and returns which one that was.
func (r *rig) call(f func(context.Context) error) (int64, error) {
	var id int64
	err := r.Do(context.Background(), "event", func(ctx context.Context, s *thing) error {
		if s.inUse.Swap(true) || s.closed.Load() {
			r.t.Errorf("state %d lent twice, or after it was freed", s.id)
		}
		defer s.inUse.Store(false)
		id = s.id
		return f(ctx)
	})
	if err != nil {
		return 0, err // a call that was given up may still be writing
	}
	return id, nil
}

// gone are the states that were freed.
func (r *rig) gone() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.freed)
}

func nothing(context.Context) error { return nil }

func (r *rig) mustCall(f func(context.Context) error) int64 {
	r.t.Helper()
	id, err := r.call(f)
	if err != nil {
		r.t.Fatalf("got %v; want the call to succeed", err)
	}
	return id
}
