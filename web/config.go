package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/machineinfo"
)

// Config is what the surface of one HTTP listener reads and may set off. Its
// functions are called from any goroutine, several at a time, and never wait for
// an actor; those that may wait for something take a context.
type Config struct {
	// Gatherer gives the figures; required.
	Gatherer prometheus.Gatherer
	// Status gives the listeners as they are now; required.
	Status func() Status
	// SetLogFilter replaces the filter of the log; required. An error means that
	// the text is no filter, says what is wrong with it, and has changed nothing.
	SetLogFilter func(filter string) error
	// BumpEpoch has what the policy computed be computed anew; required.
	BumpEpoch func()

	// Alive returns nil once every event loop has moved since the call, and else
	// why it is not known to, by the time ctx ends. Nil: there are no loops.
	Alive func(ctx context.Context) error
	// Draining reports whether the proxy is on its way out. Nil: it never is.
	Draining func() bool
	// Machine describes the machine; false: that is not known yet. Nil: it never is.
	Machine func() (machineinfo.Info, bool)
	// Memory is what the pools of the daemon hold. Nil: there are none.
	Memory func() []Held

	// Control is what may be looked at and set off. Nil: nothing is there yet.
	Control *Control
	// Operator is what the pages for people show besides.
	Operator Operator

	// Access decides who may use a route: the handler it returns calls that of the
	// route, or refuses. Nil: trusted hosts alone have what not everybody may.
	Access func(Route) http.Handler
	// TrustedHosts are the networks whose clients may have what not everybody
	// may. Empty trusts nobody.
	TrustedHosts []netip.Prefix
	// Hostname and AllowedHosts are the names under which a trusted host may ask;
	// by address and as localhost it always may.
	Hostname     string
	AllowedHosts []string
	// Listener is the address this HTTP listener is bound to, for the text of a
	// refusal. Empty is the address the client connected to, which is not the
	// same when the listener is bound to all of them.
	Listener string
	// Log is told of panics and of figures that could not be gathered. Nil is
	// told nothing.
	Log *slog.Logger
	// RequestBodyLimit is the most bytes a request's body may have once it is
	// decompressed; 0 is none.
	RequestBodyLimit int64
	// Version is the daemon's, for the description of the API.
	Version string
}

// Held is one thing that a pool holds.
type Held struct {
	What  string // "spare Lua states"
	Count int64
	Bytes int64 // 0: not known
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
	Drained   bool      // by request: it is not meant to accept
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
