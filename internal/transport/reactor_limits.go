//go:build linux

package transport

import "golang.org/x/sys/unix"

// The limits of a relay cost a session a pointer and no timer of its own: the entry
// that its handshake had in the loop's heap stays where it is, and is found due too
// early once, or never.

// limit begins to hold the relay to its limits. Most relays are over before what the
// kernel is asked for can matter, so that it waits until the relay has lasted a while.
func (c *epollConn) limit(l *RelayLimits) {
	if l == nil || *l == (RelayLimits{}) {
		c.loop.timers.remove(c)
		return
	}
	now := c.loop.now()
	c.limits = l
	c.spoke.touch(int64(now))
	if l.Most > 0 {
		c.ends = now + moment(l.Most)
	}
	if l.Unacknowledged >= youthMost {
		c.newborn = true
	} else {
		c.boundUnacknowledged()
	}
	if at, _ := c.lapses(); at > 0 {
		c.loop.schedule(c, at)
	} else {
		c.loop.timers.remove(c)
	}
}

// boundUnacknowledged has the kernel give a peer up that takes nothing.
func (c *epollConn) boundUnacknowledged() {
	if c.limits == nil || c.limits.Unacknowledged <= 0 {
		return
	}
	for _, fd := range c.fd {
		// One that fails it has failed already, and will say so.
		_ = setRaw(fd, &socketOption{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, milliseconds(c.limits.Unacknowledged)})
	}
}

// lapses is when the relay is past a limit; 0: never.
func (c *epollConn) lapses() (moment, End) {
	if c.limits == nil || c.phase != relaying {
		return 0, Closed
	}
	at, end := c.limits.due(c.spoke.moved(), int64(c.ends), c.finSent[Client] || c.finSent[Upstream])
	return moment(at), end
}

// halfClosed notes that one side has ended its stream: from now on less patience
// may be due.
func (c *epollConn) halfClosed() {
	if c.limits == nil || c.limits.HalfClosed == 0 {
		return
	}
	c.spoke.touch(int64(c.loop.now()))
	if at, _ := c.lapses(); at > 0 {
		c.loop.schedule(c, at)
	}
}
