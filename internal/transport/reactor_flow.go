//go:build linux

package transport

import "golang.org/x/sys/unix"

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
	f.clear(l.budget)
	f.giveBack(l)
}

// clear forgets what is in memory.
func (f *flow) clear(b *budget) {
	if !f.own {
		b.release(cap(f.rest))
	}
	f.rest = nil
}

// take takes n bytes off what is in memory. What is left moves to the front: what
// it takes up is known by its capacity.
func (f *flow) take(n int, b *budget) {
	switch {
	case n == len(f.rest):
		f.clear(b)
		f.own = false
	case f.own:
		f.rest = f.rest[n:]
	default:
		f.rest = f.rest[:copy(f.rest, f.rest[n:])]
	}
}

// keep keeps what a destination did not take: in memory up to smallBuffer, since
// very many may be stalled at once, and what is beyond it in a pipe. That one is
// ready, and that the budget has room, was seen before so much was read.
func (c *epollConn) keep(f *flow, p []byte) {
	short := min(len(p), smallBuffer)
	if p := p[short:]; len(p) > 0 {
		f.pipe = c.loop.pipes.take(c.loop.tick)
		f.pipe.fill(p)
	}
	c.remember(f, append(make([]byte, 0, short), p[:short]...))
}

// remember has p, which is the flow's from here on, sent before anything else.
func (c *epollConn) remember(f *flow, p []byte) {
	f.rest = p
	c.loop.budget.add(cap(p))
}

// sent takes n bytes off what is left of a flow.
func (c *epollConn) sent(from Side, n int) {
	f := &c.flow[from]
	if !f.own {
		c.spoke.touch(int64(c.loop.tick))
		c.count(from, n)
	}
	if f.pipe != nil {
		c.loop.pipes.moved(f.pipe)
	}
	if len(f.rest) == 0 {
		f.pipe.held -= n
		return
	}
	f.take(n, c.loop.budget)
}

// trickle carries no more than there is room, and no remainder, for when the budget
// is used up or little was granted: what the destination does not take stays where
// it came from. It is a third call for what are two else. It returns how much the
// destination has taken.
func (c *epollConn) trickle(from Side, room []byte) int {
	f, to := &c.flow[from], from.other()
	n, errno := peekRaw(c.fd[from], room)
	if !c.received(from, n, errno) {
		return 0
	}
	taken, errno := sendRaw(c.fd[to], room[:n])
	if errno != 0 && errno != unix.EAGAIN {
		c.sendFailed(to, errno)
		return 0
	}
	if taken = max(taken, 0); taken < n {
		c.block(to)
	} else {
		f.readable = n == len(room) || f.thorough
	}
	if taken > 0 {
		c.see(from, room[:taken])
		skipRaw(c.fd[from], taken)
		c.count(from, taken)
	}
	if taken == len(room) && !c.listener.copies && c.pacing == nil {
		f.pipe = c.loop.pipes.take(c.loop.tick) // a burst
	}
	return taken
}

// see looks for the upstream's first line in what comes from a side.
func (c *epollConn) see(from Side, p []byte) {
	if from != Upstream || c.look == nil {
		return
	}
	if b, done := c.look.see(p, int64(c.loop.tick)); done {
		c.look = nil
		c.post(b)
	}
}
