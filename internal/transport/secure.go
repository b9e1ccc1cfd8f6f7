package transport

import (
	"errors"
	"time"
)

// secure makes the TLS handshake, if there is one to make, on the reader's
// goroutine, and says whether to read on.
func (c *conn) secure() bool {
	if c.tls == nil {
		return true
	}
	err := c.tls.handshake(c.handshakeTimeout)
	failed := errors.Is(err, ErrTLSHandshake)
	c.mu.Lock()
	if c.phase == handshaking { // else the deadline is that of Finish
		var deadline time.Time
		if failed {
			deadline = time.Now().Add(c.lastWords)
		}
		c.client.setDeadline(deadline)
	}
	c.mu.Unlock()
	switch {
	case failed:
		c.turnAway(err)
		return false
	case err == nil:
		c.tell(Secured{Subject: c.tls.subject()})
	}
	return true // a client that has left is met again by the read that follows
}

// turnAway ends the reader of a client whose handshake has failed. It goes on
// reading the socket as Finish does, so that no reset overtakes the alert which
// tells the client why.
func (c *conn) turnAway(err error) {
	c.clientClosed(err, c.tell)
	for more := true; more; {
		b, err := c.tls.stream.receive(smallBuffer)
		more = c.discard(b, err)
	}
}
