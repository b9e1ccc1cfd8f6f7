package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// errNoFreebind is for systems, and ways to open sockets, that have no such option.
var errNoFreebind = fmt.Errorf("bind an address that is not of this machine: %w", errors.ErrUnsupported)

// plainSockets opens sockets by package net alone.
type plainSockets struct {
	buffers *buffers
}

func (s plainSockets) inherit(k KeepAlive) (func(uintptr) error, net.KeepAliveConfig) {
	return nil, k.keepAliveConfig()
}

func (s plainSockets) accepted(c *net.TCPConn) (stream, error) {
	return &plainStream{conn: c, buffers: s.buffers}, nil
}

// bind tries the address and lets it go again: package net has no socket that
// is bound and neither listens nor connects. A port is tried by listening, the
// address alone by UDP, which opens nothing to anyone.
func (s plainSockets) bind(source Origin) (reservation, netip.AddrPort, error) {
	if source.Freebind {
		return nil, netip.AddrPort{}, errNoFreebind
	}
	if source.Port() == 0 {
		probe, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(source.AddrPort))
		if err != nil {
			return nil, netip.AddrPort{}, err
		}
		return nil, source.AddrPort, probe.Close()
	}
	probe, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(source.AddrPort))
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	return nil, source.AddrPort, probe.Close()
}

func (s plainSockets) dial(_ reservation, source Origin, upstream netip.AddrPort, k KeepAlive) (dialling, bool, error) {
	ctx, cancel := context.WithCancel(context.Background())
	d := &plainDialling{ctx: ctx, stop: cancel, upstream: upstream, buffers: s.buffers}
	d.dialer.KeepAlive = -1
	d.dialer.KeepAliveConfig = k.keepAliveConfig()
	d.dialer.SetMultipathTCP(false)
	if source.IsValid() {
		d.dialer.LocalAddr = net.TCPAddrFromAddrPort(source.AddrPort)
	}
	return d, true, nil
}

// plainDialling is an attempt by net.Dialer.
type plainDialling struct {
	ctx      context.Context // of the attempt, which has no caller to pass one
	stop     context.CancelFunc
	dialer   net.Dialer
	upstream netip.AddrPort
	buffers  *buffers
}

func (d *plainDialling) done() bool { return false }
func (d *plainDialling) cancel()    { d.stop() }

func (d *plainDialling) wait() (stream, netip.AddrPort, error) {
	defer d.stop()
	c, err := d.dialer.DialContext(d.ctx, "tcp", d.upstream.String())
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	return &plainStream{conn: c.(*net.TCPConn), buffers: d.buffers}, addrPort(c.LocalAddr()), nil
}

// plainStream is a stream over package net. What has to be sent waits for a
// goroutine, since package net can't be asked how much fits at once.
type plainStream struct {
	conn    *net.TCPConn
	buffers *buffers
}

func (s *plainStream) receive(limit int) (*buffer, error) {
	s.awaitReadable()
	b := s.buffers.get(limit)
	n, err := s.conn.Read(b.space[:min(limit, len(b.space))])
	if n == 0 {
		b.free()
		if err == nil {
			err = io.ErrNoProgress
		}
		return nil, err
	}
	b.n = n
	return b, nil // an error comes again with the next call
}

func (s *plainStream) reader() io.Reader { return s.conn }

// awaitReadable waits until a read has something to say. Its own failure is
// not told: the read that follows meets the same and knows better.
func (s *plainStream) awaitReadable() {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return
	}
	// The runtime asks first and waits when the answer is no, on Windows by a
	// read of no bytes; asked again, there is something.
	asked := false
	_ = raw.Read(func(fd uintptr) bool {
		if asked || readable(fd) {
			return true
		}
		asked = true
		return false
	})
}

func (s *plainStream) offer([]byte) (int, error) { return 0, nil }

func (s *plainStream) send(p []byte) (int, error) {
	// In pieces, so that the counters move while a slow peer takes its time.
	return s.conn.Write(p[:min(len(p), smallBuffer)])
}

func (s *plainStream) closeWrite() error { return s.conn.CloseWrite() }

func (s *plainStream) connected() bool {
	alive := false
	return s.ask(func(fd uintptr) { alive = hasPeer(fd) }) && alive
}

func (s *plainStream) hasError() bool {
	failed := false
	return s.ask(func(fd uintptr) { failed = hasFailed(fd) }) && failed
}

func (s *plainStream) awaitDisconnect() bool { return false }

func (s *plainStream) unsent() int {
	n := 0
	s.ask(func(fd uintptr) { n = unacknowledged(fd) })
	return n
}

// ask lends the descriptor to f; false: it is closed.
func (s *plainStream) ask(f func(fd uintptr)) bool {
	raw, err := s.conn.SyscallConn()
	return err == nil && raw.Control(f) == nil
}

func (s *plainStream) boundUnacknowledged(d time.Duration) {
	s.ask(func(fd uintptr) { setUserTimeout(fd, d) })
}

func (s *plainStream) setDeadline(t time.Time) {
	_ = s.conn.SetDeadline(t) // fails only when closed, and then nothing waits
}

func (s *plainStream) close() { _ = s.conn.Close() }

func (s *plainStream) reset() {
	_ = s.conn.SetLinger(0) // a close without reset is the best that is left
	_ = s.conn.Close()
}

// isTimeout says that a deadline has passed.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
