package conformance

import (
	"errors"
	"net"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// What comes in the clear, ahead of a TLS handshake.
const preface = "who it is\r\n"

func tlsLaterCases() []testCase {
	return []testCase{
		{"tls later/header, then handshake", headerThenHandshake},
		{"tls later/header and handshake in one segment", headerWithHandshake},
		{"tls later/header in bytes", headerInBytes},
		{"tls later/secured from another goroutine", securedFromElsewhere},
		{"tls later/leaves in the clear", leavesInTheClear},
		{"tls later/leaves behind the header", leavesBehindHeader},
		{"tls later/never secured", neverSecured},
		{"tls later/garbage behind the header", garbageBehindHeader},
	}
}

// later is a rig in place of r whose handshakes wait for Secure.
func (r *rig) later() *rig { return r.anew(transport.ListenConfig{TLSLater: true}) }

// unsecured connects a client and starts its session; each event is reacted to
// within Notify.
func (r *rig) unsecured(react func(*session, transport.Event)) (*session, *tlsPeer) {
	r.t.Helper()
	client := r.secure.over(connect(r.t, r.listener.Addr()))
	c := r.accept()
	var s *session
	begun := make(chan struct{})
	s = r.start(c, client.socket, func(e transport.Event) {
		<-begun
		react(s, e)
	})
	close(begun)
	return s, client
}

// takePreface calls Secure once the preface is whole.
func takePreface() func(*session, transport.Event) {
	taken := false
	return func(s *session, e transport.Event) {
		if _, ok := e.(transport.Readable); ok && !taken && len(s.Peek()) >= len(preface) {
			taken = true
			s.Discard(len(preface))
			s.Secure()
		}
	}
}

// secured makes the handshake and sends something through it.
func (s *session) secured(client *tlsPeer) {
	t := s.rig.t
	t.Helper()
	if err := client.Handshake(); err != nil {
		t.Fatalf("handshake: %v", err)
	}
	want[transport.Secured](s)
	say(t, client, "\x05\x01\x00")
	if got := string(s.awaitPeek(3)); got != "\x05\x01\x00" {
		t.Errorf("behind the handshake: got %q", got)
	}
	s.Write([]byte("\x05\x00"))
	hear(t, client, "\x05\x00")
	s.Abort()
	closeAll(client.socket)
}

func headerThenHandshake(t *testing.T, first *rig) {
	r := first.later()
	s, client := r.unsecured(takePreface())
	say(t, client.socket, preface)
	s.secured(client)
	r.finish()
}

func headerWithHandshake(_ *testing.T, first *rig) {
	r := first.later()
	s, client := r.unsecured(takePreface())
	client.socket.prefix = preface
	s.secured(client)
	r.finish()
}

func headerInBytes(t *testing.T, first *rig) {
	r := first.later()
	s, client := r.unsecured(takePreface())
	for _, b := range []byte(preface) {
		say(t, client.socket, string(b))
	}
	s.secured(client)
	r.finish()
}

// securedFromElsewhere: by then the reader has read the client's first record in
// the clear, and waits for more; it has to be woken.
func securedFromElsewhere(t *testing.T, first *rig) {
	r := first.later()
	s, client := r.unsecured(func(*session, transport.Event) {})
	client.socket.prefix = preface
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	held := s.awaitPeek(len(preface) + 1)
	if got := string(held[:len(preface)]); got != preface {
		t.Errorf("got %q; want %q", got, preface)
	}
	s.Discard(len(preface))
	s.Secure()
	if err := <-shaken; err != nil {
		t.Fatalf("handshake: %v", err)
	}
	s.secured(client)
	r.finish()
}

// leavesInTheClear: this is an end of stream like any other.
func leavesInTheClear(t *testing.T, first *rig) {
	r := first.later()
	s, client := r.unsecured(takePreface())
	say(t, client.socket, preface[:3])
	hangUp(t, client.socket)
	if got := want[transport.ClientClosed](s).Err; got != nil {
		t.Errorf("error: got %v; want none", got)
	}
	s.Finish()
	hearEnd(t, client.socket)
	s.wantEnd(transport.Closed, 0)
	closeAll(client.socket)
	r.finish()
}

// leavesBehindHeader: a health check that speaks TLS does not stop being one by
// the header.
func leavesBehindHeader(t *testing.T, first *rig) {
	r := first.later()
	s, client := r.unsecured(takePreface())
	say(t, client.socket, preface)
	hangUp(t, client.socket)
	if got := want[transport.ClientClosed](s).Err; got != nil {
		t.Errorf("error: got %v; want none, there was no handshake", got)
	}
	s.Abort()
	closeAll(client.socket)
	r.finish()
}

// neverSecured: what was written waits for a handshake, and is given up with it.
func neverSecured(t *testing.T, first *rig) {
	r := first.later()
	for _, end := range []func(transport.Conn){transport.Conn.Finish, transport.Conn.Abort} {
		s, client := r.unsecured(func(*session, transport.Event) {})
		say(t, client.socket, preface)
		s.awaitPeek(len(preface))
		s.Write([]byte("\x05\x00"))
		end(s)
		s.Secure() // too late
		closeAll(client.socket)
		s.wantEnd(transport.Closed, 0)
	}
	r.finish()
}

func garbageBehindHeader(t *testing.T, first *rig) {
	r := first.later()
	s, client := r.unsecured(takePreface())
	say(t, client.socket, preface+"\x05\x01\x00")
	if _, err := client.socket.Write([]byte("no TLS at all")); err != nil && !errors.Is(err, net.ErrClosed) && !isReset(err) {
		t.Errorf("send: %v", err)
	}
	s.wantRefused()
	s.Finish()
	closeAll(client.socket)
	s.wantEnd(transport.Closed, 0)
	r.finish()
}
