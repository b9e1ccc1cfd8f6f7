package conformance

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func tlsCases() []testCase {
	return []testCase{
		{"tls/the client's name", clientsName},
		{"tls/client without a certificate hears why", noCertificate},
		{"tls/garbage", garbage},
		{"tls/plain SOCKS", plainSOCKS},
		{"tls/client that sends nothing", silentClient},
		{"tls/client that leaves before its first byte", leavesAtOnce},
		{"tls/client that leaves within the handshake", leavesWithin},
		{"tls/abort within the handshake", abortWithin},
		{"tls/finish within the handshake", finishWithin},
		{"tls/write ahead of the handshake", writeAhead},
		{"tls/FIN without close_notify", truncated},
		{"tls/FIN within a record", truncatedRecord},
		{"tls/FIN without close_notify before the relay", truncatedEarly},
		{"tls/FIN without close_notify when all is said", truncatedLate},
		{"tls/close_notify in one segment with the last bytes", endWithBytes},
	}
}

// begin connects a client that has not begun its handshake and starts its session.
func (r *rig) begin() (*session, *tlsPeer) {
	r.t.Helper()
	client := r.secure.over(connect(r.t, r.listener.Addr()))
	return r.start(r.accept(), client.socket, nil), client
}

// again is a rig like r with another security.
func (r *rig) again(secure *security) *rig {
	r.t.Helper()
	r.finish()
	return newRig(r.t, r.net, secure)
}

func clientsName(t *testing.T, first *rig) {
	s, client := first.begin()
	if err := client.Handshake(); err != nil {
		t.Fatalf("handshake: %v", err)
	}
	if got := want[transport.Secured](s).Subject; got != "" {
		t.Errorf("subject: got %q; want none, nobody was asked", got)
	}
	s.Abort()
	closeAll(client)
	r := first.again(first.secure.demanding())
	s, client = r.begin()
	if err := client.Handshake(); err != nil {
		t.Fatalf("handshake: %v", err)
	}
	if got, want := want[transport.Secured](s).Subject, "CN=peer"; got != want {
		t.Errorf("subject: got %q; want %q", got, want)
	}
	s.Abort()
	closeAll(client)
	r.finish()
}

// wantRefused waits for the end of a handshake that failed.
func (s *session) wantRefused() {
	s.rig.t.Helper()
	if got := want[transport.ClientClosed](s).Err; !errors.Is(got, transport.ErrTLSHandshake) {
		s.rig.t.Errorf("error: got %v; want %v", got, transport.ErrTLSHandshake)
	}
}

// noCertificate: the client has sent its first bytes before it is refused; it
// must hear the alert all the same, and not a reset.
func noCertificate(t *testing.T, first *rig) {
	r := first.again(first.secure.demanding())
	for range 10 {
		s, client := r.begin()
		config := r.secure.client.Clone()
		config.Certificates = nil
		client.Conn = tls.Client(client.socket, config)
		if err := client.Handshake(); err != nil {
			t.Fatalf("handshake: %v; want the client's side of TLS 1.3 to succeed", err)
		}
		say(t, client, "\x05\x01\x00")
		s.wantRefused()
		s.Finish()
		_, err := client.Read(make([]byte, 1))
		if remote := (*net.OpError)(nil); !errors.As(err, &remote) || remote.Op != "remote error" {
			t.Errorf("client: got %v; want an alert", err)
		}
		closeAll(client)
		s.wantEnd(transport.Closed, 0)
	}
	r.finish()
}

func garbage(t *testing.T, r *rig) {
	s, client := r.begin()
	say(t, client.socket, "GET / HTTP/1.0\r\n\r\n")
	s.wantRefused()
	s.Finish()
	_ = client.socket.Close()
	s.wantEnd(transport.Closed, 0)
	r.finish()
}

func plainSOCKS(t *testing.T, r *rig) {
	s, client := r.begin()
	say(t, client.socket, "\x05\x01\x00")
	hangUp(t, client.socket)
	s.wantRefused()
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	closeAll(client)
	r.finish()
}

// silentClient: only the time limit ends it.
func silentClient(_ *testing.T, first *rig) {
	hasty := *first.secure
	hasty.timeout = 20 * time.Millisecond
	r := first.again(&hasty)
	s, client := r.begin()
	s.wantRefused()
	s.Finish()
	closeAll(client.socket)
	s.wantEnd(transport.Closed, 0)
	r.finish()
}

