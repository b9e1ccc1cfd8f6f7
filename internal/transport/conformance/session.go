package conformance

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// session is one Conn with its owner, which is this value, and its client.
type session struct {
	transport.Conn
	rig     *rig
	client  peer
	traffic transport.Traffic
	react   func(transport.Event) // within Notify; nil: nothing

	events  chan transport.Event
	ended   chan struct{}
	end     transport.Ended
	inside  atomic.Int32
	overlap atomic.Bool
	late    atomic.Int32 // events after Ended
	over    atomic.Bool
	expired atomic.Int32
}

// Notify notes e and checks that events come one at a time and none after the
// last.
func (s *session) Notify(e transport.Event) {
	if s.inside.Add(1) != 1 {
		s.overlap.Store(true)
	}
	defer s.inside.Add(-1)
	if s.over.Load() {
		s.late.Add(1)
		return
	}
	if _, ok := e.(transport.Secured); s.react != nil && !ok { // that one is the rig's
		s.react(e)
	}
	switch e := e.(type) {
	case transport.Expired:
		s.expired.Add(1)
	case transport.Ended:
		s.end = e
		s.over.Store(true)
		close(s.ended)
	}
	s.events <- e
}

// next waits for the next event that is not Readable, which may come any number
// of times.
func (s *session) next() transport.Event {
	s.rig.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-s.events:
			if _, ok := e.(transport.Readable); !ok {
				return e
			}
		case <-late:
			s.rig.t.Fatal("no event came")
		}
	}
}

// want waits for the next event and takes it as an E.
func want[E transport.Event](s *session) E {
	s.rig.t.Helper()
	e := s.next()
	got, ok := e.(E)
	if !ok {
		s.rig.t.Fatalf("event: got %s; want %T", describe(e), got)
	}
	return got
}

// awaitEnd waits for Ended.
func (s *session) awaitEnd(t *testing.T) transport.Ended {
	t.Helper()
	select {
	case <-s.ended:
		return s.end
	case <-time.After(patience):
		t.Fatal("session did not end")
		return transport.Ended{}
	}
}

// wantEnd waits for the end and compares it; the side counts with a reset only.
func (s *session) wantEnd(end transport.End, side transport.Side) {
	t := s.rig.t
	t.Helper()
	got := s.awaitEnd(t)
	if got.End != end || end == transport.Reset && got.Side != side {
		t.Errorf("end: got %s; want end %d by side %d", describe(got), end, side)
	}
}

// check is what every session has kept when it is over.
func (s *session) check(t *testing.T) {
	t.Helper()
	if s.overlap.Load() {
		t.Error("events overlapped; want one at a time")
	}
	if n := s.late.Load(); n != 0 {
		t.Errorf("events after Ended: got %d; want 0", n)
	}
}

// dial connects the session to a new upstream.
func (s *session) dial() peer {
	t := s.rig.t
	t.Helper()
	l := listen(t)
	defer l.Close()
	s.Dial(1, addr(l))
	upstream := acceptUpstream(t, l)
	d := want[transport.Dialed](s)
	if d.Err != nil || d.Attempt != 1 {
		t.Fatalf("dialed: got %+v; want attempt 1 without error", d)
	}
	if want := upstream.RemoteAddr().(*net.TCPAddr).AddrPort(); d.Local != want {
		t.Errorf("local address: got %v; want %v, as the upstream sees it", d.Local, want)
	}
	return upstream
}

// awaitPeek waits until n bytes are held and returns them.
func (s *session) awaitPeek(n int) []byte {
	s.rig.t.Helper()
	eventually(s.rig.t, "bytes can be peeked", func() bool { return len(s.Peek()) >= n })
	return s.Peek()
}

// wantTraffic compares the totals of an orderly session.
func (s *session) wantTraffic(up, down int) {
	t := s.rig.t
	t.Helper()
	if got, want := s.traffic.Up.Load(), uint64(up); got != want {
		t.Errorf("bytes up: got %d; want %d", got, want)
	}
	if got, want := s.traffic.Down.Load(), uint64(down); got != want {
		t.Errorf("bytes down: got %d; want %d", got, want)
	}
}
