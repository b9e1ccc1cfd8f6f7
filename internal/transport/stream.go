package transport

import (
	"io"
	"net"
	"net/netip"
	"time"
)

// stream is one connected socket. One goroutine may receive while another
// sends; the other methods may be called by any, at any time.
type stream interface {
	// receive waits until something has come and returns at most limit bytes
	// of it, in a buffer that the caller frees. While it waits it holds no
	// buffer, so that an idle direction costs none. It returns either a buffer
	// or an error, io.EOF at the end of the stream.
	receive(limit int) (*buffer, error)
	// reader is receive for one who has the room: each Read waits until something
	// has come, and takes what fits. It is used instead of receive or after it.
	reader() io.Reader
	// offer sends what the socket takes at once; n < len(p) is no error.
	offer(p []byte) (n int, err error)
	// send sends some of p, at least a byte, and waits for that if it must.
	send(p []byte) (n int, err error)
	// closeWrite sends the end of our stream.
	closeWrite() error
	// connected is false once the peer has reset the connection or the system
	// has given it up. It tells an end of stream from a reset whose error a
	// write has consumed: the kernel reports each error once.
	connected() bool
	// hasError is true while an error of the connection is still to be told by a
	// read or write: a peer that has closed in good order leaves none. It is false
	// where the system can't tell without taking the error.
	hasError() bool
	// awaitDisconnect returns when connected has become false or the socket is
	// closed. It returns false at once where the system can't tell.
	awaitDisconnect() bool
	// unsent is how many bytes the peer has not acknowledged. Negative: the
	// system can't tell.
	unsent() int
	// boundUnacknowledged has the system give the connection up when the peer has
	// taken nothing for so long, where it can.
	boundUnacknowledged(d time.Duration)
	// setDeadline makes waits, those under way too, fail at t.
	setDeadline(t time.Time)
	// close closes in good order: what was sent is still delivered.
	close()
	// reset closes at once and throws away what was not delivered.
	reset()
}

// sockets opens sockets and makes streams of them: by system calls where we
// have them, by package net elsewhere.
type sockets interface {
	// inherit is called for the listening socket before bind; it sets what
	// accepted sockets inherit. What they can't inherit is in the result.
	inherit(k KeepAlive) (control func(fd uintptr) error, each net.KeepAliveConfig)
	// accepted makes a stream of a client. On error the caller still owns c.
	accepted(c *net.TCPConn) (stream, error)
	// bind holds a socket bound to source, or only tries whether it could.
	bind(source Origin) (reservation, netip.AddrPort, error)
	// dial begins to connect, without waiting. It consumes r if r can serve;
	// kept says that it did not. A zero source leaves the choice to the system.
	dial(r reservation, source Origin, upstream netip.AddrPort, k KeepAlive) (d dialling, kept bool, err error)
}

// reservation is a bound socket that was not used yet.
type reservation interface {
	release()
}

// dialling is one attempt to connect.
type dialling interface {
	// done is true when wait would not wait.
	done() bool
	// wait waits for the outcome: the stream, which the caller owns, and its
	// local address. It is called once.
	wait() (stream, netip.AddrPort, error)
	// cancel ends wait with an error. It may be called at any time.
	cancel()
}

// keepAliveConfig is k as package net takes it; the zero value leaves a socket
// as it is.
func (k KeepAlive) keepAliveConfig() net.KeepAliveConfig {
	if !k.Enabled {
		return net.KeepAliveConfig{}
	}
	return net.KeepAliveConfig{Enable: true, Idle: k.Idle, Interval: k.Interval, Count: k.Count}
}

// addrPort is a's address, unmapped; the zero value if it has none.
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok || t == nil {
		return netip.AddrPort{}
	}
	return unmapped(t.AddrPort())
}

// unmapped turns ::ffff:192.0.2.1 into 192.0.2.1.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
