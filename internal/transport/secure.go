package transport

import (
	"errors"
	"time"
)

// preface is what a client says ahead of its TLS handshake. The conn's mutex guards
// it.
type preface struct {
	begins bool   // the client begins in the clear, and Secure was not called
	early  []byte // what was read and belongs to the handshake
}

// longAgo ends a wait at once.
var longAgo = time.Unix(1, 0)

func (c *conn) Secure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.preface.begins || c.phase != handshaking {
		return
	}
	c.preface.begins = false
	c.preface.early, c.in.held = c.in.held, nil
	c.in.release()
	c.client.setDeadline(longAgo) // the reader may wait for bytes that are here already
}

// readClear reads the client in the clear, if that is how it begins, and says
// whether to make the handshake. It runs on the reader's goroutine.
func (c *conn) readClear() (secure bool) {
	if c.tls == nil {
		return true
	}
	defer func() {
		if !secure { // a panic of the owner's included
			c.tls.forgo()
		}
	}()
	for c.inTheClear() {
		limit, ok := c.awaitRoom()
		if !ok {
			return false
		}
		b, err := c.client.receive(limit)
		if !c.heardClear(b, err) {
			return false
		}
	}
	return true
}

func (c *conn) inTheClear() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.preface.begins
}

// heardClear takes what was read in the clear and says whether to go on. An error
// that was met after Secure is left to the handshake, which meets it again.
func (c *conn) heardClear(b *buffer, err error) bool {
	c.mu.Lock()
	switch {
	case c.phase == handshaking && c.preface.begins:
		c.hold(b, err)
		c.mu.Unlock()
		return c.tellHeld(err)
	case c.phase == handshaking:
		if b != nil {
			c.preface.early = append(c.preface.early, b.bytes()...)
			b.free()
		}
		c.mu.Unlock()
		return true
	}
	c.mu.Unlock()
	return c.discard(b, err)
}

// secure makes the TLS handshake, if there is one to make, on the reader's
// goroutine, and says whether to read on.
func (c *conn) secure() bool {
	if c.tls == nil {
		return true
	}
	c.beginHandshake()
	err := c.tls.handshake()
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

// beginHandshake gives the handshake its time and what was read ahead of it.
func (c *conn) beginHandshake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tls.wire.early, c.preface.early = c.preface.early, nil
	if c.phase == handshaking { // else the deadline is that of Finish
		var deadline time.Time
		if c.handshakeTimeout > 0 {
			deadline = time.Now().Add(c.handshakeTimeout)
		}
		c.client.setDeadline(deadline)
	}
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
