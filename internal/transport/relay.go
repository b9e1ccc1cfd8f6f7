package transport

import (
	"errors"
	"io"
	"time"
)

// lastWords is ListenConfig.LastWords unless it is given.
const lastWords = 2 * time.Second

// blindWait stands in for lastWords where the system can't tell whether it did.
const blindWait = 200 * time.Millisecond

// relay is how far the two directions have come. The conn's mutex guards it.
//
// A side is over when nothing more will come from it and all that came was
// handed to the other. The session ends when both are over, or when the side
// that reset is.
type relay struct {
	session, total *Traffic
	limits         *RelayLimits // nil: none
	ends           int64        // by the listener's clock, when it has lasted long enough; 0: never

	over    [2]bool
	finSent [2]bool // we have sent the side our end of stream
	reset   bool
	by      Side  // who reset first
	cause   error // what by did, if that was not a reset
	settled bool  // somebody sees to the end

	patience *time.Timer // since by was lost, until progress is looked for
	progress progress    // when that was done last
}

func (s Side) other() Side { return 1 - s }

func (c *conn) Relay(session, total *Traffic, limits *RelayLimits) {
	c.mu.Lock()
	if c.phase != handshaking || c.upstream == nil {
		c.mu.Unlock()
		return
	}
	c.phase = relaying
	c.relay.session, c.relay.total = session, total
	if session.Banner {
		c.look = &look{since: c.joined}
	}
	c.limit(limits)
	held, end := c.in.held, c.in.end
	c.in.held = nil
	c.in.release()
	c.out[Upstream].busy = len(held) > 0
	c.users++ // the copier of the upstream
	if end != nil {
		c.users++ // the reader has left: somebody must pass the end on
	}
	c.mu.Unlock()

	c.boundUnacknowledged(limits)
	if len(held) > 0 {
		c.sendNow(Upstream, held)
	}
	if end != nil {
		go c.runCopy(Client, end)
	}
	go c.runCopy(Upstream, nil)
}

// runCopy is a copier's goroutine; err is what reading from already told.
func (c *conn) runCopy(from Side, err error) {
	defer c.leave()
	c.copy(from, nil, err)
}

// copy carries what comes from a side to the other one until there is no more,
// beginning with what receive had returned last.
func (c *conn) copy(from Side, b *buffer, err error) {
	to := from.other()
	c.awaitSent(to)
	source, limit := c.stream(from), smallBuffer
	for {
		if b != nil {
			if c.paces != nil {
				c.keepPace(from, b.n)
			}
			limit = c.forward(to, b, limit)
		}
		if err != nil {
			break
		}
		b, err = source.receive(c.most(limit))
	}
	if from == Upstream {
		c.endLook(c.tell)
	}
	c.passEnd(from, err)
	c.retire(from)
}

// forward sends the other side what came and returns how much to receive next:
// while reads fill the buffer and the destination keeps up, more at a time. A
// direction that stalls soon holds a small buffer.
func (c *conn) forward(to Side, b *buffer, limit int) int {
	defer b.free()
	c.spoke.note(to.other(), c.clock.now())
	p, full := b.bytes(), b.n == min(limit, len(b.space))
	c.see(to, p)
	sends := 0
	for len(p) > 0 {
		if c.isLost(to) {
			return limit // thrown away: it has nowhere to go
		}
		n, err := c.send(to, p)
		c.count(to, n)
		if err != nil {
			c.lost(to)
			return limit
		}
		p = p[n:]
		sends++
	}
	if full && sends == 1 {
		return largeBuffer
	}
	return smallBuffer
}

// count counts n bytes that a side's socket has taken from the other side.
func (c *conn) count(to Side, n int) {
	r := &c.relay
	if n <= 0 {
		return
	}
	if to == Upstream {
		r.session.Up.Add(uint64(n))
		r.total.Up.Add(uint64(n))
		return
	}
	r.session.addDown(uint64(n))
	r.total.Down.Add(uint64(n))
}

// lost notes that a side has reset the connection, or was given up by the
// system. If nothing more was to come from it, that ends the session.
func (c *conn) lost(side Side) { c.lostFor(side, nil) }

