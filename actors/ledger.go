package actors

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// Ledger holds the counters of every listener. It is memory, not an actor: it
// outlives each actor's restart, connections add to it without a message, and
// whoever scrapes reads it without stopping anybody.
type Ledger struct {
	mu       sync.RWMutex
	accounts []*account // in the order of their listeners' start
}

// account is the page of one listener. Everything in it only grows, but for
// what says how the listener is.
type account struct {
	listener string // the bound address as text
	health   health

	accepted atomic.Uint64
	ended    [classCount]atomic.Uint64
	endings  [endCount]atomic.Uint64
	failures [reasonCount]atomic.Uint64
	dials    []atomic.Uint64 // by egress.Result
	traffic  transport.Traffic

	destinations *destinations
	series       []*series

	reports                 *reports
	greet, connect, session prometheus.Observer
}

// ErrListenerKnown says that two listeners were given the same address.
var ErrListenerKnown = errors.New("listener already has an account")

// open starts the page of a listener, all at zero.
func (l *Ledger) open(listener string, series int, idle time.Duration) (*account, error) {
	a := &account{
		listener:     listener,
		health:       health{began: make(chan struct{})},
		dials:        make([]atomic.Uint64, len(egress.Results())),
		destinations: newDestinations(series, idle),
	}
	a.series = a.makeSeries()
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.accounts, func(b *account) bool { return b.listener == listener }) {
		return nil, fmt.Errorf("%w: %s", ErrListenerKnown, listener)
	}
	l.accounts = append(l.accounts, a)
	return a, nil
}

func (l *Ledger) each(f func(*account)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, a := range l.accounts {
		f(a)
	}
}

// prune drops the series of idle destinations of every listener.
func (l *Ledger) prune(now time.Time) (pruned int) {
	l.each(func(a *account) { pruned += a.destinations.prune(now) })
	return pruned
}

// balance reads the session counters of a in one look, such that
// accepted = completed + failed + probed + active: what has ended is read
// first, so that active is never negative.
func (a *account) balance() (accepted, active uint64, ended [classCount]uint64) {
	var sum uint64
	for c := range ended {
		ended[c] = a.ended[c].Load()
		sum += ended[c]
	}
	accepted = a.accepted.Load()
	return accepted, accepted - sum, ended
}

// end books the end of one session.
func (a *account) end(o Outcome) {
	switch o.Class {
	case Completed:
		a.endings[o.End].Add(1)
	case Failed:
		a.failures[o.Reason].Add(1)
	}
	a.ended[o.Class].Add(1)
}

// health is whether a listener accepts, as its acceptor last said.
type health struct {
	began     chan struct{} // closed when it first accepts
	begin     sync.Once
	mu        sync.Mutex
	accepting bool
	since     time.Time
	restarts  uint64
	failure   string
}

func (h *health) up(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepting, h.since, h.failure = true, now, ""
	h.begin.Do(func() { close(h.began) })
}

func (h *health) down(now time.Time, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.accepting || h.since.IsZero() {
		h.since = now
	}
	h.accepting, h.failure = false, why
}

func (h *health) isUp() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.accepting
}

func (h *health) restarted() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.restarts++
}

// ListenerStatus is how one listener is.
type ListenerStatus struct {
	Listener  string
	Accepting bool
	Since     time.Time // when Accepting last changed
	Restarts  uint64    // of the acceptor
	Failure   string    // why it does not accept
}

// Status tells how every listener is, in the order of their start. It never
// waits for an actor and may be called from any goroutine.
func (l *Ledger) Status() []ListenerStatus {
	var all []ListenerStatus
	l.each(func(a *account) {
		a.health.mu.Lock()
		defer a.health.mu.Unlock()
		all = append(all, ListenerStatus{
			Listener:  a.listener,
			Accepting: a.health.accepting,
			Since:     a.health.since,
			Restarts:  a.health.restarts,
			Failure:   a.health.failure,
		})
	})
	return all
}
