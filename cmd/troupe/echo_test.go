package main

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// echo is an upstream that sends back what it gets, and ends its stream when
// its client has.
type echo struct {
	address  netip.AddrPort
	sessions sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]struct{}
	closed   bool
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	return newEchoAt(t, "127.0.0.1:0")
}

func newEchoAt(t *testing.T, listen string) *echo {
	t.Helper()
	l, err := net.Listen("tcp4", listen)
	must(t, err)
	e := &echo{address: l.Addr().(*net.TCPAddr).AddrPort(), open: make(map[net.Conn]struct{})}
	e.sessions.Go(func() { e.accept(l) })
	t.Cleanup(func() {
		_ = l.Close() // its only purpose is to end accept
		e.closeAll()
		e.sessions.Wait()
	})
	return e
}

func (e *echo) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		e.sessions.Go(func() { e.serve(c) })
	}
}

func (e *echo) serve(c net.Conn) {
	if !e.enter(c) {
		return
	}
	defer e.leave(c)
	// Hidden methods: io.Copy between sockets would take pipes for each session.
	// An error means that the peer has gone.
	_, _ = io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 4096))
}

func (e *echo) enter(c net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		_ = c.Close()
		return false
	}
	e.open[c] = struct{}{}
	return true
}

func (e *echo) leave(c net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = c.Close()
	delete(e.open, c)
}

func (e *echo) closeAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for c := range e.open {
		_ = c.Close()
	}
}