// lostFor is lost for a side that broke off in another way, which cause says.
func (c *conn) lostFor(side Side, cause error) {
	c.mu.Lock()
	if r := &c.relay; !r.reset && c.phase == relaying {
		r.reset, r.by, r.cause = true, side, cause
		c.hasten()
		r.progress = c.measure(side.other())
		r.patience = time.AfterFunc(c.lastWords, c.losePatience)
	}
	c.mu.Unlock()
	c.settle()
}

// isLost says whether a side has reset.
func (c *conn) isLost(side Side) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.relay.reset && c.relay.by == side
}

// passEnd hands on how the stream of a side ended: an end of stream as our end
// of stream to the other, a reset by and by, see settle.
func (c *conn) passEnd(from Side, err error) {
	to := from.other()
	truncated := errors.Is(err, ErrTLSTruncated)
	switch {
	case truncated && c.hasEnded(from):
		// Its peer is done and no longer there to be deceived.
	case truncated:
		c.lostFor(from, err)
		return
	case err != io.EOF || c.vanished(from):
		c.lost(from)
		return
	}
	c.mu.Lock()
	pass := !c.relay.reset && c.phase == relaying
	if pass {
		c.relay.finSent[to] = true
		c.halfClosed()
	}
	c.mu.Unlock()
	if !pass {
		return
	}
	if err := c.stream(to).closeWrite(); err != nil {
		c.lost(to)
	}
}

// vanished tells an end of stream from a reset which a write to the same
// socket was told of: a connection whose peer only closed its direction stays
// connected for as long as we have not closed ours.
func (c *conn) vanished(side Side) bool {
	st := c.stream(side)
	return !st.connected() && (!c.hasEnded(side) || st.hasError())
}

// hasEnded says whether we have sent a side our end of stream.
func (c *conn) hasEnded(side Side) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.relay.finSent[side]
}

// retire ends a copier. When the other direction goes on, it stays to notice
// a reset that comes after the end of stream, which nobody else would read.
func (c *conn) retire(from Side) {
	c.mu.Lock()
	c.relay.over[from] = true
	watch := c.phase == relaying && !c.relay.reset && !c.relay.over[from.other()]
	c.mu.Unlock()
	c.settle()
	if watch && c.stream(from).awaitDisconnect() && c.vanished(from) {
		c.lost(from)
	}
}

// settle ends the relay if it is over.
func (c *conn) settle() {
	c.mu.Lock()
	r := &c.relay
	fin := !r.reset && r.over[Client] && r.over[Upstream]
	reset := r.reset && r.over[r.by]
	mine := (fin || reset) && !r.settled && c.phase == relaying
	if mine {
		r.settled = true
	}
	by, cause := r.by, r.cause
	c.mu.Unlock()
	switch {
	case !mine:
	case fin:
		c.shut(Ended{End: Fin}, stream.close)
	default:
		c.awaitDelivery(by.other())
		c.shut(Ended{End: Reset, Side: by, Err: cause}, stream.reset)
	}
}

// awaitDelivery waits until a side has acknowledged all that was sent to it,
// for a reset overtakes what is still on its way: a direct connection would
// have delivered that last "554". No event tells of the acknowledgement, so it
// is asked for, at growing intervals.
func (c *conn) awaitDelivery(to Side) {
	st := c.stream(to)
	unsent, patience := st.unsent(), c.lastWords
	if unsent < 0 {
		patience = blindWait
	}
	limit := time.Now().Add(patience)
	for pause := time.Millisecond; unsent != 0; pause = min(2*pause, 20*time.Millisecond) {
		if !c.isRelaying() || !st.connected() || !time.Now().Before(limit) {
			return
		}
		time.Sleep(pause) //nolint:forbidigo // nothing could wake it
		before := unsent
		if unsent = st.unsent(); unsent != before {
			limit = time.Now().Add(patience)
		}
	}
}

// isRelaying is false once the session was aborted.
func (c *conn) isRelaying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == relaying
}
