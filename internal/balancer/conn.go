// Package balancer wraps connections that come by way of a load balancer, which
// begins each with a PROXY header: who the client is, and after that the client's
// own bytes. It is for servers that take a net.Conn, as net/http does; the
// listeners for MTAs read the header in their own state machine.
//
// Whether the peer may be believed is for the caller to know before it wraps a
// connection. The header is read when it is first needed, on the goroutine that
// needs it, so that a silent load balancer holds up nobody else.
package balancer

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

// ErrNobody says that a header names no client, though it does not speak for the
// load balancer itself. Such a client is not taken for the load balancer, which may
// be trusted with more.
var ErrNobody = errors.New("the PROXY header names no client")

// Conn is a connection whose RemoteAddr is what its header says. Until there is
// one, Read and RemoteAddr wait for it. If it cannot be read, or not in time, the
// connection is closed and Read gives the reason. Its methods may be called like
// those of the connection in it, which it owns.
type Conn struct {
	net.Conn
	patience time.Duration
	refused  func(error)

	once   sync.Once
	client net.Addr // nil: the peer
	rest   []byte   // what came behind the header and nobody has read yet
	err    error
}

// New wraps a connection of which nothing was read. The header has to be there
// within patience of the first call that needs it. refused hears once of one that
// cannot be read; a peer that closes before its first byte is not meant.
func New(c net.Conn, patience time.Duration, refused func(error)) *Conn {
	return &Conn{Conn: c, patience: patience, refused: refused}
}

// RemoteAddr is the client that the header names, or the load balancer if it speaks
// for itself.
func (c *Conn) RemoteAddr() net.Addr {
	c.once.Do(c.readHeader)
	if c.client != nil {
		return c.client
	}
	return c.Conn.RemoteAddr()
}

// Read gives what follows the header.
func (c *Conn) Read(p []byte) (int, error) {
	c.once.Do(c.readHeader)
	switch {
	case c.err != nil:
		return 0, c.err
	case len(c.rest) > 0:
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	c.rest = nil
	return c.Conn.Read(p)
}

func (c *Conn) readHeader() {
	b, h, err := c.await()
	if err == nil && h.Command == proxyproto.Proxy && !h.Speaks() {
		err = ErrNobody
	}
	if err != nil {
		c.err = err
		if len(b) > 0 {
			c.refused(err)
		}
		_ = c.Close() // nobody is there to be told
		return
	}
	c.rest = b
	if h.Speaks() {
		c.client = net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.Source.Addr().Unmap(), h.Source.Port()))
	}
}

// await reads until there is a header, and gives what came behind it; with an
// error, all that came.
func (c *Conn) await() (b []byte, h proxyproto.Header, err error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return nil, h, err
	}
	buffer := make([]byte, 256) // most headers, and the rest of a small request
	for have := 0; ; {
		n, err := c.Conn.Read(buffer[have:])
		have += n
		h, length, bad := proxyproto.Parse(buffer[:have])
		switch {
		case bad != nil:
			return buffer[:have], h, bad
		case length > 0:
			return buffer[length:have], h, c.SetReadDeadline(time.Time{})
		case err != nil:
			return buffer[:have], h, err
		case have == len(buffer): // Parse bounds what it waits for
			buffer = append(buffer, make([]byte, len(buffer))...)
		}
	}
}