// leavesAtOnce: what a health check does is no failed handshake.
func leavesAtOnce(t *testing.T, r *rig) {
	s, client := r.begin()
	closeAll(client.socket)
	if got := want[transport.ClientClosed](s).Err; got != nil {
		t.Errorf("error: got %v; want none", got)
	}
	s.Abort()
	s, client = r.begin()
	reset(t, client.socket)
	if got := want[transport.ClientClosed](s).Err; got == nil || errors.Is(got, transport.ErrTLSHandshake) {
		t.Errorf("error: got %v; want a reset and no failed handshake", got)
	}
	s.Abort()
	r.finish()
}

func leavesWithin(t *testing.T, r *rig) {
	s, client := r.begin()
	say(t, client.socket, "\x16\x03\x01")
	closeAll(client.socket)
	s.wantRefused()
	s.Abort()
	r.finish()
}

func abortWithin(t *testing.T, r *rig) {
	s, client := r.begin()
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	hearReset(t, client.socket)
	closeAll(client.socket)
	r.finish()
}

func finishWithin(t *testing.T, r *rig) {
	s, client := r.begin()
	s.Finish()
	hearEnd(t, client.socket)
	closeAll(client.socket)
	s.wantEnd(transport.Closed, 0)
	r.finish()
}

// writeAhead: what is written while there is no key yet is sent once there is.
func writeAhead(t *testing.T, r *rig) {
	s, client := r.begin()
	s.Write([]byte("\x05\x00"))
	hear(t, client, "\x05\x00")
	s.Abort()
	closeAll(client)
	r.finish()
}

// truncated: what came before is delivered; then the upstream is reset, so that
// it does not take what it got for all there was.
func truncated(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, s.client, "DATA\r\nhalf a mess")
	hangUp(t, s.client.(*tlsPeer).socket)
	s.wantTruncated(upstream, "DATA\r\nhalf a mess")
	r.finish()
}

func (s *session) wantTruncated(upstream peer, before string) {
	t := s.rig.t
	t.Helper()
	hear(t, upstream, before)
	hearReset(t, upstream)
	s.wantEnd(transport.Reset, transport.Client)
	if got := s.awaitEnd(t).Err; !errors.Is(got, transport.ErrTLSTruncated) {
		t.Errorf("error: got %v; want %v", got, transport.ErrTLSTruncated)
	}
	s.wantTraffic(len(before), 0)
	closeAll(s.client.(*tlsPeer).socket, upstream)
}

// truncatedRecord: the record that was cut short is not delivered in part.
func truncatedRecord(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, s.client, "whole")
	say(t, s.client.(*tlsPeer).socket, "\x17\x03\x03\x00\x40 but not sixty-four bytes")
	hangUp(t, s.client.(*tlsPeer).socket)
	s.wantTruncated(upstream, "whole")
	r.finish()
}

func truncatedEarly(t *testing.T, r *rig) {
	s := r.session()
	hangUp(t, s.client.(*tlsPeer).socket)
	if got := want[transport.ClientClosed](s).Err; !errors.Is(got, transport.ErrTLSTruncated) {
		t.Errorf("error: got %v; want %v", got, transport.ErrTLSTruncated)
	}
	s.Abort()
	closeAll(s.client.(*tlsPeer).socket)
	r.finish()
}

// truncatedLate: many a client that has read our end just closes its socket.
func truncatedLate(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, upstream, "221 bye\r\n")
	hangUp(t, upstream)
	hear(t, s.client, "221 bye\r\n")
	hearEnd(t, s.client)
	hangUp(t, s.client.(*tlsPeer).socket)
	hearEnd(t, upstream)
	s.wantEnd(transport.Fin, 0)
	closeAll(s.client.(*tlsPeer).socket, upstream)
	r.finish()
}

// endWithBytes: the end is found behind bytes which come in the same read.
func endWithBytes(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	client := s.client.(*tlsPeer)
	client.socket.corked = true
	say(t, client, "QUIT\r\n")
	hangUp(t, client)
	hear(t, upstream, "QUIT\r\n")
	hearEnd(t, upstream)
	hangUp(t, upstream)
	hearEnd(t, client)
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(6, 0)
	closeAll(client, upstream)
	r.finish()
}
