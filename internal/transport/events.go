package transport

// tell tells the owner e on the calling goroutine. If another goroutine is at
// it, that one takes e along: events of a conn do not overlap. This also lets
// the owner call any method, and so cause events, from within Notify.
// Events after Ended are dropped.
func (c *conn) tell(e Event) {
	if c.admit(e) {
		c.deliver(e)
	}
}

// post is tell from within a method of the Conn: never on the caller's stack.
func (c *conn) post(e Event) {
	if c.admit(e) {
		go c.deliver(e)
	}
}

// admit says whether the caller has to see to the delivery of e; if another
// goroutine is at it, e is queued for that one.
func (c *conn) admit(e Event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.endTold || c.owner == nil {
		return false
	}
	if _, ok := e.(Ended); ok {
		c.endTold = true
	}
	if c.telling {
		c.queue = append(c.queue, e)
		return false
	}
	c.telling = true
	return true
}

// deliver tells e and what was queued meanwhile.
func (c *conn) deliver(e Event) {
	for {
		c.notify(e)
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.telling = false
			c.queue = nil
			c.mu.Unlock()
			return
		}
		e = c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
	}
}

// notify lends the owner this goroutine. A panic of the owner ends the session
// and leaves the goroutine to its work.
func (c *conn) notify(e Event) {
	defer c.recoverOwner()
	c.owner.Notify(e)
}

func (c *conn) recoverOwner() {
	p := recover()
	if p == nil {
		return
	}
	c.mu.Lock()
	c.users++ // the sockets are being closed: the end waits
	c.mu.Unlock()
	c.fail(p)
	c.leaveQuietly() // queued behind this event, as the caller is delivering
}
