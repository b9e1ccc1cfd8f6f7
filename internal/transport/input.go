package transport

import (
	"io"
	"os"
	"syscall"
	"time"
)

// input is what the client sent and nobody consumed yet. The conn's mutex
// guards it.
type input struct {
	held []byte        // at most heldMax
	end  error         // why no more will come; io.EOF in good order
	full chan struct{} // closed when the reader, paused at heldMax or at the end, may go on
}

// pause is called when the reader has to wait for release.
func (in *input) pause() <-chan struct{} {
	in.full = make(chan struct{})
	return in.full
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
// there is one, and what may come in the clear ahead of that, before the relay into
// input, then as the copier towards the upstream. It stays parked in the same
// read while the one becomes the other.
func (c *conn) readClient() {
	defer c.leave()
	if !c.readClear() || !c.secure() {
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
		full := c.in.pause()
		c.mu.Unlock()
		c.watchClient(full)
	}
}

// awaitNextPhase waits, after the client's end of stream, until somebody else
// sees to it that its reset is noticed.
func (c *conn) awaitNextPhase() {
	for {
		c.mu.Lock()
		if c.phase != handshaking {
			c.mu.Unlock()
			return
		}
		full := c.in.pause()
		c.mu.Unlock()
		c.watchClient(full)
	}
}

// watchClient waits until full is closed. As nobody reads the client meanwhile,
// it is asked from time to time whether it is still there.
func (c *conn) watchClient(full <-chan struct{}) {
	look := time.NewTicker(stallLook)
	defer look.Stop()
	for {
		select {
		case <-full:
			return
		case <-look.C:
			if !c.client.connected() {
				c.clientClosed(errClientReset(), c.tell)
			}
		}
	}
}

// errClientReset stands in for the error of a read.
func errClientReset() error { return os.NewSyscallError("read", syscall.ECONNRESET) }

// hold is called with the mutex held. It copies what came out of the pooled
// buffer: the owner may look at it for as long as it likes.
func (c *conn) hold(b *buffer, err error) {
	if b == nil {
		c.in.end = err
		return
	}
	c.spoke.note(Client, c.clock.now())
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
			err = errClientReset()
		}
	}
	c.clientClosed(err, c.tell)
	if err == nil {
		c.awaitNextPhase()
	}
	return false
}

// clientClosed tells ClientClosed, once without an error and once with one,
// which is the last.
func (c *conn) clientClosed(err error, tell func(Event)) {
	c.mu.Lock()
	news := c.phase == handshaking && !c.clientGone && (err != nil || !c.clientDone)
	c.clientDone = c.clientDone || err == nil
	c.clientGone = c.clientGone || err != nil
	c.mu.Unlock()
	if news {
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
