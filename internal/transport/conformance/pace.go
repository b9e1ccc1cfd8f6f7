package conformance

import (
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func paceCases() []testCase {
	return []testCase{
		{"pace/takes as long as it says", paceHolds},
		{"pace/others are not held up", paceHoldsOneOnly},
		{"pace/shared, in turns", paceShared},
		{"pace/abort while bytes wait", paceAborted},
		{"pace/last words are not held up", paceLastWords},
	}
}

// paced is a session that relays by paces.
func (r *rig) paced(by ...*transport.Pace) (s *session, upstream peer) {
	r.t.Helper()
	s = r.session()
	upstream = s.dial()
	s.Limit(by...)
	s.relay()
	return s, upstream
}

// paceHolds: all bytes come, both ways, and not sooner than the slower of the paces
// allows.
func paceHolds(t *testing.T, r *rig) {
	const size, rate = 1 << 20, 4 << 20
	s, upstream := r.paced(transport.NewPace(rate), transport.NewPace(8*rate))
	p := pattern(size)
	for _, way := range []struct{ from, to peer }{{upstream, s.client}, {s.client, upstream}} {
		began := time.Now()
		sent := send(way.from, p, true)
		receive(way.to).want(t, p)
		// A twentieth of a second may come at once, and the last share in its turn.
		if took, least := time.Since(began), time.Second*size/rate*3/4; took < least {
			t.Errorf("%d bytes at %d a second took %v; want at least %v", size, rate, took, least)
		}
		if _, err := sent.wait(); err != nil {
			t.Errorf("send: %v", err)
		}
	}
	s.wantEnd(transport.Fin, 0)
	s.wantTraffic(size, size)
	closeAll(s.client, upstream)
	r.finish()
}

// paceHoldsOneOnly: beside a session whose bytes wait for minutes, another one is
// as quick as ever.
func paceHoldsOneOnly(t *testing.T, r *rig) {
	p := pattern(1 << 20)
	slow, slowUpstream := r.paced(transport.NewPace(transport.SlowestPace))
	waits := send(slowUpstream, p, false)
	quick, upstream := r.relayed()
	for range 4 {
		sent := send(upstream, p, false)
		hear(t, quick.client, string(p))
		_, _ = sent.wait()
	}
	if n := slow.traffic.Down.Load(); n >= uint64(len(p))/2 {
		t.Errorf("the slow session has moved %d bytes by then; want few", n)
	}
	for _, s := range []*session{slow, quick} {
		s.Abort()
		s.wantEnd(transport.Closed, 0)
	}
	closeAll(slow.client, slowUpstream, quick.client, upstream)
	_, _ = waits.wait()
	r.finish()
}

// paceShared: two sessions with one pace have it half each. It takes two seconds, so
// that one lost segment, and the fifth of a second until it is sent again, is not
// taken for unfairness.
func paceShared(t *testing.T, r *rig) {
	const size, rate = 1 << 20, 1 << 20
	shared := transport.NewPace(rate)
	p := pattern(size)
	one, oneUpstream := r.paced(shared)
	two, twoUpstream := r.paced(shared)
	began := time.Now()
	first, second := send(oneUpstream, p, true), send(twoUpstream, p, true)
	gotOne, gotTwo := receive(one.client), receive(two.client)
	gotOne.want(t, p)
	behind := two.traffic.Down.Load()
	gotTwo.want(t, p)
	if took, least := time.Since(began), time.Second*2*size/rate*3/4; took < least {
		t.Errorf("twice %d bytes at %d a second took %v; want at least %v", size, rate, took, least)
	}
	if behind < size/4 {
		t.Errorf("when one had all of its %d bytes, the other had %d; want about as many", size, behind)
	}
	for _, s := range []*sending{first, second} {
		if _, err := s.wait(); err != nil {
			t.Errorf("send: %v", err)
		}
	}
	closeAll(one.client, two.client, oneUpstream, twoUpstream)
	r.finish()
}

func paceAborted(t *testing.T, r *rig) {
	s, upstream := r.paced(transport.NewPace(transport.SlowestPace))
	waits := send(upstream, pattern(1<<20), false)
	eventually(t, "the first bytes to come", func() bool { return s.traffic.Down.Load() > 0 })
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	closeAll(s.client, upstream)
	_, _ = waits.wait()
	r.finish()
}

// paceLastWords: what a side had said before it reset is delivered at once, since
// it would otherwise be lost with the patience for it.
func paceLastWords(t *testing.T, r *rig) {
	s, upstream := r.paced(transport.NewPace(transport.SlowestPace))
	p := pattern(12 << 10)
	if _, err := send(upstream, p, false).wait(); err != nil {
		t.Fatalf("send: %v", err)
	}
	eventually(t, "the first bytes to come", func() bool { return s.traffic.Down.Load() > 0 })
	reset(t, upstream)
	hear(t, s.client, string(p))
	hearReset(t, s.client)
	s.wantEnd(transport.Reset, transport.Upstream)
	closeAll(s.client)
	r.finish()
}
