package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// order is what the ends of a session agree on. The client sends it first, as the
// beginning of what it sends.
type order struct {
	ID       uint64
	Up, Down uint32 // bytes, of which the order itself is no part
	Kind     orderKind
	Pause    uint16 // ms
}

const orderSize = 8 + 4 + 4 + 1 + 2

type orderKind uint8

const (
	orderly        orderKind = iota // up, then down; the upstream ends it
	halfClosed                      // the client ends its stream, and only then gets its answer
	unread                          // the client takes its time before it reads
	clientResets                    // in the middle of what comes down
	upstreamResets                  // in the middle of what goes up
	orderKinds
)

func (k orderKind) String() string {
	return [...]string{"orderly", "half-closed", "unread", "client resets", "upstream resets"}[k]
}

func (o order) String() string {
	return fmt.Sprintf("%v, up %d, down %d, pause %d ms", o.Kind, o.Up, o.Down, o.Pause)
}

func (o order) resets() bool { return o.Kind == clientResets || o.Kind == upstreamResets }

// drawOrder makes one of ten large, and one of ten idle for a while.
func drawOrder(r *rand.Rand) order {
	o := order{Kind: orderKind(r.IntN(int(orderKinds))), Up: 1 + r.Uint32N(4<<10), Down: 1 + r.Uint32N(60<<10)}
	switch {
	case o.Kind == unread, r.IntN(10) == 0:
		o.Down = 1<<20 + r.Uint32N(7<<20)
	case r.IntN(10) == 0:
		o.Up = 1<<20 + r.Uint32N(7<<20)
	}
	if o.Kind == unread || r.IntN(10) == 0 {
		o.Pause = uint16(r.IntN(500))
	}
	return o
}

func (o order) bytes() []byte {
	b, err := binary.Append(nil, binary.BigEndian, o)
	if err != nil {
		panic(err) // it has a fixed size
	}
	return b
}

// pause waits as long as the session is idle.
func (o order) pause() { <-time.After(time.Duration(o.Pause) * time.Millisecond) }

// patience is how long the session may take.
func (o order) patience() time.Duration {
	return patience + 2*time.Duration(o.Pause)*time.Millisecond
}

// carry is the client's part. A reset that the order asks for is no error.
func (o order) carry(c *net.TCPConn) (sent, received int, err error) {
	first, err := c.Write(o.bytes())
	if err != nil {
		return first, 0, err
	}
	o.pause()
	sent, err = sendPattern(c, int(o.Up))
	sent += first
	if o.Kind == upstreamResets {
		received, _ = readPattern(c, int(o.Down))
		return sent, received, nil
	}
	if err == nil && o.Kind == halfClosed {
		err = c.CloseWrite()
	}
	if err != nil {
		return sent, 0, err
	}
	if o.Kind == unread {
		o.pause()
	}
	if o.Kind == clientResets {
		received, err = readPattern(c, int(o.Down/2))
		return sent, received, errors.Join(err, c.SetLinger(0), c.Close())
	}
	received, err = readPattern(c, int(o.Down))
	if err == nil {
		err = wantEnd(c)
	}
	return sent, received, err
}

// serve is the upstream's part.
func (o order) serve(c *net.TCPConn) (s hostSeen) {
	s.received = orderSize
	up := int(o.Up)
	if o.Kind == upstreamResets {
		up /= 2
	}
	n, err := readPattern(c, up)
	s.received += n
	switch {
	case err != nil:
		s.err = err
		return s
	case o.Kind == upstreamResets:
		s.sent, _ = sendPattern(c, int(o.Down/2))
		s.err = errors.Join(c.SetLinger(0), c.Close())
		return s
	case o.Kind == halfClosed:
		if s.err = wantEnd(c); s.err != nil {
			return s
		}
	}
	o.pause()
	s.sent, s.err = sendPattern(c, int(o.Down))
	if o.Kind == clientResets {
		// Whether the last of it was still taken is a matter of luck.
		_, _ = c.Read(make([]byte, 1))
		s.err = nil
	}
	return s
}

func wantEnd(c net.Conn) error {
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("got %d bytes more and %w; want the end of the stream", n, err)
	}
	return nil
}

// mixedPattern repeats after a prime number of bytes, so that a part that is lost
// or comes twice shows.
func mixedPattern() []byte {
	b := make([]byte, 65521)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

var mixedBytes = sync.OnceValue(mixedPattern)

func sendPattern(c net.Conn, n int) (sent int, err error) {
	for sent < n && err == nil {
		b := mixedBytes()[sent%len(mixedBytes()):]
		var k int
		k, err = c.Write(b[:min(len(b), n-sent)])
		sent += k
	}
	return sent, err
}

// readPattern reads n bytes and compares them.
func readPattern(c net.Conn, n int) (received int, err error) {
	in := make([]byte, min(n, 32<<10))
	for received < n && err == nil {
		want := mixedBytes()[received%len(mixedBytes()):]
		b := in[:min(len(in), len(want), n-received)]
		var k int
		k, err = c.Read(b)
		if !bytes.Equal(b[:k], want[:k]) {
			return received, fmt.Errorf("what came after %d bytes is not what was sent", received)
		}
		received += k
	}
	return received, err
}

// say sends one message of a handshake and reads the answer, which must say yes.
func say(c net.Conn, message []byte, isRequest bool) error {
	if _, err := c.Write(message); err != nil {
		return err
	}
	answer := make([]byte, 2)
	if isRequest {
		answer = make([]byte, 10)
	}
	if _, err := io.ReadFull(c, answer); err != nil {
		return err
	}
	if answer[0] != 5 || answer[1] != 0 {
		return fmt.Errorf("% x was answered with % x: %w", message, answer, replyCode(answer[1]))
	}
	return nil
}

// replyCode is a reply of RFC 1928 that was not "succeeded".
type replyCode byte

func (r replyCode) Error() string { return fmt.Sprintf("reply %02x", byte(r)) }

// hostSeen is what an upstream has seen of a session.
type hostSeen struct {
	sent, received int
	err            error
}

// mixedHost is an upstream that does as it is ordered.
type mixedHost struct {
	address  netip.AddrPort
	sessions sync.WaitGroup

	mu       sync.Mutex
	next     uint64
	expected map[uint64]chan hostSeen
}

func newMixedHost(t *testing.T) *mixedHost {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h := &mixedHost{address: l.Addr().(*net.TCPAddr).AddrPort(), expected: make(map[uint64]chan hostSeen)}
	h.sessions.Go(func() { h.accept(l) })
	t.Cleanup(func() {
		_ = l.Close() // its only purpose is to end accept
		h.sessions.Wait()
	})
	return h
}

// expect gives the order its number. What the host has seen of its session comes
// on the channel.
func (h *mixedHost) expect(o *order) <-chan hostSeen {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	o.ID = h.next
	seen := make(chan hostSeen, 1)
	h.expected[o.ID] = seen
	return seen
}

func (h *mixedHost) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		h.sessions.Go(func() { h.serve(c.(*net.TCPConn)) })
	}
}

func (h *mixedHost) serve(c *net.TCPConn) {
	defer c.Close()
	if c.SetDeadline(time.Now().Add(patience)) != nil {
		return
	}
	b := make([]byte, orderSize)
	var o order
	if _, err := io.ReadFull(c, b); err != nil {
		return // whoever waits for the session says so
	}
	if _, err := binary.Decode(b, binary.BigEndian, &o); err != nil {
		return
	}
	if c.SetDeadline(time.Now().Add(o.patience())) != nil {
		return
	}
	seen := o.serve(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expected[o.ID] <- seen
	delete(h.expected, o.ID)
}
