package conformance

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func handshakeCases() []testCase {
	return []testCase{
		{"handshake/addresses", addresses},
		{"handshake/IPv4 client of an IPv6 socket", mappedClient},
		{"handshake/byte by byte", byteByByte},
		{"handshake/at most 16 KiB are held", heldLimit},
		{"handshake/whole turn inside Notify", insideNotify},
		{"handshake/events come one at a time", oneAtATime},
		{"handshake/write to a client that is gone", writeToGone},
		{"handshake/timer", timer},
		{"handshake/relay stops the timer", relayStopsTimer},
	}
}

func addresses(t *testing.T, r *rig) {
	s := r.session()
	if got, want := s.Client(), s.client.LocalAddr().(*net.TCPAddr).AddrPort(); got != want {
		t.Errorf("client: got %v; want %v", got, want)
	}
	if got, want := s.Local(), r.listener.Addr(); got != want {
		t.Errorf("local: got %v; want %v", got, want)
	}
	s.Abort()
	closeAll(s.client)
	r.finish()
}

func mappedClient(t *testing.T, first *rig) {
	r := first.anew(transport.ListenConfig{Address: netip.MustParseAddrPort("[::]:0")})
	client := r.connectTo(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), r.listener.Addr().Port()))
	s := r.start(r.accept(), client, nil)
	if got, want := s.Client().Addr(), netip.MustParseAddr("127.0.0.1"); got != want {
		t.Errorf("client: got %v; want %v", got, want)
	}
	if got, want := s.Local().Addr(), netip.MustParseAddr("127.0.0.1"); got != want {
		t.Errorf("local: got %v; want %v", got, want)
	}
	s.Abort()
	closeAll(client)
	r.finish()
}

func byteByByte(t *testing.T, r *rig) {
	s := r.session()
	message := "\x05\x01\x00 and more"
	for i := range len(message) {
		say(t, s.client, message[i:i+1])
		if got, want := string(s.awaitPeek(i+1)), message[:i+1]; got != want {
			t.Fatalf("peek: got %q; want %q", got, want)
		}
	}
	s.Discard(3)
	if got, want := string(s.Peek()), message[3:]; got != want {
		t.Errorf("peek after discard: got %q; want %q", got, want)
	}
	s.Write([]byte("\x05\x00"))
	hear(t, s.client, "\x05\x00")
	s.Discard(len(message))
	if got := s.Peek(); len(got) != 0 {
		t.Errorf("peek after discarding all: got %q; want nothing", got)
	}
	s.Abort()
	closeAll(s.client)
	r.finish()
}

func heldLimit(t *testing.T, r *rig) {
	s := r.session()
	message := pattern(200_000)
	sent := send(s.client, message, true)
	var got []byte
	for len(got) < len(message) {
		p := s.awaitPeek(min(16<<10, len(message)-len(got)))
		if len(p) > 16<<10 {
			t.Fatalf("held: got %d bytes; want at most %d", len(p), 16<<10)
		}
		n := min(len(p), 10_000)
		got = append(got, p[:n]...)
		s.Discard(n)
	}
	if !bytes.Equal(got, message) {
		t.Error("what was peeked is not what was sent")
	}
	want[transport.ClientClosed](s)
	if _, err := sent.wait(); err != nil {
		t.Errorf("send: %v", err)
	}
	s.Abort()
	closeAll(s.client)
	r.finish()
}

// insideNotify has an owner that calls everything from within Notify.
func insideNotify(t *testing.T, r *rig) {
	l := listen(t)
	defer l.Close()
	client := r.connect()
	var s *session
	ready := make(chan struct{})
	c := r.accept()
	react := func(e transport.Event) {
		<-ready
		switch e := e.(type) {
		case transport.Readable:
			if p := s.Peek(); len(p) >= 5 && string(p[:5]) == "hello" {
				s.Discard(5)
				s.SetTimer(time.Hour)
				s.Write([]byte("one "))
				s.Dial(7, addr(l))
			}
		case transport.Dialed:
			if e.Attempt == 7 && e.Err == nil {
				s.Write([]byte("two "))
				s.relay()
			}
		}
	}
	s = r.start(c, client, react)
	close(ready)
	say(t, client, "hello early")
	upstream := acceptUpstream(t, l)
	hear(t, client, "one two ")
	hear(t, upstream, " early")
	say(t, upstream, "three")
	hear(t, client, "three")
	s.part(upstream, 6, 5)
	r.finish()
}

// writeToGone: a failed write is heard, once, as the close that it is.
func writeToGone(t *testing.T, r *rig) {
	for range 30 {
		s := r.session()
		reset(t, s.client)
		s.Write([]byte(strings.Repeat("reply", 1000)))
		s.Write([]byte(strings.Repeat("reply", 1000)))
		if e := want[transport.ClientClosed](s); e.Err == nil {
			t.Error("client closed: got nil; want the error of the read or write")
		}
		s.Abort()
		if e := s.next(); e != (transport.Ended{}) {
			t.Errorf("next event: got %s; want Ended", describe(e))
		}
	}
	r.finish()
}

// oneAtATime has an event come up while the owner hears another.
func oneAtATime(t *testing.T, r *rig) {
	client := r.connect()
	hearing, goOn := make(chan struct{}), make(chan struct{})
	first := true
	s := r.start(r.accept(), client, func(transport.Event) {
		if first {
			first = false
			close(hearing)
			<-goOn
		}
	})
	say(t, client, "x")
	<-hearing
	s.SetTimer(time.Millisecond)
	start := time.Now()
	eventually(t, "the timer has run out", func() bool { return time.Since(start) > 30*time.Millisecond })
	close(goOn)
	want[transport.Expired](s)
	s.Abort()
	closeAll(client)
	r.finish()
}

func timer(t *testing.T, r *rig) {
	s := r.session()
	s.SetTimer(time.Millisecond)
	want[transport.Expired](s)
	s.SetTimer(time.Hour)
	s.SetTimer(time.Millisecond)
	want[transport.Expired](s)
	s.SetTimer(50 * time.Millisecond)
	s.SetTimer(0)
	start := time.Now()
	eventually(t, "the stopped timer would have run out", func() bool { return time.Since(start) > 100*time.Millisecond })
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	if got, want := s.expired.Load(), int32(2); got != want {
		t.Errorf("expired: got %d times; want %d", got, want)
	}
	closeAll(s.client)
	r.finish()
}

func relayStopsTimer(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	s.SetTimer(50 * time.Millisecond)
	s.relay()
	start := time.Now()
	eventually(t, "the timer would have run out", func() bool { return time.Since(start) > 100*time.Millisecond })
	if got := s.expired.Load(); got != 0 {
		t.Errorf("expired: got %d times; want 0", got)
	}
	s.SetTimer(time.Millisecond) // the relay's own limits
	want[transport.Expired](s)
	s.part(upstream, 0, 0)
	if got, want := s.expired.Load(), int32(1); got != want {
		t.Errorf("expired: got %d times; want %d", got, want)
	}
	r.finish()
}
