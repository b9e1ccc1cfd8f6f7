package transport

import (
	"io"
	"os"
	"syscall"
)

// input is what the client sent and nobody consumed yet. The conn's mutex
// guards it.
type input struct {
	held []byte        // at most heldMax
	end  error         // why no more will come; io.EOF in good order
	full chan struct{} // closed when the reader, paused at heldMax, may go on
}

// release lets a paused reader go on.
func (in *input) release() {
	if in.full != nil {
		close(in.full)
		in.full = nil
	}
}

func (c *conn) Peek() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.in.held
}

func (c *conn) Discard(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := &c.in
	if n = min(n, len(in.held)); n <= 0 {
		return
	}
	in.held = in.held[n:]
	if len(in.held) == 0 {
		in.held = nil
	}
	in.release()
}

// readClient is the goroutine that reads the client: after the TLS handshake, if
// there is one, before the relay into
// input, then as the copier towards the upstream. It stays parked in the same
// read while the one becomes the other.
func (c *conn) readClient() {
	defer c.leave()
	if !c.secure() {
		return
	}
	for {
		limit, ok := c.awaitRoom()
		if !ok {
			return
		}
		b, err := c.client.receive(limit)
		c.mu.Lock()
		switch c.phase {
		case handshaking:
			c.hold(b, err)
			c.mu.Unlock()
			if !c.tellHeld(err) {
				return
			}
		case relaying:
			c.mu.Unlock()
			c.copy(Client, b, err)
			return
		default:
			c.mu.Unlock()
			if !c.discard(b, err) {
				return
			}
		}
	}
}

// awaitRoom waits while heldMax bytes are held and returns how much may be
// read now. It returns false once the sockets are closed.
func (c *conn) awaitRoom() (int, bool) {
	for {
		c.mu.Lock()
		room := heldMax - len(c.in.held)
		if c.phase == closed {
			c.mu.Unlock()
			return 0, false
		}
		if room > 0 {
			c.mu.Unlock()
			return room, true
		}
		full := make(chan struct{})
		c.in.full = full
		c.mu.Unlock()
		<-full
	}
}

// hold is called with the mutex held. It copies what came out of the pooled
// buffer: the owner may look at it for as long as it likes.
func (c *conn) hold(b *buffer, err error) {
	if b == nil {
		c.in.end = err
		return
	}
	c.in.held = append(c.in.held, b.bytes()...)
	b.free()
}

// tellHeld tells what hold has taken and says whether to read on.
func (c *conn) tellHeld(err error) bool {
	if err == nil {
		c.tell(Readable{})
		return true
	}
	if err == io.EOF {
		err = nil
		if !c.client.connected() {
			// A write was told of the reset, see vanished.
			err = os.NewSyscallError("read", syscall.ECONNRESET)
		}
	}
	c.clientClosed(err, c.tell)
	return false
}

// clientClosed tells ClientClosed, once.
func (c *conn) clientClosed(err error, tell func(Event)) {
	c.mu.Lock()
	first := !c.clientGone && c.phase == handshaking
	c.clientGone = true
	c.mu.Unlock()
	if first {
		tell(ClientClosed{Err: err})
	}
}

// discard throws away what comes after Finish, until the client closes too or
// the time for that is over.
func (c *conn) discard(b *buffer, err error) bool {
	if b != nil {
		b.free()
		return true
	}
	c.mu.Lock()
	c.in.end = err
	c.mu.Unlock()
	if isTimeout(err) {
		c.shut(Ended{End: Closed}, stream.close)
	}
	c.partFromClient()
	return false
}
