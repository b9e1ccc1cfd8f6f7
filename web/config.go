package web

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what the surface of one HTTP listener reads. Its functions are
// called from any goroutine, several at a time, and never wait for an actor.
type Config struct {
	// Gatherer gives the figures; required.
	Gatherer prometheus.Gatherer
	// Status gives the listeners as they are now; required.
	Status func() Status
	// TrustedHosts may read what is not for everybody. Empty trusts nobody.
	TrustedHosts []netip.Prefix
	// Listener is the address this HTTP listener is bound to, for the text of a
	// refusal. Empty is the address the client connected to, which is not the
	// same when the listener is bound to all of them.
	Listener string
	// Log is told of panics and of figures that could not be gathered. Nil is
	// told nothing.
	Log *slog.Logger
	// RequestBodyLimit is the most bytes a request's body may have; 0 is none.
	RequestBodyLimit int64
}

// Status is every listener of the policy, those that are not bound included:
// one that is not in the list can't be missed.
type Status struct {
	Listeners []ListenerStatus
}

// ListenerStatus is one SOCKS listener.
type ListenerStatus struct {
	Listener  string // its address
	Accepting bool
	Since     time.Time // when Accepting last changed
	Restarts  uint64    // of its acceptor, since the listener started
	Failure   string    // why it does not accept; empty when it does
}

// accepting reports whether all listeners do.
func (s Status) accepting() bool {
	for _, l := range s.Listeners {
		if !l.Accepting {
			return false
		}
	}
	return true
}
