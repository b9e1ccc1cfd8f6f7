package transport

import "time"

func (c *conn) Limit(to ...*Pace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == handshaking && len(to) > 0 {
		c.paces, c.hurry = to, make(chan struct{})
	}
}

// hasten ends the waiting for a pace: the sockets are closed, or one side is gone
// and the other is to get its last words. Called with the mutex held.
func (c *conn) hasten() {
	if c.paces != nil && !c.hurried {
		c.hurried = true
		close(c.hurry)
	}
}

// most is how much to receive next, of which limit was the wish.
func (c *conn) most(limit int) int {
	if c.paces == nil {
		return limit
	}
	return min(limit, c.paces.share())
}

// keepPace waits until n bytes that have come from a side may be handed on.
func (c *conn) keepPace(from Side, n int) {
	wait := c.paces.reserve(from, n, time.Now())
	if wait == 0 {
		return
	}
	due := time.NewTimer(wait)
	defer due.Stop()
	select {
	case <-due.C:
	case <-c.hurry:
	}
}
