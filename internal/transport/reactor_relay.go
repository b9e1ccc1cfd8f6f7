//go:build linux

package transport

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// turnBytes is how much one direction may move before the other sessions of
	// the loop have their turn: some 3 ms of processor. Measured with eight
	// streams in seconds of processor per GiB: 16 MiB 0.22, 1 MiB 0.33.
	turnBytes = 16 << 20
	// gulp is how much is read at once: a message of the usual size in one go. A
	// read that fills it begins a burst.
	gulp = 64 << 10
	// copyWeight is by how much a byte that is copied uses up its turn faster
	// than one that moves through a pipe.
	copyWeight = 8
)

// pump carries what comes from a side until there is no more, the destination
// is full, or the turn is used up.
func (c *epollConn) pump(from Side) {
	f := &c.flow[from]
	if c.waits {
		return
	}
	for carried := 0; !f.over && c.flush(from); {
		switch {
		case f.ended:
			c.passEnd(from)
			return
		case !f.readable:
			f.giveBack(c.loop)
			c.pacing.rest(from)
			return
		case f.blocked:
			return // with nothing kept: it waits where it came from
		case carried >= turnBytes:
			c.resume()
			return
		case !c.mayCarry(from):
			return
		}
		carried += c.carry(from)
	}
}

// resume has the loop give the session another turn, behind the others.
func (c *epollConn) resume() {
	if !c.waits {
		c.waits = true
		c.loop.again = append(c.loop.again, c)
	}
}

// carry takes once from a side, when all that came before was handed on, and
// returns by how much that uses up the turn.
func (c *epollConn) carry(from Side) int {
	f := &c.flow[from]
	var n int
	var errno syscall.Errno
	room := c.loop.buf[:smallBuffer]
	switch {
	case f.pipe != nil:
		n, errno = spliceRaw(c.fd[from], f.pipe.w, f.pipe.size)
	case c.pacing != nil && !c.reset:
		return copyWeight * c.carryPaced(from)
	case !c.loop.budget.spare(smallBuffer):
		return copyWeight * c.trickle(from, room)
	case !c.listener.copies && c.loop.pipes.ready(c.loop.tick):
		room = c.loop.buf[:]
		fallthrough
	default:
		n, errno = receiveRaw(c.fd[from], room)
	}
	if !c.received(from, n, errno) {
		return 0
	}
	if f.pipe != nil {
		f.pipe.held = n
		return n
	}
	c.see(from, room[:n]) // a pipe is not borrowed before so much has come
	f.readable = n == len(room) || f.thorough
	if c.forward(from, room[:n]) && n == len(room) && !c.listener.copies {
		f.pipe = c.loop.pipes.take(c.loop.tick) // a burst
	}
	return copyWeight * n
}

// received notes what a read has brought; false: nothing.
func (c *epollConn) received(from Side, n int, errno syscall.Errno) bool {
	f := &c.flow[from]
	switch {
	case errno == unix.EAGAIN:
		f.readable, f.thorough = false, false
		return false
	case errno != 0:
		c.lost(from)
		f.ended = true
		return false
	case n == 0:
		f.ended = true
		return false
	}
	c.spoke.note(from, int64(c.loop.tick))
	return true
}

// forward sends p, which is in the loop's buffer, and keeps what the
// destination does not take. It returns whether it took all.
func (c *epollConn) forward(from Side, p []byte) bool {
	f, to := &c.flow[from], from.other()
	n, errno := sendRaw(c.fd[to], p)
	if errno != 0 && errno != unix.EAGAIN {
		c.sendFailed(to, errno)
		return false
	}
	n = max(n, 0)
	c.count(from, n)
	if n == len(p) {
		return true
	}
	c.keep(f, p[n:])
	c.block(to)
	return false
}

