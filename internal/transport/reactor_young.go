//go:build linux

package transport

import "time"

const (
	// youth is how long a relay goes without keepalive and TCP_USER_TIMEOUT: most
	// sessions are over by then, and never pay for those six system calls.
	youth = moment(2 * time.Second)
	// youthMost is the shortest of these times that leaves room for that.
	youthMost = 10 * time.Second
)

// young is a relay that began a short while ago. It is known by number, since
// most are gone when their time comes.
type young struct {
	index      int32
	generation uint32
	ripe       moment
}

// nursery holds the young relays of a loop, the oldest first. It belongs to the
// loop's goroutine.
type nursery struct {
	queue []young
	first int // those before it have left
}

// enter notes that a relay begins.
func (n *nursery) enter(c *epollConn, now moment) {
	if n.first > 0 && n.first == len(n.queue) {
		n.queue, n.first = n.queue[:0], 0
	}
	n.queue = append(n.queue, young{index: c.index, generation: c.data >> 8, ripe: now + youth})
}

// leave takes the oldest out if its time has come.
func (n *nursery) leave(now moment) (y young, ok bool) {
	if n.first == len(n.queue) || n.queue[n.first].ripe > now {
		return y, false
	}
	y = n.queue[n.first]
	n.first++
	if n.first >= 1024 && 2*n.first >= len(n.queue) {
		n.queue, n.first = n.queue[:copy(n.queue, n.queue[n.first:])], 0
	}
	return y, true
}

// next is when the oldest is due, and a little later, since there are many; 0
// if there is none.
func (n *nursery) next() moment {
	if n.first == len(n.queue) {
		return 0
	}
	return n.queue[n.first].ripe + youth/4
}

// runNursery gives keepalive to the relays that have grown up.
func (l *loop) runNursery(now moment) {
	for {
		y, ok := l.nursery.leave(now)
		if !ok {
			return
		}
		e := &l.targets[y.index]
		if c, ok := e.target.(*epollConn); ok && e.generation&0xffffff == y.generation {
			c.ready(ripeRole, 0)
		}
	}
}

// ripen sets what a socket needs only if it lives on. One that fails it has
// failed already, and will say so.
func (c *epollConn) ripen() {
	if c.phase != relaying {
		return
	}
	for i := range c.listener.later {
		_ = setRaw(c.fd[Upstream], &c.listener.later[i])
	}
	c.boundUnacknowledged()
}
