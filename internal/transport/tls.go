package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// tlsStream is the TLS that a client speaks over its socket. What TLS does not
// know of, that of the socket counts: deadlines, resets, whether it is alive.
//
// It holds no buffer while it waits, as every stream; crypto/tls itself keeps,
// for as long as the session lasts, room for the longest record it was sent.
type tlsStream struct {
	stream
	tls     *tls.Conn
	wire    *wire
	buffers *buffers

	begun  bool          // the handshake; of the receiving goroutine
	ready  chan struct{} // closed when the handshake has ended, however, or will never be
	failed error         // how it failed; written before ready is closed
	first  [1]byte
}

func newTLSStream(s stream, b *buffers, config *tls.Config, local, client netip.AddrPort) *tlsStream {
	w := &wire{socket: s, in: s.reader(), local: net.TCPAddrFromAddrPort(local), remote: net.TCPAddrFromAddrPort(client)}
	return &tlsStream{stream: s, tls: tls.Server(w, config), wire: w, buffers: b, ready: make(chan struct{})}
}

// handshake is called at most once, by the receiving goroutine; until then that
// receives in the clear. It ends by the deadline of the stream. The error
// wraps ErrTLSHandshake unless the client had left before its first byte, in
// which case it is what a plain stream would say.
func (s *tlsStream) handshake() error {
	defer close(s.ready)
	s.begun = true
	err := s.tls.Handshake()
	switch {
	case err == nil:
	case !s.wire.spoke && s.wire.end != nil && !isTimeout(s.wire.end):
		s.failed = s.wire.end
	default:
		s.failed = fmt.Errorf("%w: %w", ErrTLSHandshake, err)
	}
	return s.failed
}

// forgo is called in place of handshake when there will be none: nobody is to wait
// for it any more.
func (s *tlsStream) forgo() {
	s.failed = net.ErrClosed
	close(s.ready)
}

// subject is the name in the certificate that the client has shown and that was
// verified, or "". It is asked for after the handshake.
func (s *tlsStream) subject() string {
	chains := s.tls.ConnectionState().VerifiedChains
	if len(chains) == 0 {
		return ""
	}
	leaf := chains[0][0]
	switch name := leaf.Subject.String(); {
	case name != "":
		return name
	default:
		return alternativeName(leaf)
	}
}

// alternativeName is what a certificate without a subject is known by.
func alternativeName(c *x509.Certificate) string {
	switch {
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	case len(c.EmailAddresses) > 0:
		return c.EmailAddresses[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return "serial number " + c.SerialNumber.String()
}

// receive waits by reading one byte into a place of its own. Then the record
// that it came in is decrypted and the rest of it is there for the taking.
func (s *tlsStream) receive(limit int) (*buffer, error) {
	if !s.begun {
		return s.stream.receive(limit)
	}
	if s.failed != nil {
		return nil, s.failed
	}
	if n, err := s.tls.Read(s.first[:]); n == 0 {
		return nil, s.receiveError(err)
	}
	b := s.buffers.get(limit)
	b.space[0], b.n = s.first[0], 1
	if limit = min(limit, len(b.space)); limit > 1 {
		s.wire.drained = true
		n, _ := s.tls.Read(b.space[1:limit]) // an error comes again with the next call
		s.wire.drained = false
		b.n += n
	}
	return b, nil
}

// receiveError tells a stream that the client has closed from one that broke
// off. crypto/tls itself takes the end of the socket's stream between two
// records for an end in good order.
func (s *tlsStream) receiveError(err error) error {
	switch end := s.wire.end; {
	case end == io.EOF:
		return ErrTLSTruncated
	case end != nil:
		return end
	case err == io.EOF:
		return io.EOF // close_notify
	default:
		return fmt.Errorf("%w: %w", ErrTLSTruncated, err)
	}
}

// offer takes nothing: encrypted, what the socket does not take could not be
// taken back.
func (s *tlsStream) offer([]byte) (int, error) { return 0, nil }

// send sends one buffer at most, so that the counters move while a slow peer
// takes its time.
func (s *tlsStream) send(p []byte) (int, error) {
	<-s.ready
	if s.failed != nil {
		return 0, s.failed
	}
	return s.tls.Write(p[:min(len(p), smallBuffer)])
}

// closeWrite sends close_notify, as the other end may not take our FIN alone
// for an end either, and then the FIN. It may wait for the client.
func (s *tlsStream) closeWrite() error {
	if s.isSecure() {
		if err := s.tls.CloseWrite(); err != nil {
			return err
		}
	}
	return s.stream.closeWrite()
}

// isSecure is true once the handshake has succeeded.
func (s *tlsStream) isSecure() bool {
	select {
	case <-s.ready:
		return s.failed == nil
	default:
		return false
	}
}

// wire is the socket as crypto/tls uses it. Its fields belong to the receiving
// goroutine.
type wire struct {
	socket        stream
	in            io.Reader // of socket
	local, remote net.Addr

	early   []byte // what the client sent and was read before the handshake
	spoke   bool   // the client has sent a byte of it
	end     error  // of the socket's stream, as the socket told it
	drained bool   // there is nothing to be had without waiting
}

// errDrained ends a Read that was to take what is there. To crypto/tls it is a
// passing trouble, after which the stream can be read on.
type errDrained struct{}

func (errDrained) Error() string   { return "nothing is there yet" }
func (errDrained) Timeout() bool   { return true }
func (errDrained) Temporary() bool { return true }

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if w.drained {
		return 0, errDrained{}
	}
	if len(w.early) > 0 {
		n := copy(p, w.early)
		w.early, w.spoke = w.early[n:], true
		return n, nil
	}
	n, err := w.in.Read(p)
	if err != nil {
		w.end = err
	}
	w.spoke = w.spoke || n > 0
	return n, err
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n, err := w.socket.send(p[sent:])
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.socket.close()
	return nil
}

// LocalAddr implements net.Conn.
func (w *wire) LocalAddr() net.Addr { return w.local }

// RemoteAddr implements net.Conn.
func (w *wire) RemoteAddr() net.Addr { return w.remote }

// SetDeadline and its like do nothing: the conn sets deadlines, on the socket;
// those which crypto/tls sets while it closes would put them aside.

// SetDeadline implements net.Conn.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
