package transport

import "time"

// stallLook is how often it is asked whether a peer that nobody reads, because
// what it sent can't be handed on, is still there.
const stallLook = time.Second

// stall is a send to a side that waits. The conn's mutex guards it.
type stall struct {
	waits bool
	timer *time.Timer // nil until a send waits for the first time
	armed bool        // timer will run out
}

// send sends some of p to a side, at least a byte, and waits for that if it
// must. Meanwhile nobody reads the other side; should that be lost, it is noticed.
func (c *conn) send(to Side, p []byte) (int, error) {
	st := c.stream(to)
	if n, err := st.offer(p); n > 0 || err != nil {
		return n, err
	}
	c.setWaits(to, true)
	defer c.setWaits(to, false)
	n, err := st.send(p)
	if n > 0 {
		c.spoke.touch(c.clock.now())
	}
	return n, err
}

// setWaits notes that a send begins to wait, or has ended. The timer is left to
// run out by itself: stopping it would cost more than one look in vain.
func (c *conn) setWaits(to Side, waits bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.stall[to]
	s.waits = waits
	if !waits || s.armed || c.phase == closed {
		return
	}
	s.armed = true
	if s.timer == nil {
		s.timer = time.AfterFunc(stallLook, func() { c.lookBehind(to) })
		return
	}
	s.timer.Reset(stallLook)
}

// lookBehind runs on the timer's goroutine while a send to a side waits, and
// asks for the side that the bytes come from.
func (c *conn) lookBehind(to Side) {
	c.mu.Lock()
	s := &c.stall[to]
	s.armed = s.waits && c.phase < finishing && !c.relay.reset
	if !s.armed {
		c.mu.Unlock()
		return
	}
	s.timer.Reset(stallLook)
	if c.phase != relaying {
		c.mu.Unlock()
		return
	}
	c.users++
	c.mu.Unlock()
	defer c.leave()
	if from := to.other(); c.vanished(from) {
		c.lost(from)
	}
}

// progress is how much a side has taken: what its socket did, and what the peer
// did of that.
type progress struct {
	sent   uint64
	unsent int
}

// measure is called in the relay.
func (c *conn) measure(to Side) progress {
	sent := &c.relay.session.Up
	if to == Client {
		sent = &c.relay.session.Down
	}
	return progress{sent: sent.Load(), unsent: c.stream(to).unsent()}
}

// losePatience runs on the timer's goroutine once a side was lost, and ends the
// session when the other one has not taken anything for lastWords. It also ends
// one whose lost side can be read on all the same, as after a send that failed
// for want of memory.
func (c *conn) losePatience() {
	c.mu.Lock()
	if c.phase != relaying {
		c.mu.Unlock()
		return
	}
	r := &c.relay
	now := c.measure(r.by.other())
	if now != r.progress {
		r.progress = now
		r.patience.Reset(c.lastWords)
		c.mu.Unlock()
		return
	}
	end := Ended{End: Reset, Side: r.by, Err: r.cause}
	c.users++
	c.mu.Unlock()
	defer c.leave()
	c.shut(end, stream.reset)
}
