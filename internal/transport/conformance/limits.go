package conformance

import (
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// limitCases are about the times that a relay is held to. That it ends is waited for;
// that it does not end early can be looked at on any machine.
func limitCases() []testCase {
	return []testCase{
		{"limits/idle while the upstream is waited for", idleUpstream},
		{"limits/idle while the client is waited for", idleClient},
		{"limits/idle though the client never spoke", idleFromTheStart},
		{"limits/idle while nobody takes what was sent", idleStalled},
		{"limits/not idle while bytes move", notIdle},
		{"limits/half-closed by the client", halfClosedByClient},
		{"limits/half-closed by the upstream", halfClosedByUpstream},
		{"limits/half-closed, and something moves", halfClosedAndBusy},
		{"limits/outlived", outlived},
		{"limits/none", unlimited},
		{"limits/beside the owner's timer", beside},
	}
}

const (
	soon  = 150 * time.Millisecond
	never = time.Hour
)

// limited is a session that relays within limits.
func (r *rig) limited(l transport.RelayLimits) (s *session, upstream peer) {
	r.t.Helper()
	s = r.session()
	upstream = s.dial()
	s.relayWithin(&l)
	return s, upstream
}

// wantLapse waits for an end that is due d after since and not earlier, and that is
// nothing the owner hears of before.
func (s *session) wantLapse(end transport.End, side transport.Side, since time.Time, d time.Duration) {
	t := s.rig.t
	t.Helper()
	got := s.awaitEnd(t)
	if lasted := time.Since(since); lasted < d {
		t.Errorf("ended after %v; want %v at least", lasted, d)
	}
	if got.End != end || end != transport.Outlived && got.Side != side || got.Err != nil {
		t.Errorf("end: got %s; want end %d, waiting for side %d", describe(got), end, side)
	}
	if n := s.expired.Load(); n != 0 {
		t.Errorf("the owner heard Expired %d times; want 0", n)
	}
}

// endWell ends a session in good order.
func (s *session) endWell(upstream peer) {
	t := s.rig.t
	t.Helper()
	hangUp(t, s.client)
	hearEnd(t, upstream)
	hangUp(t, upstream)
	hearEnd(t, s.client)
	s.wantEnd(transport.Fin, transport.Client)
	closeAll(s.client, upstream)
}

func idleUpstream(t *testing.T, r *rig) {
	s, upstream := r.limited(transport.RelayLimits{Idle: soon, HalfClosed: never})
	began := time.Now()
	say(t, upstream, "220\r\n")
	hear(t, s.client, "220\r\n")
	say(t, s.client, "EHLO\r\n")
	hear(t, upstream, "EHLO\r\n")
	s.wantLapse(transport.Idle, transport.Upstream, began, soon)
	hearReset(t, upstream)
	hearReset(t, s.client)
	s.wantTraffic(6, 5)
	closeAll(s.client, upstream)
	r.finish()
}

func idleClient(t *testing.T, r *rig) {
	s, upstream := r.limited(transport.RelayLimits{Idle: soon})
	began := time.Now()
	say(t, upstream, "220\r\n")
	hear(t, s.client, "220\r\n")
	s.wantLapse(transport.Idle, transport.Client, began, soon)
	hearReset(t, upstream)
	hearReset(t, s.client)
	closeAll(s.client, upstream)
	r.finish()
}

// idleFromTheStart: the time begins with the relay, also for a session in which
// nobody has said anything.
func idleFromTheStart(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	began := time.Now()
	s.relayWithin(&transport.RelayLimits{Idle: soon})
	s.wantLapse(transport.Idle, transport.Upstream, began, soon)
	hearReset(t, upstream)
	closeAll(s.client, upstream)
	r.finish()
}

// idleStalled: what a side sends into a relay that is full moves nothing.
func idleStalled(t *testing.T, r *rig) {
	s, upstream := r.limited(transport.RelayLimits{Idle: time.Second})
	narrow(t, upstream)
	narrow(t, s.client)
	began := time.Now()
	f := pour(s.client)
	s.wantLapse(transport.Idle, transport.Upstream, began, time.Second)
	<-f.done
	closeAll(s.client, upstream)
	r.finish()
}

// notIdle: each byte of either side puts the end off.
func notIdle(t *testing.T, r *rig) {
	const idle = time.Second
	s, upstream := r.limited(transport.RelayLimits{Idle: idle})
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	began := time.Now()
	for time.Since(began) < idle+idle/2 {
		say(t, upstream, ".")
		hear(t, s.client, ".")
		<-pause.C
	}
	s.endWell(upstream)
	r.finish()
}

func halfClosedByClient(t *testing.T, r *rig) {
	s, upstream := r.limited(transport.RelayLimits{Idle: never, HalfClosed: soon})
	say(t, s.client, "QUIT\r\n")
	began := time.Now()
	hangUp(t, s.client)
	hear(t, upstream, "QUIT\r\n")
	hearEnd(t, upstream)
	s.wantLapse(transport.HalfClosed, transport.Upstream, began, soon)
	closeAll(s.client, upstream)
	r.finish()
}

func halfClosedByUpstream(t *testing.T, r *rig) {
	s, upstream := r.limited(transport.RelayLimits{HalfClosed: soon})
	say(t, upstream, "421\r\n")
	began := time.Now()
	hangUp(t, upstream)
	hear(t, s.client, "421\r\n")
	hearEnd(t, s.client)
	s.wantLapse(transport.HalfClosed, transport.Client, began, soon)
	closeAll(s.client, upstream)
	r.finish()
}

// halfClosedAndBusy: a side that goes on after the other's end of stream is let be,
// for as long as it does.
func halfClosedAndBusy(t *testing.T, r *rig) {
	const limit = time.Second
	s, upstream := r.limited(transport.RelayLimits{Idle: never, HalfClosed: limit})
	hangUp(t, s.client)
	hearEnd(t, upstream)
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	began := time.Now()
	for time.Since(began) < limit+limit/2 {
		say(t, upstream, ".")
		hear(t, s.client, ".")
		<-pause.C
	}
	hangUp(t, upstream)
	hearEnd(t, s.client)
	s.wantEnd(transport.Fin, transport.Client)
	closeAll(s.client, upstream)
	r.finish()
}

// outlived: a session that never rests ends all the same.
func outlived(_ *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	began := time.Now()
	s.relayWithin(&transport.RelayLimits{Idle: never, Most: soon})
	f := pour(upstream)
	g := pour(s.client)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		discard(s.client)
	}()
	discard(upstream)
	s.wantLapse(transport.Outlived, transport.Client, began, soon)
	<-f.done
	<-g.done
	<-drained
	closeAll(s.client, upstream)
	r.finish()
}

