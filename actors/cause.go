package actors

import (
	"log/slog"
	"sync/atomic"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// cause is what ended a session that its peers had not ended: the label why of
// proxy_sessions_cut_total. The zero value is none.
type cause uint8

const (
	// causeAdmin: somebody who may do so has ended it.
	causeAdmin cause = iota + 1
	// causeDrain: it was there at the limit of a drain that somebody had asked for.
	causeDrain
	// causeQuiet: it waited for its client, and the daemon was to end.
	causeQuiet
	// causeLimit: it was there when the daemon had waited long enough to end.
	causeLimit
	// causeStop: the daemon or its listener ended at once.
	causeStop
	// causeIdle, causeHalfClosed and causeOutlived: it was past a limit of its relay.
	causeIdle
	causeHalfClosed
	causeOutlived
	// causeOverload: it waited for its client, and descriptors or memory were short.
	causeOverload

	causes
)

var causeNames = [causes]string{"", "admin", "drain_limit", "shutdown_idle", "shutdown_limit", "shutdown", "idle_timeout", "half_close_timeout", "max_session", "overload"}

func (c cause) String() string { return causeNames[c] }

// reason is that of the sessions which end for a cause.
func (c cause) reason() Reason {
	switch c {
	case causeAdmin:
		return ReasonEndedByAdmin
	case causeOverload:
		return ReasonNoResources
	}
	return ReasonShutdown
}

// cutFor is the cause of an outcome, 0 if the session was not cut. One that was to
// be cut and ended by itself before was not.
func (r *record) cutFor(o Outcome) cause {
	asked := cause(r.cut.Load())
	switch {
	case o.Class != Failed:
		return 0
	case asked != 0 && o.Reason == asked.reason():
		return asked
	case o.Reason == ReasonShutdown:
		return causeStop
	}
	return lapsed(o.Reason)
}

// lapsed is the cause of a reason that is a limit of the relay.
func lapsed(r Reason) cause {
	switch r {
	case ReasonClientIdle, ReasonUpstreamIdle:
		return causeIdle
	case ReasonClientHalfOpen, ReasonUpstreamHalfOpen:
		return causeHalfClosed
	case ReasonMaxSession:
		return causeOutlived
	}
	return 0
}

// cuts counts the sessions that were cut, by the side that they waited for.
type cuts [causes][2]atomic.Uint64

// cutOff is how a session was cut; the zero value: it was not.
type cutOff struct {
	why       cause
	waitedFor transport.Side
}

// countCut counts a session that was cut.
func (c *connection) countCut(o Outcome) (cut cutOff) {
	cut.why = c.record.cutFor(o)
	if cut.why == 0 {
		return cut
	}
	if c.awaited(o) != WaitingForClient {
		cut.waitedFor = transport.Upstream
	}
	c.record.account.cuts[cut.why][cut.waitedFor].Add(1)
	return cut
}

// risky says whether a mail may be sent twice for it, though nobody had asked for
// the end of just that session.
func (c cutOff) risky() bool {
	return c.waitedFor == transport.Upstream && (c.why == causeDrain || c.why == causeLimit)
}

// attrs are the cut for the log.
func (c cutOff) attrs() []slog.Attr {
	if c.why == 0 {
		return nil
	}
	return []slog.Attr{slog.String("cut", c.why.String()), slog.String("waiting_for", waitingFor(c.waitedFor).String())}
}

// waitingFor is a side in the words of the figures.
func waitingFor(s transport.Side) Waiting {
	if s == transport.Client {
		return WaitingForClient
	}
	return WaitingForUpstream
}
