package pool

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

// Options of a pool. Build and Close must be set; the zero value of all others
// is right for hooks that clients wait for.
type Options[S any] struct {
	// Build makes a state, on the goroutine of the call that needs it, and ends
	// early when ctx does.
	Build func(ctx context.Context) (S, error)
	// Close frees a state that nobody will use again. It is called once for each
	// state and never while a call uses it.
	Close func(S)

	// Size is how many calls may run at once. Default 64.
	Size int
	// Wait is how long a call waits for its turn. Default 2 s; negative: not at all.
	Wait time.Duration
	// Deadline bounds a call, the building of its state included. Default 5 s;
	// negative: none.
	Deadline time.Duration
	// Abandoned is how many states may be abandoned before further calls are
	// refused. Default 16.
	Abandoned int
	// HeapBudget is by how many bytes the heap may grow while a call runs.
	// Default 256 MiB.
	HeapBudget uint64
	// Limits and Meter are those of this pool alone when they are nil.
	Limits *Limits
	Meter  *Meter

	heap func() uint64 // a test's
}

func (o Options[S]) withDefaults() Options[S] {
	o.Size = cmp.Or(o.Size, 64)
	o.Wait = cmp.Or(o.Wait, 2*time.Second)
	o.Deadline = cmp.Or(o.Deadline, 5*time.Second)
	o.Abandoned = cmp.Or(o.Abandoned, 16)
	o.HeapBudget = cmp.Or(o.HeapBudget, DefaultHeapBudget)
	if o.Limits == nil {
		o.Limits = NewLimits()
	}
	if o.Meter == nil {
		o.Meter = NewMeter()
	}
	if o.heap == nil {
		o.heap = heapInUse
	}
	return o
}

// Pool lends states of type S. Its methods may be called from any goroutine.
// It has no goroutine while no call runs.
type Pool[S any] struct {
	options  Options[S]
	slots    chan struct{} // one per running call
	watchdog *watchdog
	closing  chan struct{}

	mu        sync.Mutex
	spare     []*state[S] // the one used last at the end
	sweep     *time.Timer // looks for states that are too old; nil: none is spare
	epoch     uint64
	abandoned int
	running   int           // goroutines of calls, the abandoned included
	gone      chan struct{} // closed when the pool is closed and none runs
	closed    bool
	collected time.Time // when garbage was last collected for a state
}

// New makes a pool without a state; each is built when a call needs it.
func New[S any](o Options[S]) *Pool[S] {
	o = o.withDefaults()
	return &Pool[S]{
		options:  o,
		slots:    make(chan struct{}, o.Size),
		watchdog: newWatchdog(o.HeapBudget, o.heap),
		closing:  make(chan struct{}),
		gone:     make(chan struct{}),
	}
}

// Patience is how long a call of Do may take at most: waiting and running. It
// is 0 when there is no deadline.
func (p *Pool[S]) Patience() time.Duration {
	if p.options.Deadline < 0 {
		return 0
	}
	return max(p.options.Wait, 0) + p.options.Deadline
}

// Do calls f with a state that is f's alone until f returns, on a goroutine of
// its own, and returns f's error. f must end soon after ctx ends, and use the
// state only in its goroutine. The state is used again only if f returned nil.
//
// When ctx or the deadline ends first, Do returns within some milliseconds, and f
// may still be running: what it writes must not be read when Do returns an error.
// The error is, for errors.Is, ErrBusy, ErrDeadline, ErrHeap, ErrClosed, ErrBuild,
// the cause of ctx, a *Panic, or what f returned.
func (p *Pool[S]) Do(ctx context.Context, event string, f func(ctx context.Context, s S) error) error {
	meter := p.options.Meter.event(event)
	meter.started.Add(1)
	began := time.Now()
	err := p.do(ctx, f)
	meter.took(time.Since(began))
	if err != nil {
		meter.failed.Add(1)
		if errors.Is(err, ErrBusy) {
			p.options.Meter.refused.Add(1)
		}
	}
	return err
}

// enter waits for a turn, which the caller owes back to slots.
func (p *Pool[S]) enter(ctx context.Context) error {
	if p.tooManyAbandoned() {
		return ErrBusy
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	if p.options.Wait < 0 {
		return ErrBusy
	}
	p.options.Meter.waiting.Add(1)
	defer p.options.Meter.waiting.Add(-1)
	patience := time.NewTimer(p.options.Wait)
	defer patience.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-patience.C:
		return ErrBusy
	case <-p.closing:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *Pool[S]) tooManyAbandoned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.abandoned >= p.options.Abandoned
}

// Bump makes every state that exists now be the last of its kind: none is used
// for another call.
func (p *Pool[S]) Bump() {
	p.mu.Lock()
	p.epoch++
	dropped := p.takeSpare()
	p.mu.Unlock()
	p.discard(dropped)
}

// closeGrace is how much longer Close waits for what should have ended.
const closeGrace = time.Second

// Close refuses further calls, lets those that run come to their end, frees the
// states and returns when no goroutine of the pool is left. It waits no longer
// than the deadline and a second: a state that is still abandoned then is freed
// when its call returns. It may be called again.
func (p *Pool[S]) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
		if p.running == 0 {
			close(p.gone)
		}
	}
	dropped := p.takeSpare()
	p.mu.Unlock()
	p.discard(dropped)

	patience := time.NewTimer(max(p.options.Deadline, 0) + closeGrace)
	defer patience.Stop()
	select {
	case <-p.gone:
	case <-patience.C:
	}
	p.watchdog.close()
}
