// Package history keeps what the listeners had counted in the last quarter of an
// hour, for plots and rates.
//
// It reads figures every ten seconds from a function and holds them in memory; its
// size is bounded, and nothing is written anywhere. It decides nothing, computes no
// rate and knows neither an actor nor a metric: who reads it does that. It is for
// people who look now; who wants more keeps the metrics elsewhere.
package history

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// Interval is the time between two samples.
	Interval = 10 * time.Second
	// Span is the time from the oldest sample to the newest.
	Span = 15 * time.Minute
	// kept is the number of samples: both ends of the span are there.
	kept = int(Span/Interval) + 1
	// MostListeners is how many listeners a sample has at most; those that are read
	// first are kept.
	MostListeners = 64
)

// Figure is what one listener has counted since it started. All but Active only
// grow, unless the listener is removed and comes back.
type Figure struct {
	Listener  string // its address
	Active    uint64 // sessions that are open
	Accepted  uint64 // clients
	Completed uint64 // sessions
	Failed    uint64 // sessions
	Received  uint64 // bytes from clients
	Sent      uint64 // bytes to clients
	// Reasons are why sessions failed, and how many of them; those that never
	// happened may be missing. Nobody changes it once it is given out.
	Reasons map[string]uint64
}

// Sample is all listeners at one moment.
type Sample struct {
	At      time.Time
	Figures []Figure
}

// Of is the figure of a listener; false: it is not in the sample.
func (s Sample) Of(listener string) (Figure, bool) {
	for _, f := range s.Figures {
		if f.Listener == listener {
			return f, true
		}
	}
	return Figure{}, false
}

// History is the samples of the last Span. Samples may be called from any
// goroutine; Run is one of its own.
type History struct {
	read func() ([]Figure, error)
	log  *slog.Logger

	mu      sync.Mutex
	samples [kept]Sample // a ring; guarded by mu
	next    int          // where the next sample goes; guarded by mu
	count   int          // of samples; guarded by mu
	failing bool         // read did not work the last time; Run's alone
}

// New makes an empty history of what read gives, which Run calls. log is told when
// that begins not to work.
func New(read func() ([]Figure, error), log *slog.Logger) *History {
	return &History{read: read, log: log}
}

// Run takes a sample at once and then one each Interval, until ctx ends. Whoever
// starts it ends it so. A sample that cannot be read, even for a panic, is left out.
func (h *History) Run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for {
		h.sample()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sample takes one.
func (h *History) sample() {
	figures, err := h.readSafely()
	if err != nil {
		if !h.failing {
			h.log.Warn("the figures for the plots cannot be read", slog.Any("error", err))
		}
		h.failing = true
		return
	}
	h.failing = false
	figures = slices.Clone(figures[:min(len(figures), MostListeners)])
	h.mu.Lock()
	defer h.mu.Unlock()
	h.samples[h.next] = Sample{At: time.Now(), Figures: figures}
	h.next = (h.next + 1) % kept
	h.count = min(h.count+1, kept)
}

// readSafely makes an error of a panic, which would end the daemon here.
func (h *History) readSafely() (figures []Figure, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h.read()
}

// Samples are those of the last Span, the oldest first.
func (h *History) Samples() []Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Sample, 0, h.count)
	for i := range h.count {
		all = append(all, h.samples[(h.next-h.count+i+kept)%kept])
	}
	oldest := time.Now().Add(-Span - Interval/2) // the machine may have slept
	for len(all) > 0 && all[0].At.Before(oldest) {
		all = all[1:]
	}
	return all
}