// flush sends what is left of a flow. False: the destination is full, or lost.
func (c *epollConn) flush(from Side) bool {
	f, to := &c.flow[from], from.other()
	for len(f.rest) > 0 || f.pipe != nil && f.pipe.held > 0 {
		if f.blocked {
			return false
		}
		var n int
		var errno syscall.Errno
		if len(f.rest) > 0 {
			n, errno = sendRaw(c.fd[to], f.rest)
		} else {
			n, errno = spliceRaw(f.pipe.r, c.fd[to], f.pipe.held)
		}
		switch {
		case errno == unix.EAGAIN:
			c.block(to)
		case errno != 0:
			c.sendFailed(to, errno)
			return false
		default:
			c.sent(from, n)
		}
	}
	f.own = false
	return true
}

// sendFailed gives up what is still to be sent to a side.
func (c *epollConn) sendFailed(to Side, errno syscall.Errno) {
	c.gone[to] = true
	c.flow[to.other()].drop(c.loop)
	switch c.phase {
	case relaying:
		c.lost(to)
	case handshaking:
		c.clientClosed(failure("sendto", errno))
	}
}

// count counts n bytes that the other side's socket has taken.
func (c *epollConn) count(from Side, n int) {
	if n <= 0 {
		return
	}
	if from == Client {
		c.session.Up.Add(uint64(n))
		c.total.Up.Add(uint64(n))
	} else {
		c.session.addDown(uint64(n))
		c.total.Down.Add(uint64(n))
	}
	if p := c.parting; p != nil {
		p.limit = c.loop.after(c.listener.lastWords) // it is being taken
	}
}

// lost notes that a side has reset the connection, or was given up by the
// system. The first such error is kept; a read after it says end of stream.
// What that side said before is still handed on.
func (c *epollConn) lost(side Side) {
	c.gone[side] = true
	if !c.reset {
		c.reset, c.by = true, side
		c.parting = &parting{
			limit: c.loop.after(c.listener.lastWords), pause: time.Millisecond,
			unacked: undelivered(c.fd[side.other()]),
		}
	}
	to := &c.flow[side.other()]
	to.drop(c.loop)
	to.over = true
	if f := &c.flow[side]; !f.ended && !f.over {
		f.readable, f.thorough = true, true
	}
}

// passEnd hands on how the stream of a side ended: an end of stream as our end
// of stream to the other. The last one is passed on by the close, a reset in
// settle.
func (c *epollConn) passEnd(from Side) {
	f, to := &c.flow[from], from.other()
	f.over = true
	f.giveBack(c.loop)
	if from == Upstream && c.look != nil {
		c.post(c.look.broken(int64(c.loop.tick)))
		c.look = nil
	}
	if c.reset || c.flow[to].over {
		return
	}
	c.finSent[to] = true
	if shutdownRaw(c.fd[to]) != 0 {
		c.lost(to)
	}
	c.halfClosed()
}

// settle ends the relay if it is over. A reset overtakes what is still on its
// way, and a direct connection would have delivered that last "554": so it
// waits until the other side has acknowledged all, which no event tells.
func (c *epollConn) settle() {
	if !c.reset {
		if c.flow[Client].over && c.flow[Upstream].over {
			c.shut(Ended{End: Fin}, closeRaw)
		}
		return
	}
	p, to := c.parting, c.by.other()
	handed := c.flow[c.by].over
	now := c.loop.now()
	unacked := undelivered(c.fd[to])
	if unacked != p.unacked { // it is being taken, if not so fast that there is room for more
		p.unacked, p.limit = unacked, c.loop.after(c.listener.lastWords)
	}
	if c.gone[to] || now >= p.limit || handed && unacked == 0 {
		c.shut(Ended{End: Reset, Side: c.by}, resetRaw)
		return
	}
	if p.next > now && handed == p.looking {
		return
	}
	p.next, p.looking = p.limit, handed
	if handed {
		p.next = min(c.loop.after(p.pause), p.limit)
		p.pause = min(2*p.pause, 20*time.Millisecond)
	}
	c.loop.schedule(c, p.next)
}
