package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// sink is a server behind the proxy: what the workloads connect to.
type sink struct {
	listener *net.TCPListener
	serve    func(net.Conn)

	mu     sync.Mutex
	live   map[net.Conn]struct{}
	closed bool
	wg     sync.WaitGroup
}

// newSink listens on loopback and serves each connection in a goroutine of its
// own; the connection is closed when serve returns. The caller closes the sink.
func newSink(serve func(net.Conn)) (*sink, error) {
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		return nil, err
	}
	s := &sink{listener: l, serve: serve, live: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	return s, nil
}

func (s *sink) addr() netip.AddrPort { return s.listener.Addr().(*net.TCPAddr).AddrPort() }

func (s *sink) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			_ = s.listener.Close() // if it is not closed yet: the next session fails, and says so
			return
		}
		if !s.add(c) {
			_ = c.Close()
			return
		}
		s.wg.Go(func() { s.handle(c) })
	}
}

func (s *sink) handle(c net.Conn) {
	s.serve(c)
	_ = c.Close()
	s.mu.Lock()
	delete(s.live, c)
	s.mu.Unlock()
}

func (s *sink) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.live[c] = struct{}{}
	}
	return !s.closed
}

// settle waits until every connection has ended, so that a proxy's work for the
// last ones is in its bill. A proxy that keeps some open is not waited for
// beyond five seconds.
func (s *sink) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = poll(ctx, 5*time.Millisecond, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.live) == 0
	})
}

// close cuts what is still connected and returns when no goroutine is left.
func (s *sink) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.live {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// poll asks until holds says yes, or gives the reason why the context ended.
func poll(ctx context.Context, every time.Duration, holds func() bool) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for !holds() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// echo sends back what it receives.
func echo(c net.Conn) {
	var b [4096]byte
	for {
		n, err := c.Read(b[:])
		if err != nil {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

// echoOnce sends one probe back and closes, as an SMTP server does after QUIT.
// That the server closes first is not only true to life: the side that closes
// first keeps its port in TIME_WAIT for a minute, and with the client or the
// proxy in that place the ports of loopback run out from one measurement to the
// next.
func echoOnce(c net.Conn) {
	b := probe()
	if _, err := io.ReadFull(c, b); err == nil {
		_, _ = c.Write(b)
	}
}

// In the bulk workload a client opens with a count of bytes, 8 bytes in network
// order. The count replaces the end of stream, which not every proxy relays
// without ending the other direction too.
const countSize = 8

// chunk is what bulk streams are read and written in, in bytes.
const chunk = 256 << 10

// supply sends as many bytes as the client asks for.
func supply(c net.Conn) {
	want, err := readCount(c)
	if err != nil || writeZeros(c, want) != nil {
		return
	}
	waitForEnd(c)
}

// collect takes as many bytes as the client announces and answers how many came.
func collect(c net.Conn) {
	want, err := readCount(c)
	if err != nil {
		return
	}
	got := readAway(c, want)
	if _, err := c.Write(binary.BigEndian.AppendUint64(nil, uint64(got))); err != nil {
		return
	}
	waitForEnd(c)
}

// waitForEnd leaves it to the client to close first.
func waitForEnd(c net.Conn) {
	var b [1]byte
	_, _ = c.Read(b[:])
}

func readCount(r io.Reader) (int64, error) {
	var b [countSize]byte
	_, err := io.ReadFull(r, b[:])
	return int64(binary.BigEndian.Uint64(b[:])), err
}

func writeZeros(w io.Writer, n int64) error {
	b := make([]byte, chunk)
	for n > 0 {
		k, err := w.Write(b[:min(n, chunk)])
		if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}

// readAway reads n bytes and gives how many there were before an error.
func readAway(r io.Reader, n int64) (got int64) {
	b := make([]byte, chunk)
	for got < n {
		k, err := r.Read(b[:min(n-got, chunk)])
		got += int64(k)
		if err != nil {
			return got
		}
	}
	return got
}
