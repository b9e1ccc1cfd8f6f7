package pool

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStatesAreUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Close()
		for range 3 {
			if got := r.mustCall(nothing); got != 1 {
				t.Errorf("got state %d; want the first again", got)
			}
		}
		s := r.meter.Snapshot()
		if s.Loads != 1 || s.States != 1 || s.Spare != 1 || s.Events["event"].Started != 3 || s.Events["event"].Count != 3 {
			t.Errorf("got %+v; want one state, spare, after three calls", s)
		}
	})
}

var errRaised = errors.New("raised")

// What has raised, panicked or been given up may be in any condition.
func TestSpoiledStatesAreNotUsedAgain(t *testing.T) {
	for name, f := range map[string]func(context.Context) error{
		"raised":   func(context.Context) error { return errRaised },
		"panicked": func(context.Context) error { panic("boom") },
		"late":     func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Close()
				if _, err := r.call(f); err == nil {
					t.Error("got no error; want one")
				}
				if got := r.mustCall(nothing); got != 2 {
					t.Errorf("got state %d; want a new one", got)
				}
				if !slices.Equal(r.gone(), []int64{1}) {
					t.Errorf("freed %v; want the first", r.gone())
				}
				if got := r.meter.Snapshot(); got.States != 1 || got.Events["event"].Failed != 1 {
					t.Errorf("got %+v; want one state and one failure", got)
				}
			})
		})
	}
}

func TestErrorsAreTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Close()
		if _, err := r.call(func(context.Context) error { return errRaised }); !errors.Is(err, errRaised) {
			t.Errorf("got %v; want what was returned", err)
		}
		_, err := r.call(func(context.Context) error { panic(errRaised) })
		if p, ok := errors.AsType[*Panic](err); !ok || len(p.Stack) == 0 || !errors.Is(err, errRaised) {
			t.Errorf("got %v; want a *Panic with a stack", err)
		}
		words := errors.New("line 7")
		_, err = r.call(func(ctx context.Context) error { <-ctx.Done(); return words })
		if !errors.Is(err, ErrDeadline) || !errors.Is(err, words) {
			t.Errorf("got %v; want ErrDeadline with the last words", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[*thing]) {
			o.Build = func(context.Context) (*thing, error) { return nil, errRaised }
		})
		defer r.Close()
		if _, err := r.call(nothing); !errors.Is(err, ErrBuild) || !errors.Is(err, errRaised) {
			t.Errorf("got %v; want ErrBuild and its reason", err)
		}
		if got := r.meter.Snapshot(); got.States != 0 || got.Loads != 0 {
			t.Errorf("got %+v; want no state counted", got)
		}
	})
}

// A caller whose context ends is answered at once, and its state is gone.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Close()
		left := errors.New("the client left")
		ctx, cancel := context.WithCancelCause(context.Background())
		began := time.Now()
		time.AfterFunc(time.Second, func() { cancel(left) })
		err := r.Do(ctx, "event", func(ctx context.Context, _ *thing) error { <-ctx.Done(); return ctx.Err() })
		if !errors.Is(err, left) || time.Since(began) > time.Second+lastWords {
			t.Errorf("got %v after %v; want the cause after 1s", err, time.Since(began))
		}
		if r.mustCall(nothing) != 2 {
			t.Error("the state of a cancelled call was used again")
		}
	})
}

// hold keeps a call busy until release is closed, whatever its context says.
func hold(release <-chan struct{}) func(context.Context) error {
	return func(context.Context) error { <-release; return nil }
}

func TestABusyPoolAnswersAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[*thing]) { o.Size, o.Deadline = 2, time.Hour })
		release := make(chan struct{})
		for range 2 {
			go r.call(hold(release))
		}
		synctest.Wait()
		began := time.Now()
		go func() {
			synctest.Wait() // the call below waits
			if got := r.meter.Snapshot().Waiting; got != 1 {
				t.Errorf("%d calls are said to wait; want 1", got)
			}
		}()
		_, err := r.call(nothing)
		if got := r.meter.Snapshot().Waiting; got != 0 {
			t.Errorf("%d calls are said to wait after it; want 0", got)
		}
		if got := time.Since(began); !errors.Is(err, ErrBusy) || got != 2*time.Second {
			t.Errorf("got %v after %v; want ErrBusy after 2s", err, got)
		}
		time.AfterFunc(time.Second, func() { close(release) })
		if r.mustCall(nothing); r.built.Load() != 2 {
			t.Errorf("built %d states; want 2", r.built.Load())
		}
		if got := r.meter.Snapshot().Refused; got != 1 {
			t.Errorf("counted %d refused calls; want 1", got)
		}
		r.Close()
	})
}