// unlimited: limits that are none are no limits.
func unlimited(t *testing.T, r *rig) {
	s, upstream := r.limited(transport.RelayLimits{})
	s.SetTimer(soon)
	want[transport.Expired](s)
	say(t, s.client, "still here")
	hear(t, upstream, "still here")
	s.endWell(upstream)
	r.finish()
}

// beside: the owner's timer and the limits do not disturb one another.
func beside(t *testing.T, r *rig) {
	s, upstream := r.limited(transport.RelayLimits{Idle: 2 * soon})
	began := time.Now()
	say(t, upstream, "220\r\n")
	hear(t, s.client, "220\r\n")
	s.SetTimer(soon / 4)
	want[transport.Expired](s)
	s.SetTimer(never)
	got := s.awaitEnd(t)
	if got.End != transport.Idle || time.Since(began) < 2*soon {
		t.Errorf("end: got %s after %v; want that it was idle for %v", describe(got), time.Since(began), 2*soon)
	}
	if n := s.expired.Load(); n != 1 {
		t.Errorf("the owner heard Expired %d times; want once", n)
	}
	closeAll(s.client, upstream)
	r.finish()
}

// discard reads until that fails.
func discard(c peer) {
	b := make([]byte, 64<<10)
	for err := error(nil); err == nil; {
		_, err = c.Read(b)
	}
}
