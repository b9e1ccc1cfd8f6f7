package conformance

import (
	"bytes"
	"errors"
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

// readToEnd reads all there is and how it ended; nil is an end of stream.
func readToEnd(c peer) ([]byte, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, struct{ io.Reader }{c})
	return b.Bytes(), err
}