// A library function that does not look at its context cannot be stopped. Its
// caller is answered, its place is free for others, and it is counted.
func TestAbandonedStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[*thing]) { o.Size, o.Abandoned = 1, 2 })
		release := make(chan struct{})
		for i := range 2 {
			began := time.Now()
			_, err := r.call(hold(release))
			if got := time.Since(began); !errors.Is(err, ErrDeadline) || got != 5*time.Second+lastWords {
				t.Errorf("call %d: got %v after %v; want ErrDeadline after 5s", i, err, got)
			}
		}
		if got := r.meter.Snapshot(); got.Abandoned != 2 || got.States != 2 {
			t.Errorf("got %+v; want 2 states, both abandoned", got)
		}
		began := time.Now()
		if _, err := r.call(nothing); !errors.Is(err, ErrBusy) || time.Since(began) != 0 {
			t.Errorf("got %v after %v; want ErrBusy at once", err, time.Since(began))
		}
		close(release)
		synctest.Wait()
		if got := r.meter.Snapshot(); got.Abandoned != 0 || got.States != 0 || len(r.gone()) != 2 {
			t.Errorf("got %+v, freed %v; want none abandoned, both freed", got, r.gone())
		}
		r.mustCall(nothing)
		r.Close()
	})
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name string
		set  func(*Limits)
		wait time.Duration
		want []int64 // the states of four calls
	}{
		{"uses", func(l *Limits) { l.SetMaxUses(2) }, 0, []int64{1, 1, 2, 2}},
		{"age", func(l *Limits) { l.SetMaxAge(5 * time.Second) }, 2 * time.Second, []int64{1, 1, 1, 2}},
		{"age by default", func(*Limits) {}, 150 * time.Second, []int64{1, 1, 2, 2}},
		{"no spare", func(l *Limits) { l.SetMaxSpare(0) }, 0, []int64{1, 2, 3, 4}},
		{"never below one use", func(l *Limits) { l.SetMaxUses(0) }, 0, []int64{1, 2, 3, 4}},
		{"garbage collected", func(l *Limits) { l.SetGCOnPut(100) }, 0, []int64{1, 1, 1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Close()
				tt.set(r.limits)
				var got []int64
				for range tt.want {
					got = append(got, r.mustCall(nothing))
					wait(tt.wait)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got states %v; want %v", got, tt.want)
				}
			})
		})
	}
}

// wait lets the bubble's time pass.
func wait(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// A pool that nobody asks for anything must not hold its states for ever.
func TestOldSpareStatesAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Close()
		r.mustCall(nothing)
		wait(299 * time.Second)
		if got := r.meter.Snapshot().Spare; got != 1 {
			t.Errorf("%d spare states after 299s; want 1", got)
		}
		wait(40 * time.Second)
		if got := r.meter.Snapshot(); got.Spare != 0 || got.States != 0 || len(r.gone()) != 1 {
			t.Errorf("got %+v, freed %v after 339s; want the state freed", got, r.gone())
		}
	})
}

func TestBump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Close()
		r.mustCall(nothing)
		r.Bump()
		if got := r.mustCall(func(context.Context) error { r.Bump(); return nil }); got != 2 {
			t.Errorf("got state %d after Bump; want a new one", got)
		}
		if got := r.mustCall(nothing); got != 3 {
			t.Errorf("got state %d; want another than the one in use at Bump", got)
		}
	})
}

func TestCloseLetsCallsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[*thing]) { o.Size = 1 })
		release := make(chan struct{})
		running, waiting, closed := make(chan error, 1), make(chan error, 1), make(chan struct{})
		go func() { _, err := r.call(hold(release)); running <- err }()
		synctest.Wait()
		go func() { _, err := r.call(nothing); waiting <- err }()
		synctest.Wait()
		go func() { r.Close(); close(closed) }()
		synctest.Wait()
		if err := <-waiting; !errors.Is(err, ErrClosed) {
			t.Errorf("a call that waited got %v; want ErrClosed", err)
		}
		select {
		case <-closed:
			t.Fatal("Close returned while a call ran")
		default:
		}
		close(release)
		<-closed
		if err := <-running; err != nil {
			t.Errorf("a call that ran got %v; want it to succeed", err)
		}
		if _, err := r.call(nothing); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v after Close; want ErrClosed", err)
		}
		if got := r.meter.Snapshot(); got.States != 0 || got.Spare != 0 {
			t.Errorf("got %+v after Close; want no state", got)
		}
		began := time.Now()
		if r.Close(); time.Since(began) != 0 {
			t.Errorf("Close took %v with nothing to wait for", time.Since(began))
		}
	})
}

// Close does not wait for ever for a call that does.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		release := make(chan struct{})
		if _, err := r.call(hold(release)); !errors.Is(err, ErrDeadline) {
			t.Fatalf("got %v; want ErrDeadline", err)
		}
		began := time.Now()
		r.Close()
		if got := time.Since(began); got != 6*time.Second {
			t.Errorf("Close took %v; want the deadline and a second", got)
		}
		close(release)
	})
}

// TestManyCallers is for the race detector, and checks that no state is ever lent
// to two.
func TestManyCallers(t *testing.T) {
	r := newRig(t, func(o *Options[*thing]) { o.Size = 4; o.Wait = time.Minute })
	r.limits.SetMaxUses(7)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 50 {
				_, err := r.call(func(context.Context) error {
					if (i+j)%11 == 0 {
						return errRaised
					}
					return nil
				})
				if err != nil && !errors.Is(err, errRaised) {
					t.Errorf("got %v; want none or what was raised", err)
				}
				if j%13 == 0 {
					r.Bump()
				}
			}
		})
	}
	wg.Wait()
	r.Close()
	s := r.meter.Snapshot()
	if s.States != 0 || s.Spare != 0 || s.Abandoned != 0 || s.Events["event"].Count != 16*50 {
		t.Errorf("got %+v; want no state left and 800 calls", s)
	}
	if int64(len(r.gone())) != r.built.Load() {
		t.Errorf("freed %d of %d states", len(r.gone()), r.built.Load())
	}
}
