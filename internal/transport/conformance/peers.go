package conformance

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"syscall"
	"testing"
)

// Winsock's numbers, WSAGetLastError: the constants of package syscall with the
// names of POSIX are others there.
const (
	wsaAddrNotAvail syscall.Errno = 10049
	wsaNetUnreach   syscall.Errno = 10051
	wsaConnReset    syscall.Errno = 10054
	wsaConnRefused  syscall.Errno = 10061
)

// peer is the client or the upstream of a session: a socket, or TLS over one.
type peer interface {
	net.Conn
	CloseWrite() error
	SetLinger(seconds int) error
}

// isReset says that a peer has reset the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, wsaConnReset)
}

// say sends s.
func say(t *testing.T, c peer, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatalf("send %.20q: %v", s, err)
	}
}

// hear reads exactly what it wants.
func hear(t *testing.T, c peer, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("received: got %.40q, %v; want %.40q", b[:n], err, want)
	}
}

// hangUp ends the stream that c sends.
func hangUp(t *testing.T, c peer) {
	t.Helper()
	if err := c.CloseWrite(); err != nil {
		t.Fatalf("close for writing: %v", err)
	}
}

// hearEnd reads the end of the stream and nothing before it.
func hearEnd(t *testing.T, c peer) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("end of stream: got %d bytes, %v; want EOF", n, err)
	}
}

// hearReset reads a reset and nothing before it.
func hearReset(t *testing.T, c peer) {
	t.Helper()
	n, err := c.Read(make([]byte, 1))
	for n == 0 && notYetReset(err) {
		n, err = c.Read(make([]byte, 1))
	}
	if !isReset(err) {
		t.Fatalf("reset: got %d bytes, %v; want a reset", n, err)
	}
}

// notYetReset says that the poller has seen a reset of which the kernel was not
// done: the error of the socket is set, it is not closed yet. Go's poller takes
// an error alone for one of its own, with an error that it does not export, until
// the next event comes, which it will.
func notYetReset(err error) bool {
	var e *net.OpError
	return errors.As(err, &e) && e.Err.Error() == "not pollable"
}

// reset closes c with a reset.
func reset(t *testing.T, c peer) {
	t.Helper()
	if err := c.SetLinger(0); err != nil {
		t.Fatalf("linger: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// pattern is n bytes of which no two stretches are alike for long.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(n) | 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// sending is a stream that is being sent on a goroutine of its own.
type sending struct {
	done chan struct{}
	n    int
	err  error
}

// send sends p, then the end of the stream if that is asked for.
func send(c peer, p []byte, end bool) *sending {
	s := &sending{done: make(chan struct{})}
	go s.run(c, p, end)
	return s
}

func (s *sending) run(c peer, p []byte, end bool) {
	defer close(s.done)
	if s.n, s.err = c.Write(p); s.err == nil && end {
		s.err = c.CloseWrite()
	}
}

// wait waits until all is sent, or nothing more can be.
func (s *sending) wait() (int, error) {
	<-s.done
	return s.n, s.err
}

// receiving is a stream that is being read to its end on a goroutine of its own.
type receiving struct {
	done chan struct{}
	n    int
	sum  uint32
	err  error // nil: an end of stream
}

func receive(c peer) *receiving {
	r := &receiving{done: make(chan struct{})}
	go r.run(c)
	return r
}

func (r *receiving) run(c peer) {
	defer close(r.done)
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, struct{ io.Reader }{c})
	r.n, r.sum, r.err = int(n), sum.Sum32(), err
}

// want waits for the end of the stream and compares all of it.
func (r *receiving) want(t *testing.T, p []byte) {
	t.Helper()
	<-r.done
	if r.err != nil || r.n != len(p) || r.sum != crc32.ChecksumIEEE(p) {
		t.Errorf("received: got %d bytes, sum %x, %v; want %d bytes, sum %x, end of stream",
			r.n, r.sum, r.err, len(p), crc32.ChecksumIEEE(p))
	}
}

// readToEnd reads all there is and how it ended; nil is an end of stream.
func readToEnd(c peer) ([]byte, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, struct{ io.Reader }{c})
	return b.Bytes(), err
}
