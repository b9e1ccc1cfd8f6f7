//go:build linux

package transport

import (
	"slices"
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

// flow is one direction: what comes from one side and goes to the other. The
// flow towards the client also holds what the owner wrote.
type flow struct {
	rest     []byte // to be sent before anything else
	pipe     *pipe  // borrowed for a burst; what it holds comes after rest
	own      bool   // rest is the owner's, and no traffic
	readable bool   // the source may have more: the kernel will not say so again
	thorough bool   // read until the kernel says that there is no more
	blocked  bool   // the destination is full: the kernel will say when it is not
	ended    bool   // the source has no more
	hung     bool   // the source was reset or given up; it may be read all the same
	over     bool   // and all of it was handed on, or has nowhere to go
}

// giveBack returns the pipe.
func (f *flow) giveBack(l *loop) {
	if f.pipe != nil {
		l.pipes.give(f.pipe)
		f.pipe = nil
	}
}

// drop throws away what was not handed on.
func (f *flow) drop(l *loop) {
	f.rest = nil
	f.giveBack(l)
}

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
			return
		case carried >= turnBytes:
			c.resume()
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
	case !c.listener.copies && c.loop.pipes.ready():
		room = c.loop.buf[:]
		fallthrough
	default:
		n, errno = receiveRaw(c.fd[from], room)
	}
	switch {
	case errno == unix.EAGAIN:
		f.readable, f.thorough = false, false
		return 0
	case errno != 0:
		c.lost(from)
		f.ended = true
		return 0
	case n == 0:
		f.ended = true
		return 0
	}
	c.spoke.note(from, int64(c.loop.tick))
	if f.pipe != nil {
		f.pipe.held = n
		return n
	}
	f.readable = n == len(room) || f.thorough
	if c.forward(from, room[:n]) && n == len(room) && !c.listener.copies {
		f.pipe = c.loop.pipes.take() // a burst
	}
	return copyWeight * n
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

// keep keeps what a destination did not take: in memory up to smallBuffer, since
// very many may be stalled at once, and what is beyond it in a pipe. That one is
// ready was seen before so much was read.
func (c *epollConn) keep(f *flow, p []byte) {
	short := min(len(p), smallBuffer)
	if p := p[short:]; len(p) > 0 {
		f.pipe = c.loop.pipes.take()
		f.pipe.fill(p)
	}
	f.rest = slices.Clone(p[:short])
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

// sent takes n bytes off what is left of a flow.
func (c *epollConn) sent(from Side, n int) {
	f := &c.flow[from]
	if !f.own {
		c.count(from, n)
	}
	if len(f.rest) == 0 {
		f.pipe.held -= n
		return
	}
	if f.rest = f.rest[n:]; len(f.rest) == 0 {
		f.rest, f.own = nil, false
	}
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
	if c.reset || c.flow[to].over {
		return
	}
	c.finSent[to] = true
	if shutdownRaw(c.fd[to]) != 0 {
		c.lost(to)
	}
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
