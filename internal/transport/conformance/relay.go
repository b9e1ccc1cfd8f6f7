package conformance

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func relayCases() []testCase {
	return []testCase{
		{"relay/half-close by the client", halfCloseByClient},
		{"relay/half-close by the upstream", halfCloseByUpstream},
		{"relay/server speaks first", serverSpeaksFirst},
		{"relay/early data", earlyData},
		{"relay/early data of many segments", earlyDataLarge},
		{"relay/early data and end of stream", earlyEnd},
		{"relay/reply is ahead of the upstream's bytes", replyAhead},
		{"relay/slow reader of 64 MiB", slowReader},
		{"relay/both directions at once", bothDirections},
		{"relay/totals are live", liveTotals},
	}
}

func halfCloseByClient(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, s.client, "QUIT\r\n")
	hangUp(t, s.client)
	hear(t, upstream, "QUIT\r\n")
	hearEnd(t, upstream)
	down := pattern(1 << 20)
	sent, got := send(upstream, down, true), receive(s.client)
	got.want(t, down)
	if _, err := sent.wait(); err != nil {
		t.Errorf("send: %v", err)
	}
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(6, len(down))
	closeAll(s.client, upstream)
	r.finish()
}

func halfCloseByUpstream(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, upstream, "221 bye\r\n")
	hangUp(t, upstream)
	hear(t, s.client, "221 bye\r\n")
	hearEnd(t, s.client)
	up := pattern(1 << 20)
	sent, got := send(s.client, up, true), receive(upstream)
	got.want(t, up)
	if _, err := sent.wait(); err != nil {
		t.Errorf("send: %v", err)
	}
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(len(up), 9)
	closeAll(s.client, upstream)
	r.finish()
}

// serverSpeaksFirst has the banner arrive before the relay begins.
func serverSpeaksFirst(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	say(t, upstream, "220 first\r\n")
	s.relay()
	hear(t, s.client, "220 first\r\n")
	say(t, s.client, "EHLO\r\n")
	hear(t, upstream, "EHLO\r\n")
	s.part(upstream, 6, 11)
	r.finish()
}

// earlyData has bytes arrive with the request, while dialling and after it.
func earlyData(t *testing.T, r *rig) {
	s := r.session()
	say(t, s.client, "request one ")
	s.awaitPeek(12)
	s.Discard(8)
	upstream := s.dial()
	say(t, s.client, "two ")
	s.awaitPeek(8)
	s.relay()
	say(t, s.client, "three")
	hear(t, upstream, "one two three")
	s.part(upstream, 13, 0)
	r.finish()
}

// earlyDataLarge has more arrive than is held.
func earlyDataLarge(t *testing.T, r *rig) {
	s := r.session()
	early := pattern(1 << 20)
	sent := send(s.client, early, true)
	s.awaitPeek(16 << 10)
	upstream := s.dial()
	got := receive(upstream)
	s.relay()
	got.want(t, early)
	if _, err := sent.wait(); err != nil {
		t.Errorf("send: %v", err)
	}
	hangUp(t, upstream)
	hearEnd(t, s.client)
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(len(early), 0)
	closeAll(s.client, upstream)
	r.finish()
}

// earlyEnd has a client that says all it has to say before it is connected.
func earlyEnd(t *testing.T, r *rig) {
	s := r.session()
	say(t, s.client, "all of it")
	hangUp(t, s.client)
	if e := want[transport.ClientClosed](s); e.Err != nil {
		t.Errorf("client closed: got %v; want nil after an end of stream", e.Err)
	}
	if got, want := string(s.Peek()), "all of it"; got != want {
		t.Errorf("held at the end of stream: got %q; want %q", got, want)
	}
	upstream := s.dial()
	s.relay()
	hear(t, upstream, "all of it")
	hearEnd(t, upstream)
	say(t, upstream, "answer")
	hangUp(t, upstream)
	hear(t, s.client, "answer")
	hearEnd(t, s.client)
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(9, 6)
	closeAll(s.client, upstream)
	r.finish()
}

// replyAhead writes more than the client's socket takes, so that the relay
// begins while some of it is still to be sent.
func replyAhead(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	reply := strings.Repeat("reply ", 1<<20)
	s.Write([]byte(reply[:len(reply)/2]))
	s.Write([]byte(reply[len(reply)/2:]))
	s.relay()
	say(t, upstream, "banner")
	hear(t, s.client, reply)
	hear(t, s.client, "banner")
	s.part(upstream, 0, 6)
	r.finish()
}

// slowReader has a client that stops reading: the upstream is held up by the
// sockets between them, and the relay keeps next to nothing.
func slowReader(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	before := heapInUse()
	const length, own = 64 << 20, 2 * stretch
	sent := sendLong(upstream, length, true)
	var last uint64
	calm := 0
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	eventually(t, "the upstream is held up", func() bool {
		<-tick.C
		now := s.traffic.Down.Load()
		if now != last || now == 0 {
			calm = 0
		}
		last = now
		calm++
		return calm > 10
	})
	if last >= length {
		t.Errorf("taken while the client does not read: got all %d bytes; want what sockets hold", last)
	}
	if kept, most := int64(heapInUse()-before)-own, int64(4<<20); kept > most {
		t.Errorf("memory kept meanwhile: got %d bytes; want at most %d", kept, most)
	}
	receive(s.client).wantAll(t, sent)
	hangUp(t, s.client)
	hearEnd(t, upstream)
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(0, length)
	closeAll(s.client, upstream)
	r.finish()
}

// heapInUse is the memory in live objects.
func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func bothDirections(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	const up, down = 16 << 20, 16<<20 + 1
	gotUp, gotDown := receive(upstream), receive(s.client)
	sentUp, sentDown := sendLong(s.client, up, true), sendLong(upstream, down, true)
	gotUp.wantAll(t, sentUp)
	gotDown.wantAll(t, sentDown)
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(up, down)
	closeAll(s.client, upstream)
	r.finish()
}

func liveTotals(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	for i := range 3 {
		say(t, s.client, "ping")
		hear(t, upstream, "ping")
		say(t, upstream, "answer")
		hear(t, s.client, "answer")
		up, down := uint64(4*(i+1)), uint64(6*(i+1))
		eventually(t, "both counters show what has arrived", func() bool {
			return s.traffic.Up.Load() == up && s.traffic.Down.Load() == down &&
				r.total.Up.Load() == up && r.total.Down.Load() == down
		})
	}
	s.part(upstream, 12, 18)
	r.finish()
}

// part ends a relay in good order, the client first, and checks the totals.
func (s *session) part(upstream peer, up, down int) {
	t := s.rig.t
	t.Helper()
	hangUp(t, s.client)
	hearEnd(t, upstream)
	hangUp(t, upstream)
	hearEnd(t, s.client)
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(up, down)
	closeAll(s.client, upstream)
}

// closeAll closes what the test holds; a peer that was reset has no more to say.
func closeAll(conns ...peer) {
	for _, c := range conns {
		_ = c.Close()
	}
}
