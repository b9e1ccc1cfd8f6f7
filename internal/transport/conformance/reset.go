package conformance

import (
	"io"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func resetCases() []testCase {
	return []testCase{
		{"reset/by the client", func(t *testing.T, r *rig) { lastWords(t, r, transport.Client) }},
		{"reset/by the upstream", func(t *testing.T, r *rig) { lastWords(t, r, transport.Upstream) }},
		{"reset/by the client under fire", func(t *testing.T, r *rig) { underFire(t, r, transport.Client) }},
		{"reset/by the upstream under fire", func(t *testing.T, r *rig) { underFire(t, r, transport.Upstream) }},
		{"reset/the other side reads late", readsLate},
		{"reset/after half-close", afterHalfClose},
		{"reset/client before the relay", beforeRelay},
	}
}

// ends orders the two peers' sockets as the side that resets and the other.
func (s *session) ends(by transport.Side, upstream peer) (dying, other peer) {
	if by == transport.Client {
		return s.client, upstream
	}
	return upstream, s.client
}

// from is what the totals say came from a side.
func (s *session) from(side transport.Side) int {
	if side == transport.Client {
		return int(s.traffic.Up.Load())
	}
	return int(s.traffic.Down.Load())
}

// lastWords: what a side sent before it reset arrives before the reset.
func lastWords(t *testing.T, r *rig, by transport.Side) {
	for range 20 {
		s, upstream := r.relayed()
		dying, other := s.ends(by, upstream)
		say(t, other, "before")
		hear(t, dying, "before")
		say(t, dying, "554 go away\r\n")
		reset(t, dying)
		hear(t, other, "554 go away\r\n")
		hearReset(t, other)
		s.wantEnd(transport.Reset, by)
		if got, want := s.from(by), 13; got != want {
			t.Errorf("bytes from the side that reset: got %d; want %d", got, want)
		}
		if got, want := s.from(1-by), 6; got != want {
			t.Errorf("bytes to the side that reset: got %d; want %d", got, want)
		}
		closeAll(other)
	}
	r.finish()
}

// underFire: the transport learns of the reset by a write as often as by a
// read. The kernel tells only one of them; a read after the write sees an end
// of stream, which must not become one on the other side.
func underFire(t *testing.T, r *rig, by transport.Side) {
	flood := pattern(4 << 20)
	for range 40 {
		s, upstream := r.relayed()
		dying, other := s.ends(by, upstream)
		fire := send(other, flood, false)
		some := make([]byte, 1000)
		if _, err := io.ReadFull(dying, some); err != nil {
			t.Fatalf("receive: %v", err)
		}
		say(t, dying, "554 go away\r\n")
		reset(t, dying)
		hear(t, other, "554 go away\r\n")
		s.wantEnd(transport.Reset, by)
		sent, err := fire.wait()
		if err == nil {
			hearReset(t, other)
		}
		if got, want := s.from(by), 13; got != want {
			t.Errorf("bytes from the side that reset: got %d; want %d", got, want)
		}
		if got := s.from(1 - by); got < len(some) || sent < len(flood) && got > len(flood) {
			t.Errorf("bytes to the side that reset: got %d; want %d received <= it <= %d sent", got, len(some), len(flood))
		}
		closeAll(other)
	}
	r.finish()
}

// readsLate: the reset waits until the side that lives on has taken what it
// was sent, within limits.
func readsLate(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	down := pattern(1 << 20)
	sent := send(upstream, down, false)
	if _, err := sent.wait(); err != nil {
		t.Fatalf("send: %v", err)
	}
	eventually(t, "the client's socket has taken all", func() bool { return s.traffic.Down.Load() == uint64(len(down)) })
	reset(t, upstream)
	got, err := readToEnd(s.client)
	if len(got) != len(down) || !isReset(err) {
		t.Errorf("received: got %d bytes, %v; want %d bytes and then a reset", len(got), err, len(down))
	}
	s.wantEnd(transport.Reset, transport.Upstream)
	s.wantTraffic(0, len(down))
	closeAll(s.client)
	r.finish()
}

// afterHalfClose: a client that has ended its stream and then resets is heard
// of at the latest when something is sent to it.
func afterHalfClose(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, s.client, "x")
	hangUp(t, s.client)
	hear(t, upstream, "x")
	hearEnd(t, upstream)
	reset(t, s.client)
	eventually(t, "the upstream is reset", func() bool {
		_, err := upstream.Write([]byte("y"))
		return err != nil
	})
	s.wantEnd(transport.Reset, transport.Client)
	closeAll(upstream)
	r.finish()
}

// beforeRelay: there is nobody to pass it on to, so the owner hears of it.
func beforeRelay(t *testing.T, r *rig) {
	s := r.session()
	say(t, s.client, "hello")
	s.awaitPeek(5)
	reset(t, s.client)
	if e := want[transport.ClientClosed](s); !isReset(e.Err) {
		t.Errorf("client closed: got %v; want a reset", e.Err)
	}
	if got, want := string(s.Peek()), "hello"; got != want {
		t.Errorf("held: got %q; want %q", got, want)
	}
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	r.finish()
}
