package history

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter is a listener that accepts a client each time somebody looks.
type counter struct {
	mu    sync.Mutex
	reads uint64
	err   error
	fault any
}

// fail has it go wrong from now on; with nils it goes well.
func (c *counter) fail(err error, fault any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.fault = err, fault
}

func (c *counter) read() ([]Figure, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != nil {
		panic(c.fault)
	}
	c.reads++
	return []Figure{{Listener: "l", Accepted: c.reads}}, c.err
}

// run has a history go on for a time of its own.
func run(t *testing.T, h *History, during func()) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	synctest.Wait()
	during()
	end()
	<-done
}

// pass lets time go by, and Run do what is due by then.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestSamples: a quarter of an hour is kept, the oldest first, and no more.
func TestSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		h := New(c.read, slog.New(slog.DiscardHandler))
		if got := h.Samples(); len(got) != 0 {
			t.Errorf("got %v before Run; want none", got)
		}
		run(t, h, func() {
			if got := h.Samples(); len(got) != 1 {
				t.Errorf("got %d samples at the start; want 1", len(got))
			}
			pass(time.Hour)
			got := h.Samples()
			if len(got) != 91 {
				t.Fatalf("got %d samples; want 91", len(got))
			}
			if span := got[90].At.Sub(got[0].At); span != Span {
				t.Errorf("got a span of %v; want %v", span, Span)
			}
			for i := range got[1:] {
				if before, after := got[i].Figures[0].Accepted, got[i+1].Figures[0].Accepted; after != before+1 {
					t.Fatalf("got %d after %d; want them in order", after, before)
				}
			}
			if age := time.Since(got[90].At); age > Interval {
				t.Errorf("the newest is %v old; want at most %v", age, Interval)
			}
		})
		pass(Span + Interval)
		if got := h.Samples(); len(got) != 0 {
			t.Errorf("got %d samples long after the last; want none", len(got))
		}
	})
}

// TestFaults: what cannot be read is left out, is said once, and ends nothing.
func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		c := &counter{err: errors.New("no figures")}
		h := New(c.read, slog.New(slog.NewTextHandler(&said, nil)))
		run(t, h, func() {
			pass(10 * Interval)
			c.fail(nil, "a fault")
			pass(10 * Interval)
			if got := h.Samples(); len(got) != 0 {
				t.Errorf("got %v; want none", got)
			}
			c.fail(nil, nil)
			pass(Interval)
			if got := h.Samples(); len(got) != 1 {
				t.Errorf("got %d samples once it works; want 1", len(got))
			}
		})
		if n := strings.Count(said.String(), "no figures"); n != 1 {
			t.Errorf("got it said %d times; want once", n)
		}
	})
}

// TestBounds: however many listeners there are, a sample stays small, and what is
// kept is not changed by who gave it.
func TestBounds(t *testing.T) {
	var many []Figure
	for i := range 3 * MostListeners {
		many = append(many, Figure{Listener: strconv.Itoa(i)})
	}
	h := New(func() ([]Figure, error) { return many, nil }, slog.New(slog.DiscardHandler))
	h.sample()
	many[0].Listener = "another"
	got := h.Samples()[0]
	if len(got.Figures) != MostListeners {
		t.Errorf("got %d listeners; want %d", len(got.Figures), MostListeners)
	}
	if _, there := got.Of("0"); !there {
		t.Error("the first listener is not in the sample as it was read")
	}
	if _, there := got.Of(strconv.Itoa(MostListeners)); there {
		t.Error("a listener too many is in the sample")
	}
}
