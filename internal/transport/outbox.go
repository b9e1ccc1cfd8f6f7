package transport

// outbox is what was written to a side and not taken by its socket yet. The
// conn's mutex guards it.
type outbox struct {
	rest []byte
	busy bool          // a goroutine or Relay is sending; what is written joins rest
	idle chan struct{} // closed when no longer busy; nil if nobody waits
}

// settle is called when all is sent, or nothing more can be.
func (o *outbox) settle() {
	o.busy, o.rest = false, nil
	if o.idle != nil {
		close(o.idle)
		o.idle = nil
	}
}

func (c *conn) Write(p []byte) {
	c.mu.Lock()
	o := &c.out[Client]
	if c.phase != handshaking || len(p) == 0 {
		c.mu.Unlock()
		return
	}
	if o.busy {
		o.rest = append(o.rest, p...)
		c.mu.Unlock()
		return
	}
	o.busy = true
	c.mu.Unlock()
	c.sendNow(Client, p)
}

// sendNow sends p without waiting and leaves the rest to a goroutine. The
// outbox is busy already, so that nobody else sends.
func (c *conn) sendNow(to Side, p []byte) {
	n, err := c.stream(to).offer(p)
	c.countEarly(to, n)
	if err != nil {
		c.sendFailed(to, err, c.post)
		return
	}
	c.mu.Lock()
	o := &c.out[to]
	if n == len(p) && len(o.rest) == 0 {
		o.settle()
		c.mu.Unlock()
		return
	}
	o.rest = append(append([]byte(nil), p[n:]...), o.rest...)
	c.users++
	c.mu.Unlock()
	go c.flush(to)
}

// flush is the goroutine that sends what a socket did not take at once.
func (c *conn) flush(to Side) {
	defer c.leave()
	for {
		c.mu.Lock()
		o := &c.out[to]
		p := o.rest
		o.rest = nil
		if len(p) == 0 {
			o.settle()
			c.mu.Unlock()
			c.partFromClient()
			return
		}
		c.mu.Unlock()
		for len(p) > 0 {
			n, err := c.send(to, p)
			c.countEarly(to, n)
			if err != nil {
				c.sendFailed(to, err, c.tell)
				return
			}
			p = p[n:]
		}
	}
}

// sendFailed gives up what is still to be sent to a side.
func (c *conn) sendFailed(to Side, err error, tell func(Event)) {
	c.mu.Lock()
	c.out[to].settle()
	phase := c.phase
	c.mu.Unlock()
	switch {
	case phase == relaying:
		c.lost(to)
	case phase == finishing:
		c.shut(Ended{End: Closed}, stream.close)
	case to == Client:
		c.clientClosed(err, tell)
	}
}

// awaitSent waits until nothing written earlier is left to be sent to a side.
func (c *conn) awaitSent(to Side) {
	c.mu.Lock()
	o := &c.out[to]
	if !o.busy {
		c.mu.Unlock()
		return
	}
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	c.mu.Unlock()
	<-idle
}

// countEarly counts what the client sent ahead of the relay. What an outbox
// holds for the client is the owner's own, and no traffic.
func (c *conn) countEarly(to Side, n int) {
	if to == Upstream {
		c.count(to, n)
	}
}
