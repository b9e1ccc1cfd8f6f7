package transport

import (
	"net"
	"net/netip"
	"slices"
)

// attempt is one Dial that has no outcome yet.
type attempt struct {
	number   int
	dialling dialling
}

func (c *conn) Bind(source Origin) (netip.AddrPort, error) {
	source.AddrPort = unmapped(source.AddrPort)
	r, bound, err := c.sockets.bind(source)
	if err != nil {
		return netip.AddrPort{}, err
	}
	c.mu.Lock()
	old := c.reserved
	if c.phase != handshaking {
		c.mu.Unlock()
		if r != nil {
			r.release()
		}
		return netip.AddrPort{}, net.ErrClosed
	}
	c.reserved, c.source = r, source
	c.mu.Unlock()
	if old != nil {
		old.release()
	}
	return bound, nil
}

func (c *conn) Dial(number int, upstream netip.AddrPort) {
	c.mu.Lock()
	if c.phase != handshaking || c.upstream != nil {
		c.mu.Unlock()
		return
	}
	reserved, source := c.reserved, c.source
	c.reserved = nil
	c.users++
	c.mu.Unlock()

	d, kept, err := c.sockets.dial(reserved, source, unmapped(upstream), c.keepAlive)
	if kept && reserved != nil {
		c.keep(reserved)
	}
	if err != nil {
		c.post(Dialed{Attempt: number, Err: err})
		c.leaveQuietly()
		return
	}
	a := &attempt{number: number, dialling: d}
	c.mu.Lock()
	listed := c.phase == handshaking && c.upstream == nil
	if listed {
		c.dialling = append(c.dialling, a)
	}
	c.mu.Unlock()
	if !listed {
		d.cancel()
	}
	if d.done() {
		c.conclude(a, c.post)
		c.leaveQuietly()
		return
	}
	go c.awaitDial(a)
}

// keep takes back a reservation which an attempt could not use.
func (c *conn) keep(r reservation) {
	c.mu.Lock()
	keep := c.phase == handshaking && c.reserved == nil
	if keep {
		c.reserved = r
	}
	c.mu.Unlock()
	if !keep {
		r.release()
	}
}

// awaitDial is the goroutine that waits for an attempt.
func (c *conn) awaitDial(a *attempt) {
	defer c.leave()
	c.conclude(a, c.tell)
}

// conclude takes the outcome of an attempt. The first to connect becomes the
// upstream and ends the others; one that was cancelled ends in silence.
func (c *conn) conclude(a *attempt, tell func(Event)) {
	st, local, err := a.dialling.wait()

	c.mu.Lock()
	i := slices.Index(c.dialling, a)
	if i < 0 { // cancelled
		c.mu.Unlock()
		if st != nil {
			st.reset()
		}
		return
	}
	c.dialling = slices.Delete(c.dialling, i, i+1)
	if err != nil {
		c.mu.Unlock()
		tell(Dialed{Attempt: a.number, Err: err})
		return
	}
	c.upstream, c.joined = st, c.clock.now()
	losers := upstreamSide{reserved: c.reserved, dialling: c.dialling}
	c.reserved, c.dialling = nil, nil
	c.mu.Unlock()

	losers.close(stream.reset)
	tell(Dialed{Attempt: a.number, Local: local})
}

func (c *conn) CancelDial() {
	c.mu.Lock()
	cancelled := upstreamSide{dialling: c.dialling}
	c.dialling = nil
	c.mu.Unlock()
	cancelled.close(stream.reset)
}
