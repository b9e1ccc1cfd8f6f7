//go:build linux

package transport

import "time"

// pacing is how a relay keeps to its paces: it may carry what was granted to a
// direction from some moment on. A relay without paces has none.
type pacing struct {
	paces   paces
	granted [2]int    // bytes, by the side that sends; 0: nothing was asked for
	from    [2]moment // when
}

func (c *epollConn) Limit(to ...*Pace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == handshaking && len(to) > 0 {
		c.pacing = &pacing{paces: to}
	}
}

// mayCarry says whether bytes that come from a side may move now; otherwise the
// loop looks again in time. Last words are not held up.
func (c *epollConn) mayCarry(from Side) bool {
	p := c.pacing
	if p == nil || c.reset {
		return true
	}
	if p.granted[from] == 0 {
		p.granted[from] = p.paces.share()
		wait := p.paces.reserve(from, p.granted[from], time.Now())
		p.from[from] = 0
		if wait > 0 {
			p.from[from] = c.loop.after(wait)
		}
	}
	if p.from[from] <= c.loop.now() {
		return true
	}
	c.loop.schedule(c, p.from[from])
	return false
}

// carryPaced is carry within what was granted. It keeps nothing, so that what was
// granted and not taken can be given back.
func (c *epollConn) carryPaced(from Side) int {
	p := c.pacing
	n := c.trickle(from, c.loop.buf[:min(p.granted[from], smallBuffer)])
	p.granted[from] -= n
	return n
}

// rest gives back what a direction was granted and has no use for.
func (p *pacing) rest(from Side) {
	if p != nil && p.granted[from] > 0 {
		p.paces.giveBack(from, p.granted[from])
		p.granted[from] = 0
	}
}

// due is when the loop has to look at the relay again; 0: it need not.
func (p *pacing) due(now moment) (due moment) {
	if p == nil {
		return 0
	}
	for side, at := range p.from {
		if p.granted[side] > 0 && at > now {
			due = earlier(due, at)
		}
	}
	return due
}
