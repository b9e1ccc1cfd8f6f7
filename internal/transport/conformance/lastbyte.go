package conformance

import (
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// lastByteCases are about who spoke last, by which it is known for whom a session
// waits.
func lastByteCases() []testCase {
	return []testCase{
		{"last byte/either side in turn", lastByteInTurn},
		{"last byte/early data", lastByteEarly},
		{"last byte/of a side that the other does not read", lastByteStalled},
	}
}

// wantLast waits until a side has sent the last byte, as told while the session
// goes on.
func (s *session) wantLast(side transport.Side) {
	s.rig.t.Helper()
	eventually(s.rig.t, "the last byte is that of the side that sent it", func() bool {
		from, _, ok := s.LastByte()
		return ok && from == side
	})
}

func lastByteInTurn(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	s.Write([]byte("reply"))
	hear(t, s.client, "reply")
	if side, _, ok := s.LastByte(); ok {
		t.Errorf("neither side has sent anything, and side %d is said to be the last", side)
	}
	s.relay()
	for range 3 {
		say(t, upstream, "354 go on\r\n")
		hear(t, s.client, "354 go on\r\n")
		s.wantLast(transport.Upstream)
		say(t, s.client, ".\r\n")
		hear(t, upstream, ".\r\n")
		s.wantLast(transport.Client)
	}
	_, before, _ := s.LastByte()
	eventually(t, "the time since the last byte grows", func() bool {
		_, ago, _ := s.LastByte()
		return ago > before+time.Millisecond
	})
	_, long, _ := s.LastByte()
	eventually(t, "the time since the last byte begins anew", func() bool {
		say(t, upstream, "!")
		hear(t, s.client, "!")
		from, ago, _ := s.LastByte()
		return from == transport.Upstream && ago < long
	})
	closeAll(s.client, upstream)
	s.awaitEnd(t)
	if _, _, ok := s.LastByte(); !ok {
		t.Error("once the session has ended, it is not known who spoke last")
	}
	r.finish()
}

// lastByteEarly: what the client sends ahead of the relay counts.
func lastByteEarly(t *testing.T, r *rig) {
	s := r.session()
	say(t, s.client, "early")
	s.awaitPeek(5)
	s.wantLast(transport.Client)
	upstream := s.dial()
	s.relay()
	hear(t, upstream, "early")
	s.wantLast(transport.Client)
	closeAll(s.client, upstream)
	s.awaitEnd(t)
	r.finish()
}

// lastByteStalled: a client whose bytes nobody takes is the one that spoke last,
// though none of them has been counted since the upstream spoke.
func lastByteStalled(t *testing.T, r *rig) {
	st := r.stalled(transport.Client)
	st.awaitStall()
	st.wantLast(transport.Client)
	st.Abort()
	st.awaitEnd(t)
	closeAll(st.dying, st.other)
	r.finish()
}
