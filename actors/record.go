package actors

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// record is what is known of one accepted session from accept to its end. It is
// handed from the acceptor to the listener to the connection, and used by one
// of them at a time; only the traffic is written by the transport meanwhile, and
// whoever lists the sessions reads.
// It guarantees that a session ends in the books once, whoever finds out.
type record struct {
	account *account
	id      uint64
	release func()    // gives back the slot
	subject string    // of the client's certificate, if it had to show one
	since   time.Time // accepted

	// Times since accept; 0 is not reached.
	greeted, authenticated, requested, dialled time.Duration

	// mu is held where these are written, and where somebody else reads them.
	mu       sync.Mutex
	client   netip.AddrPort   // where it comes from; a PROXY header may say it
	who      *policy.AuthInfo // nil: the policy was not asked
	source   netip.AddrPort   // our address towards the upstream
	upstream netip.AddrPort
	banner   banner // the upstream's first line

	destination *destination
	places      *places        // nil: no limit counts the session
	origin      *source.Source // set once it relays
	traffic     transport.Traffic
	closed      atomic.Bool
	cut         atomic.Uint32 // the cause for which somebody has asked for its end
}

// accept opens the books for one client.
func (a *account) accept(client netip.AddrPort, now time.Time, release func()) *record {
	a.accepted.Add(1)
	return &record{account: a, id: rand.Uint64(), release: release, client: client, since: now}
}

func (r *record) mark(m mark, now time.Time) {
	switch m {
	case markAuthenticated:
		r.authenticated = now.Sub(r.since)
	case markGreeted:
		r.greeted = now.Sub(r.since)
	case markRequested:
		r.requested = now.Sub(r.since)
	}
}

func (r *record) dialResult(res egress.Result, now time.Time) {
	r.dialled = now.Sub(r.since)
	r.account.dials[res].Add(1)
}

// connected notes the upstream and claims its series, and that of the source.
func (r *record) connected(from, upstream netip.AddrPort, sources *source.Table) {
	r.mu.Lock()
	r.source, r.upstream = from, upstream
	r.mu.Unlock()
	r.origin = sources.Enter(from.Addr())
	r.destination = r.account.destinations.enter(upstream.Addr())
}

// identified notes who the client is.
func (r *record) identified(who *policy.AuthInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.who = who
}

// introduced notes whom a load balancer speaks for.
func (r *record) introduced(client netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.client = client
}

// end books the end, gives back the slot and the claim, and reports whether it
// was this call that did so.
func (r *record) end(o Outcome, now time.Time) bool {
	if r.closed.Swap(true) {
		return false
	}
	r.account.end(o)
	if r.destination != nil {
		r.account.destinations.leave(r.destination, now)
	}
	r.places.leave()
	r.unheard(now)
	r.origin.Leave()
	r.release()
	return true
}

// attrs is the canonical line of one session.
func (r *record) attrs(o Outcome, now time.Time) []slog.Attr {
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("listener", r.account.listener),
		slog.String("client", r.client.String()),
	)
	if r.subject != "" {
		attrs = append(attrs, slog.String("client_subject", r.subject))
	}
	if r.who != nil {
		attrs = append(attrs, slog.String("user", r.who.User()), slog.String("groups", strings.Join(r.who.Groups, ",")))
	}
	if r.upstream.IsValid() {
		attrs = append(attrs, slog.String("source", r.source.String()), slog.String("destination", r.upstream.String()))
	}
	if r.banner.class != BannerUnread {
		attrs = append(attrs, slog.String("banner", r.banner.class.String()))
	}
	if said := refusalOf(r.banner.class, r.banner.text); said != "" {
		attrs = append(attrs, slog.String("refusal", said))
	}
	switch o.Class {
	case Failed:
		attrs = append(attrs, slog.String("reason", o.Reason.String()), slog.String("fault", o.Reason.Fault().String()))
	case Completed:
		attrs = append(attrs, slog.String("end", o.End.String()))
	}
	return append(attrs,
		slog.Uint64("bytes_received", r.traffic.Up.Load()),
		slog.Uint64("bytes_sent", r.traffic.Down.Load()),
		slog.Duration("duration", now.Sub(r.since)),
	)
}

// summary is what the policy is told of a session that has ended.
func (r *record) summary(meta policy.ConnMeta, o Outcome, now time.Time) policy.SessionSummary {
	s := policy.SessionSummary{
		Meta: meta, Outcome: o.Class.String(),
		Received: r.traffic.Up.Load(), Sent: r.traffic.Down.Load(), Duration: now.Sub(r.since),
	}
	if r.who != nil {
		s.Auth = *r.who
	}
	if r.upstream.IsValid() {
		s.Source, s.Destination = r.source.String(), r.upstream.String()
	}
	switch o.Class {
	case Failed:
		s.Reason, s.Fault = o.Reason.String(), o.Reason.Fault().String()
	case Completed:
		s.End = o.End.String()
	}
	return s
}
