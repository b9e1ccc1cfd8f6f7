package conformance

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func dialCases() []testCase {
	return []testCase{
		{"dial/refused", dialRefused},
		{"dial/unreachable", dialUnreachable},
		{"dial/another attempt after a failure", dialAgain},
		{"dial/no answer, cancelled by the owner's timer", dialTimesOut},
		{"dial/no answer, aborted", dialAborted},
		{"dial/client closes meanwhile", dialClientGone},
		{"dial/client resets meanwhile, far ahead", dialClientAhead},
		{"dial/client resets meanwhile, after its end of stream", dialClientReset},
		{"dial/first of two attempts wins", dialRace},
		{"dial/IPv6", dialIPv6},
	}
}

// refusing is an address of this host that nobody listens on.
func refusing(t *testing.T) netip.AddrPort {
	t.Helper()
	l := listen(t)
	defer l.Close()
	return addr(l)
}

func wantErrno(t *testing.T, err error, oneOf ...error) {
	t.Helper()
	if !slices.ContainsFunc(oneOf, func(e error) bool { return errors.Is(err, e) }) {
		t.Errorf("error: got %v; want one of %v", err, oneOf)
	}
}

func dialRefused(t *testing.T, r *rig) {
	s := r.session()
	s.Dial(3, refusing(t))
	d := want[transport.Dialed](s)
	if d.Attempt != 3 {
		t.Errorf("attempt: got %d; want 3", d.Attempt)
	}
	wantErrno(t, d.Err, syscall.ECONNREFUSED, wsaConnRefused)
	s.Write([]byte("05"))
	s.Finish()
	hear(t, s.client, "05")
	hearEnd(t, s.client)
	closeAll(s.client)
	s.wantEnd(transport.Closed, 0)
	r.finish()
}

// dialUnreachable dials a multicast address: TCP has no route there, with or
// without a network.
func dialUnreachable(t *testing.T, r *rig) {
	s := r.session()
	s.Dial(1, netip.MustParseAddrPort("224.0.0.1:25"))
	wantErrno(t, want[transport.Dialed](s).Err,
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, wsaNetUnreach, wsaAddrNotAvail)
	s.Abort()
	closeAll(s.client)
	r.finish()
}

// dialAgain: the source serves all attempts.
func dialAgain(t *testing.T, r *rig) {
	s := r.session()
	source := netip.MustParseAddrPort("127.0.0.1:0")
	if _, err := s.Bind(transport.Origin{AddrPort: source}); err != nil {
		t.Fatalf("bind: %v", err)
	}
	for i := range 2 {
		s.Dial(i, refusing(t))
		if d := want[transport.Dialed](s); d.Err == nil || d.Attempt != i {
			t.Fatalf("dialed: got %+v; want attempt %d refused", d, i)
		}
	}
	upstream := s.dial()
	s.relay()
	s.part(upstream, 0, 0)
	r.finish()
}

// dialTimesOut: nothing is heard of an attempt that was cancelled.
func dialTimesOut(t *testing.T, r *rig) {
	silent := newSilent(t)
	s := r.session()
	s.Dial(1, silent.addr)
	s.Dial(2, silent.addr)
	s.SetTimer(1)
	want[transport.Expired](s)
	s.CancelDial()
	s.SetTimer(20 * time.Millisecond) // in which nothing else is heard
	want[transport.Expired](s)
	upstream := s.dial()
	s.relay()
	s.part(upstream, 0, 0)
	if e := s.next(); e != (transport.Ended{End: transport.Fin}) {
		t.Errorf("event: got %s; want Ended", describe(e))
	}
	silent.close()
	r.finish()
}

func dialAborted(t *testing.T, r *rig) {
	silent := newSilent(t)
	s := r.session()
	s.Dial(1, silent.addr)
	s.Abort()
	if e := s.next(); e != (transport.Ended{}) {
		t.Errorf("event: got %s; want Ended", describe(e))
	}
	hearReset(t, s.client)
	closeAll(s.client)
	silent.close()
	r.finish()
}

