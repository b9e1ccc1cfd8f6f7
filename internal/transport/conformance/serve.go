package conformance

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func serveCases() []testCase {
	return []testCase{
		{"serve/again after a panic, none refused", serveAfterPanic},
		{"serve/panic after the session was started", serveStartedPanic},
		{"serve/cancelled and resumed", serveResumed},
		{"serve/cancelled while waiting for a slot", serveCancelledAtSlot},
		{"serve/second call waits for the first", serveTwice},
		{"serve/decline", serveDecline},
		{"serve/close", serveClose},
		{"serve/close while waiting for a slot", serveCloseAtSlot},
		{"serve/sessions outlive the listener", sessionsOutlive},
		{"listen/address in use", listenInUse},
	}
}

// acceptOf waits for the Conn of this client: a transport with several loops
// need not hand clients over in the order of the queue.
func (r *rig) acceptOf(client peer) transport.Conn {
	r.t.Helper()
	for {
		c := r.accept()
		if c.Client() == client.LocalAddr().(*net.TCPAddr).AddrPort() {
			return c
		}
		r.accepted <- c
	}
}

// echoes checks that a client is served: its session answers.
func (r *rig) echoes(client peer) {
	r.t.Helper()
	s := r.start(r.acceptOf(client), client, nil)
	s.Write([]byte("served"))
	hear(r.t, client, "served")
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	closeAll(client)
}

func serveAfterPanic(t *testing.T, r *rig) {
	r.serving.cancel()
	r.serving.wait(t)
	a := r.acceptance()
	accepted := a.Accepted
	a.Accepted = func(transport.Conn) { panic("in Accepted") }
	for range 2 {
		r.gate = make(chan struct{})
		s := r.serve(a)
		lost := r.connect()
		close(r.gate)
		s.wait(t)
		if s.panicked != "in Accepted" {
			t.Errorf("panic out of Serve: got %v; want that of Accepted", s.panicked)
		}
		r.wantSlots()
		hearReset(t, lost)
		closeAll(lost)
	}
	var waiting []peer
	for range 5 {
		waiting = append(waiting, r.connect())
	}
	a.Accepted = accepted
	r.serving = r.serve(a)
	for _, client := range waiting {
		r.echoes(client)
	}
	r.finish()
}

// wantSlots checks that each slot was given back.
func (r *rig) wantSlots() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entered != 0 {
		r.t.Errorf("slots neither used nor given back: got %d; want 0", r.entered)
	}
}

// serveDecline: a client that is declined has connected, and hears the end of the
// stream. The others are served.
func serveDecline(t *testing.T, r *rig) {
	for range 20 {
		client := r.connect()
		r.acceptOf(client).Decline()
		hearEnd(t, client)
		closeAll(client)
	}
	r.echoes(r.connect())
	r.finish()
}

// serveStartedPanic: a session that was started lives on, and has its slot.
func serveStartedPanic(t *testing.T, r *rig) {
	r.serving.cancel()
	r.serving.wait(t)
	client := r.connect()
	var s *session
	a := r.acceptance()
	a.Accepted = func(c transport.Conn) {
		r.slots(-1)
		s = r.start(c, client, nil)
		panic("in Accepted")
	}
	failing := r.serve(a)
	failing.wait(t)
	if failing.panicked != "in Accepted" {
		t.Errorf("panic out of Serve: got %v; want that of Accepted", failing.panicked)
	}
	r.wantSlots()
	s.Write([]byte("served"))
	hear(t, client, "served")
	s.Abort()
	closeAll(client)
	r.serving = r.serve(r.acceptance())
	r.echoes(r.connect())
	r.finish()
}

func serveResumed(t *testing.T, r *rig) {
	for range 20 {
		r.serving.cancel()
		r.serving.wait(t)
		if r.serving.err != nil {
			t.Fatalf("Serve: got %v; want nil when cancelled", r.serving.err)
		}
		client := r.connect()
		r.serving = r.serve(r.acceptance())
		r.echoes(client)
	}
	r.finish()
}

func serveCancelledAtSlot(t *testing.T, r *rig) {
	r.serving.cancel()
	r.serving.wait(t)
	r.gate = make(chan struct{})
	r.serving = r.serve(r.acceptance())
	client := r.connect()
	r.serving.cancel()
	r.serving.wait(t)
	if r.serving.err != nil {
		t.Errorf("Serve: got %v; want nil when cancelled", r.serving.err)
	}
	close(r.gate)
	r.serving = r.serve(r.acceptance())
	r.echoes(client)
	r.finish()
}

func serveTwice(t *testing.T, r *rig) {
	second := r.serve(r.acceptance())
	r.echoes(r.connect())
	r.serving.cancel()
	r.serving.wait(t)
	r.serving = second
	r.echoes(r.connect())
	third := r.serve(r.acceptance())
	third.cancel()
	third.wait(t)
	if third.err != nil {
		t.Errorf("Serve that never had its turn: got %v; want nil", third.err)
	}
	r.echoes(r.connect())
	r.finish()
}

func serveClose(t *testing.T, r *rig) {
	if err := r.listener.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	r.serving.wait(t)
	if !errors.Is(r.serving.err, transport.ErrListenerDead) {
		t.Errorf("Serve: got %v; want ErrListenerDead", r.serving.err)
	}
	if err := r.listener.Serve(context.Background(), r.acceptance()); !errors.Is(err, transport.ErrListenerDead) {
		t.Errorf("Serve on a closed socket: got %v; want ErrListenerDead", err)
	}
	if c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(r.listener.Addr())); err == nil {
		closeAll(c)
		t.Error("connect: got a connection; want none, nobody listens")
	}
}

func serveCloseAtSlot(t *testing.T, r *rig) {
	r.serving.cancel()
	r.serving.wait(t)
	r.gate = make(chan struct{})
	s := r.serve(r.acceptance())
	if err := r.listener.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	s.wait(t)
	if !errors.Is(s.err, transport.ErrListenerDead) {
		t.Errorf("Serve: got %v; want ErrListenerDead", s.err)
	}
}

func sessionsOutlive(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	r.finishListener()
	say(t, s.client, "x")
	hear(t, upstream, "x")
	s.part(upstream, 1, 0)
	s.check(t)
}

// finishListener ends Serve and closes the socket.
func (r *rig) finishListener() {
	r.t.Helper()
	r.serving.cancel()
	r.serving.wait(r.t)
	if err := r.listener.Close(); err != nil {
		r.t.Errorf("close the listener: %v", err)
	}
}

// listenInUse: the error names the address, which the operator must find.
func listenInUse(t *testing.T, r *rig) {
	_, err := r.net.Listen(transport.ListenConfig{Address: r.listener.Addr()})
	if err == nil {
		t.Fatal("listen on an address in use: got nil; want an error")
	}
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr == nil || op.Addr.String() != r.listener.Addr().String() {
		t.Errorf("error: got %v; want one that names %v", err, r.listener.Addr())
	}
	if _, err := r.net.Listen(transport.ListenConfig{Address: netip.MustParseAddrPort("203.0.113.9:0")}); err == nil {
		t.Error("listen on an unplumbed address: got nil; want an error")
	}
	r.finish()
}
