//go:build linux

package transport

import (
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// ready gives the session its turn on the loop: what the event says is noted,
// what has become possible is done, and the owner is told. A panic, the owner's
// too, ends the session, which then has another turn to say so.
func (c *epollConn) ready(role uint8, events uint32) {
	for !c.turn(role, events) {
		role, events = noRole, 0
	}
}

// turn is false if it ended by a panic.
func (c *epollConn) turn(role uint8, events uint32) (done bool) {
	l := c.loop
	defer func() {
		if !done {
			c.caught(recover())
		}
	}()
	c.mu.Lock()
	l.locked = true
	c.called = true
	c.note(role, events)
	for {
		c.work()
		if len(c.events) == 0 {
			break
		}
		e := c.nextEvent()
		c.mu.Unlock()
		l.locked = false
		c.owner.Notify(e)
		c.mu.Lock()
		l.locked = true
	}
	c.called = false
	if c.phase != handshaking {
		c.events = nil // empty, and from now on rarely used
	}
	if c.phase == closed && !c.left {
		c.left = true
		l.forget(c.index)
		l.crew.dismiss()
	}
	c.mu.Unlock()
	l.locked = false
	return true
}

func (c *epollConn) nextEvent() Event {
	e := c.events[0]
	n := copy(c.events, c.events[1:])
	c.events[n] = nil
	c.events = c.events[:n]
	return e
}

// caught ends the session for a panic in its turn.
func (c *epollConn) caught(p any) {
	if !c.loop.locked {
		c.mu.Lock()
	}
	c.loop.locked = false
	defer c.mu.Unlock()
	err := internal(fmt.Errorf("%v\n%s", p, debug.Stack()))
	if cause, ok := p.(error); ok {
		err = errors.Join(err, cause)
	}
	c.shut(Ended{End: Broken, Err: err}, resetRaw)
}

// internal marks err as a fault of ours.
func internal(err error) error { return fmt.Errorf("%w: %w", ErrInternal, err) }

// note remembers what an event says. The work is done later, since much of it
// may have to wait.
func (c *epollConn) note(role uint8, events uint32) {
	if c.phase == closed {
		return
	}
	switch role {
	case noRole:
	case resumeRole:
		c.waits = false
	case timerRole:
		c.expire()
	case ripeRole:
		c.ripen()
	case clientRole:
		c.noteSide(Client, events)
	case c.role:
		c.noteSide(Upstream, events)
	default:
		if c.greeting != nil {
			c.conclude(role, events)
		}
	}
}

func (c *epollConn) noteSide(s Side, events uint32) {
	from, to := &c.flow[s], &c.flow[s.other()]
	const end = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR | unix.EPOLLPRI
	if events&(unix.EPOLLIN|end) != 0 && !from.ended {
		from.readable = true
		from.thorough = from.thorough || events&end != 0
	}
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		to.blocked = false
	}
	// It may be long until anybody reads here, or for ever: then nobody else
	// would notice. A socket that both sides have ended is hung up in good order.
	if events&unix.EPOLLERR != 0 || events&unix.EPOLLHUP != 0 && !c.finSent[s] {
		from.hung = true
		if c.phase == relaying {
			c.lost(s)
		}
	}
}

// work does what has become possible.
func (c *epollConn) work() {
	switch c.phase {
	case handshaking:
		if c.greeting != nil {
			c.hold()
			c.flush(Upstream)
		}
	case relaying:
		if c.newborn {
			c.newborn = false
			c.loop.nursery.enter(c, c.loop.now())
		}
		c.pump(Client)
		c.pump(Upstream)
		if c.reset {
			c.pump(c.by) // a write may have found that out
		}
		c.settle()
	case finishing:
		c.part()
	}
}

// expire is called when a timer may be due: deadlines move.
func (c *epollConn) expire() {
	now := c.loop.now()
	if c.deadline != 0 && c.deadline <= now {
		c.deadline = 0
		c.post(Expired{})
	}
	next := earlier(c.deadline, c.pacing.due(now))
	if p := c.parting; p != nil {
		if p.next <= now {
			p.next = 0 // work looks now
		} else if next == 0 || p.next < next {
			next = p.next
		}
	}
	at, end := c.lapses()
	if at != 0 && at <= now {
		c.shut(c.spoke.lapsed(end, c.finSent), resetRaw)
		return
	}
	if next = earlier(next, at); next != 0 {
		c.loop.schedule(c, next)
	}
}

// hold reads the client before the relay. What comes is copied out of the
// loop's buffer: the owner may look at it for as long as it likes.
func (c *epollConn) hold() {
	g, f := c.greeting, &c.flow[Client]
	for f.readable && !f.ended && len(g.held) < heldMax {
		room := c.loop.buf[:heldMax-len(g.held)]
		n, errno := receiveRaw(c.fd[Client], room)
		switch {
		case errno == unix.EAGAIN:
			f.readable, f.thorough = false, false
		case errno != 0:
			f.ended, c.gone[Client] = true, true
			c.clientClosed(failure("recvfrom", errno))
		case n == 0 && f.hung:
			f.ended = true // a write was told of the reset
		case n == 0:
			f.ended = true
			c.clientClosed(nil)
		default:
			c.spoke.note(Client, int64(c.loop.tick))
			g.held = append(g.held, room[:n]...)
			f.readable = n == len(room) || f.thorough
			c.post(Readable{})
		}
	}
	if f.hung && !c.gone[Client] {
		c.gone[Client] = true
		c.clientClosed(failure("recvfrom", unix.ECONNRESET))
	}
}

// part takes the steps of Finish that have become possible: the end of our
// stream once all was written, the close once the client has closed. What the
// client still sends is thrown away, lest the close become a reset.
func (c *epollConn) part() {
	if c.parting.next == 0 {
		c.shut(Ended{End: Closed}, closeRaw)
		return
	}
	if c.flush(Upstream) && !c.finSent[Client] {
		c.finSent[Client] = true
		if shutdownRaw(c.fd[Client]) != 0 {
			c.gone[Client] = true
		}
	}
	f := &c.flow[Client]
	for turns := 0; f.readable && !f.ended && !c.gone[Client]; turns++ {
		if copyWeight*turns*gulp >= turnBytes {
			c.resume()
			return
		}
		n, errno := receiveRaw(c.fd[Client], c.loop.buf[:])
		switch {
		case errno == unix.EAGAIN:
			f.readable, f.thorough = false, false
		case errno != 0:
			c.gone[Client] = true
		case n == 0:
			f.ended = true
		}
	}
	if c.gone[Client] || f.ended && c.finSent[Client] {
		c.shut(Ended{End: Closed}, closeRaw)
	}
}