func dialClientGone(t *testing.T, r *rig) {
	silent := newSilent(t)
	s := r.session()
	s.Dial(1, silent.addr)
	say(t, s.client, "early")
	closeAll(s.client)
	if e := want[transport.ClientClosed](s); e.Err != nil {
		t.Errorf("client closed: got %v; want nil after an end of stream", e.Err)
	}
	if got, want := string(s.Peek()), "early"; got != want {
		t.Errorf("held: got %q; want %q", got, want)
	}
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	silent.close()
	r.finish()
}

// dialClientAhead: reading has paused at what may be held, and the reset is
// noticed all the same.
func dialClientAhead(t *testing.T, r *rig) {
	silent := newSilent(t)
	s := r.session()
	s.Dial(1, silent.addr)
	sent := send(s.client, pattern(4<<20), false)
	s.awaitPeek(16 << 10)
	reset(t, s.client)
	if e := want[transport.ClientClosed](s); !isReset(e.Err) {
		t.Errorf("client closed: got %v; want a reset", e.Err)
	}
	sent.wait()
	s.Abort()
	if e := s.next(); e != (transport.Ended{}) {
		t.Errorf("next event: got %s; want Ended", describe(e))
	}
	silent.close()
	r.finish()
}

// dialClientReset: a half-close leaves the dialling alone, and what comes after
// it is told too.
func dialClientReset(t *testing.T, r *rig) {
	silent := newSilent(t)
	s := r.session()
	s.Dial(1, silent.addr)
	say(t, s.client, "early")
	hangUp(t, s.client)
	if e := want[transport.ClientClosed](s); e.Err != nil {
		t.Errorf("client closed: got %v; want nil after an end of stream", e.Err)
	}
	reset(t, s.client)
	if e := want[transport.ClientClosed](s); !isReset(e.Err) {
		t.Errorf("client closed again: got %v; want a reset", e.Err)
	}
	s.Abort()
	if e := s.next(); e != (transport.Ended{}) {
		t.Errorf("next event: got %s; want Ended", describe(e))
	}
	silent.close()
	r.finish()
}

// dialRace: the loser is closed and says nothing.
func dialRace(t *testing.T, r *rig) {
	silent := newSilent(t)
	l := listen(t)
	s := r.session()
	s.Dial(1, silent.addr)
	s.Dial(2, addr(l))
	s.Dial(3, silent.addr)
	upstream := acceptUpstream(t, l)
	if d := want[transport.Dialed](s); d.Attempt != 2 || d.Err != nil {
		t.Fatalf("dialed: got %+v; want attempt 2", d)
	}
	s.relay()
	say(t, s.client, "x")
	hear(t, upstream, "x")
	s.part(upstream, 1, 0)
	if e := s.next(); e != (transport.Ended{End: transport.Fin}) {
		t.Errorf("event: got %s; want Ended", describe(e))
	}
	l.Close()
	silent.close()
	r.finish()
}

func dialIPv6(t *testing.T, r *rig) {
	l, err := net.ListenTCP("tcp6", &net.TCPAddr{IP: net.IPv6loopback})
	if err != nil {
		r.finish()
		t.Skipf("this host has no ::1: %v", err)
	}
	s := r.session()
	source := netip.MustParseAddrPort("[::1]:0")
	if bound, err := s.Bind(transport.Origin{AddrPort: source}); err != nil || bound.Addr() != source.Addr() {
		t.Fatalf("bind: got %v, %v; want %v", bound, err, source.Addr())
	}
	s.Dial(1, addr(l))
	upstream := acceptUpstream(t, l)
	d := want[transport.Dialed](s)
	if got, want := d.Local, upstream.RemoteAddr().(*net.TCPAddr).AddrPort(); d.Err != nil || got != want {
		t.Errorf("dialed: got %v, %v; want %v", got, d.Err, want)
	}
	s.relay()
	say(t, upstream, "220\r\n")
	hear(t, s.client, "220\r\n")
	s.part(upstream, 0, 5)
	l.Close()
	r.finish()
}
