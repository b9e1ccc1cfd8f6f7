package transport

import "time"

// RelayLimits are the times that a relay is held to; 0 is none. A relay that is past
// one is closed, both sides by a reset, and Ended says so: never early, and up to a
// second late, or an eighth of the time if that is less. Many relays may share one
// value; nobody changes it.
type RelayLimits struct {
	// Idle is how long nothing may move: no byte comes from either side, and none is
	// taken by the other's socket. Keepalive moves nothing.
	Idle time.Duration
	// HalfClosed is the same from the moment on that one side has ended its stream,
	// where it is shorter.
	HalfClosed time.Duration
	// Most is how long the relay may last.
	Most time.Duration
	// Unacknowledged is how long what was sent to a side may go without being
	// acknowledged, or the side without having room for more, TCP_USER_TIMEOUT in
	// tcp(7): then the system gives the connection up, which is a reset by that side.
	// It is set once both sides are connected, since it would bound the dialling too,
	// and stands in for KeepAlive.Count. Whole milliseconds; on Linux only.
	Unacknowledged time.Duration
}

// quiet is how long nothing may move in a relay, and how it ends then.
func (l *RelayLimits) quiet(halfClosed bool) (time.Duration, End) {
	if halfClosed && l.HalfClosed > 0 && (l.Idle == 0 || l.HalfClosed < l.Idle) {
		return l.HalfClosed, HalfClosed
	}
	return l.Idle, Idle
}

// due is when the first of the limits is reached and how the relay ends then, by the
// clock of moved, when anything last moved; 0: never. ends is when it has lasted long
// enough, 0: never. Bytes are noted by a clock that may be read once for many events,
// and so a little early: hence the grace.
func (l *RelayLimits) due(moved, ends int64, halfClosed bool) (at int64, end End) {
	quiet, end := l.quiet(halfClosed)
	if quiet > 0 {
		at = moved + int64(quiet) + int64(min(quiet/8, time.Second))
	}
	if ends > 0 && (at == 0 || ends < at) {
		return ends, Outlived
	}
	return at, end
}

// lapsed is how a relay ends that is past a limit. sent says which sides our end of
// stream was sent to: the one side closed, and the other has not.
func (a *activity) lapsed(end End, sent [2]bool) Ended {
	switch {
	case end == HalfClosed && sent[Client]:
		return Ended{End: end, Side: Client}
	case end == HalfClosed:
		return Ended{End: end, Side: Upstream}
	}
	return Ended{End: end, Side: a.waited()}
}

// limit begins to hold the relay to its limits, and stops the owner's timer. Like
// the next two it is called with the mutex held.
func (c *conn) limit(l *RelayLimits) {
	c.deadline = time.Time{}
	if l != nil && *l != (RelayLimits{}) {
		now := c.clock.now()
		c.relay.limits = l
		c.spoke.touch(now)
		if l.Most > 0 {
			c.relay.ends = now + int64(l.Most)
		}
	}
	c.setTimer()
}

// boundUnacknowledged has the system give a peer up that takes nothing. Unlike the
// others it is called without the mutex.
func (c *conn) boundUnacknowledged(l *RelayLimits) {
	if l != nil && l.Unacknowledged > 0 {
		c.client.boundUnacknowledged(l.Unacknowledged)
		c.upstream.boundUnacknowledged(l.Unacknowledged)
	}
}

// lapses is when the relay is past a limit, and how it ends then; the zero time:
// never.
func (c *conn) lapses() (time.Time, End) {
	r := &c.relay
	if r.limits == nil || c.phase != relaying {
		return time.Time{}, Closed
	}
	at, end := r.limits.due(c.spoke.moved(), r.ends, r.finSent[Client] || r.finSent[Upstream])
	if at == 0 {
		return time.Time{}, end
	}
	return c.clock.at(at), end
}

// halfClosed notes that one side has ended its stream: from now on less patience
// may be due.
func (c *conn) halfClosed() {
	if l := c.relay.limits; l != nil && l.HalfClosed > 0 {
		c.spoke.touch(c.clock.now())
		c.setTimer()
	}
}
