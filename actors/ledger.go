package actors

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// Ledger holds the counters of every listener. It is memory, not an actor: it
// outlives each actor's restart, connections add to it without a message, and
// whoever scrapes reads it without stopping anybody.
type Ledger struct {
	mu       sync.RWMutex
	accounts []*account // in the order of their listeners' start

	pressed atomic.Pointer[pressed] // nil: there is memory for more clients
}

// accountKeep is how long the page of a listener stays after its last session,
// so that the scrapes to come still find what it had counted last.
const accountKeep = 5 * time.Minute

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
	replies  [len(replyNames)]atomic.Uint64
	queue    acceptQueue
	cuts     cuts
	stale    staleLogins
	occupied occupancy
	banned   sparing // the log's line about bans

	destinations *destinations
	series       []*series

	reports *reports
	times   observers
	pressed *atomic.Pointer[pressed] // the ledger's

	// Under the ledger's lock. Of the listeners on one address, one at most takes
	// clients; those that a reload has removed may still have sessions.
	serving bool
	users   int
	closed  time.Time // when users fell to 0
}

// ErrListenerKnown says that two listeners were given the same address.
var ErrListenerKnown = errors.New("listener already has an account")

// open starts the page of a listener, all at zero, or goes on with that of an
// earlier one on its address. The caller owes a retire and a leave.
func (l *Ledger) open(listener string, series int, idle time.Duration) (*account, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.accounts, func(a *account) bool { return a.listener == listener })
	if i >= 0 {
		a := l.accounts[i]
		if a.serving {
			return nil, fmt.Errorf("%w: %s", ErrListenerKnown, listener)
		}
		a.serving, a.users = true, a.users+1
		a.destinations.resize(series, idle)
		return a, nil
	}
	a := &account{
		listener:     listener,
		health:       health{began: make(chan struct{})},
		dials:        make([]atomic.Uint64, len(egress.Results())),
		destinations: newDestinations(series, idle),
		occupied:     newOccupancy(),
		pressed:      &l.pressed,
		serving:      true,
		users:        1,
	}
	a.series = a.makeSeries()
	l.accounts = append(l.accounts, a)
	return a, nil
}

// retire notes that a listener takes no more clients, though it may still have
// sessions.
func (l *Ledger) retire(a *account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.serving = false
}

// leave notes that a listener is gone, with all its sessions.
func (l *Ledger) leave(a *account, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.users--
	a.closed = now
}

// discard undoes open, for a listener that was never served.
func (l *Ledger) discard(a *account) {
	l.retire(a)
	l.leave(a, time.Time{})
}

// forget drops the pages of listeners that have been gone for long enough, and
// names them.
func (l *Ledger) forget(now time.Time) (gone []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts = slices.DeleteFunc(l.accounts, func(a *account) bool {
		if a.users > 0 || now.Sub(a.closed) < accountKeep {
			return false
		}
		gone = append(gone, a.listener)
		return true
	})
	return gone
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

// active is how many sessions of all listeners have not ended.
func (l *Ledger) active() (n uint64) {
	l.each(func(a *account) {
		_, active, _ := a.balance()
		n += active
	})
	return n
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
	drained   bool
	restarts  uint64
	failure   string
}

func (h *health) up(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepting, h.drained, h.since, h.failure = true, false, now, ""
	h.begin.Do(func() { close(h.began) })
}

func (h *health) down(now time.Time, why string) { h.fall(now, why, false) }

// halt is down by request.
func (h *health) halt(now time.Time, why string) { h.fall(now, why, true) }

func (h *health) fall(now time.Time, why string, drained bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.accepting || h.since.IsZero() {
		h.since = now
	}
	h.accepting, h.drained, h.failure = false, drained, why
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

func (h *health) restartCount() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.restarts
}

// ListenerStatus is how one listener is.
type ListenerStatus struct {
	Listener string
	// Draining: a reload has removed it, and some of its sessions go on. It does
	// not accept, and nobody expects it to.
	Draining  bool
	Accepting bool
	Drained   bool      // by request: it is not meant to accept
	Since     time.Time // when Accepting last changed
	Restarts  uint64    // of the acceptor
	Failure   string    // why it does not accept
}

// Status tells how every listener is, in the order of their start. It never
// waits for an actor and may be called from any goroutine.
func (l *Ledger) Status() []ListenerStatus {
	var all []ListenerStatus
	short := l.pressed.Load()
	l.each(func(a *account) {
		if a.users == 0 {
			return
		}
		a.health.mu.Lock()
		defer a.health.mu.Unlock()
		s := ListenerStatus{
			Listener:  a.listener,
			Draining:  !a.serving,
			Accepting: a.health.accepting && a.serving,
			Drained:   a.health.drained && a.serving,
			Since:     a.health.since,
			Restarts:  a.health.restarts,
			Failure:   a.health.failure,
		}
		if short != nil && s.Accepting {
			s.Accepting, s.Since, s.Failure = false, short.since, short.why
		}
		all = append(all, s)
	})
	return all
}
