package actors

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/transport"
)

var (
	greetNone = []byte{5, 1, 0}
	connect4  = []byte{5, 1, 0, 1, 192, 0, 2, 1, 0, 25}
	bind4     = []byte{5, 2, 0, 1, 127, 0, 0, 2, 0, 0}
	refusal   = func(code byte) []byte { return []byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0} }
	ourSide   = netip.MustParseAddrPort("127.0.0.2:40000")
)

func TestBindThenConnect(t *testing.T) {
	d := newDriver(t, limits{})
	d.send(greetNone...)
	d.wantWrote(5, 0)
	d.send(bind4...)
	d.wantWrote(5, 0, 0, 1, 127, 0, 0, 2, 0, 0)
	d.send(connect4...)
	d.wantWrote()
	if want := netip.MustParseAddrPort("192.0.2.1:25"); len(d.dials) != 1 || d.dials[0] != want {
		t.Fatalf("dialled %v; want %v once", d.dials, want)
	}
	d.feed(event{kind: evDialed, addr: ourSide})
	d.wantWrote(5, 0, 0, 1, 127, 0, 0, 2, 0x9c, 0x40)
	d.wantDid(doRelay)
	d.feed(event{kind: evEnded, end: transport.Ended{End: transport.Reset}})
	if want := (Outcome{Class: Completed, End: EndReset}); d.end == nil || *d.end != want {
		t.Errorf("ended with %+v; want %+v", d.end, want)
	}
	if !slices.Equal(d.results, []egress.Result{egress.Connected}) {
		t.Errorf("dial results %v; want one, connected", d.results)
	}
}

func TestEverythingInOneSegment(t *testing.T) {
	d := newDriver(t, limits{})
	d.send(slices.Concat(greetNone, bind4, connect4, []byte("EHLO"))...)
	if len(d.dials) != 1 || string(d.pending) != "EHLO" {
		t.Fatalf("dialled %v with %q left; want one dial and EHLO left for the upstream", d.dials, d.pending)
	}
}

// Every refusal: what the client sends, what it is answered, why the session
// failed.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name    string
		limits  limits
		bindErr error
		send    [][]byte
		wrote   []byte
		reason  Reason
	}{
		{name: "not SOCKS5", send: [][]byte{{4, 1}}, reason: ReasonProtocol},
		{name: "no methods", send: [][]byte{{5, 0}}, reason: ReasonProtocol},
		{name: "no method in common", send: [][]byte{{5, 1, 1}}, wrote: []byte{5, 0xff}, reason: ReasonNoMethod},
		{name: "authentication demanded, not offered", limits: limits{requireAuth: true, step: time.Minute},
			send: [][]byte{greetNone}, wrote: []byte{5, 0xff}, reason: ReasonNoMethod},
		{name: "credentials that nobody can check", send: [][]byte{{5, 1, 2}, {1, 1, 'u', 1, 'p'}},
			wrote: []byte{5, 2, 1, 1}, reason: ReasonAuthFailed},
		{name: "authentication demanded and offered beside none", limits: limits{requireAuth: true, step: time.Minute},
			send: [][]byte{{5, 2, 0, 2}, {1, 0, 0}}, wrote: []byte{5, 2, 1, 1}, reason: ReasonAuthFailed},
		{name: "credentials of another version", send: [][]byte{{5, 1, 2}, {5, 1, 'u', 1, 'p'}}, wrote: []byte{5, 2}, reason: ReasonProtocol},
		{name: "UDP ASSOCIATE", send: [][]byte{greetNone, {5, 3, 0, 1, 0, 0, 0, 0, 0, 0}},
			wrote: append([]byte{5, 0}, refusal(7)...), reason: ReasonCommand},
		{name: "unknown command", send: [][]byte{greetNone, {5, 9, 0, 1, 0, 0, 0, 0, 0, 0}},
			wrote: append([]byte{5, 0}, refusal(7)...), reason: ReasonCommand},
		{name: "unknown address type", send: [][]byte{greetNone, {5, 1, 0, 9}},
			wrote: append([]byte{5, 0}, refusal(8)...), reason: ReasonAddressType},
		{name: "BIND of an address that is not ours", bindErr: syscall.EADDRNOTAVAIL, send: [][]byte{greetNone, bind4},
			wrote: append([]byte{5, 0}, refusal(1)...), reason: ReasonSourceUnplumbed},
		{name: "BIND of a port in use", bindErr: syscall.EADDRINUSE, send: [][]byte{greetNone, bind4},
			wrote: append([]byte{5, 0}, refusal(1)...), reason: ReasonBindFailed},
		{name: "a second BIND", send: [][]byte{greetNone, bind4, bind4},
			wrote: slices.Concat([]byte{5, 0}, []byte{5, 0, 0, 1, 127, 0, 0, 2, 0, 0}, refusal(1)), reason: ReasonProtocol},
		{name: "BIND of a name", send: [][]byte{greetNone, {5, 2, 0, 3, 1, 'a', 0, 0}},
			wrote: append([]byte{5, 0}, refusal(1)...), reason: ReasonProtocol},
		{name: "source and destination of two families", send: [][]byte{greetNone, bind4, {5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 25}},
			wrote: slices.Concat([]byte{5, 0}, []byte{5, 0, 0, 1, 127, 0, 0, 2, 0, 0}, refusal(1)), reason: ReasonFamilyMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, tt.limits)
			d.bindErr = tt.bindErr
			for _, b := range tt.send {
				d.send(b...)
			}
			d.wantWrote(tt.wrote...)
			d.wantEnd(failed(tt.reason))
		})
	}
}

// A failed BIND suspends a sending address: want of descriptors is not the
// address's fault, so the BIND is granted and the CONNECT answers for it.
func TestBindIsGrantedWithoutDescriptors(t *testing.T) {
	granted := []byte{5, 0, 0, 1, 127, 0, 0, 2, 0, 0}
	t.Run("still none at CONNECT", func(t *testing.T) {
		d := newDriver(t, limits{})
		d.bindErr = syscall.EMFILE
		d.send(slices.Concat(greetNone, bind4, connect4)...)
		d.wantWrote(slices.Concat([]byte{5, 0}, granted, refusal(1))...)
		d.wantEnd(failed(ReasonNoResources))
	})
	t.Run("some by then", func(t *testing.T) {
		d := newDriver(t, limits{})
		d.bindErr = syscall.EMFILE
		d.send(slices.Concat(greetNone, bind4)...)
		d.wantWrote(slices.Concat([]byte{5, 0}, granted)...)
		d.bindErr = nil
		d.send(connect4...)
		if len(d.dials) != 1 {
			t.Errorf("dialled %v; want one dial", d.dials)
		}
	})
}

// The system binds a broadcast or multicast address and then sends from one of
// its own choice.
func TestSourceThatIsNoHostAddress(t *testing.T) {
	for _, last := range [][]byte{{255, 255, 255, 255}, {239, 1, 2, 3}} {
		d := newDriver(t, limits{})
		d.send(slices.Concat(greetNone, []byte{5, 2, 0, 1}, last, []byte{0, 0})...)
		d.wantWrote(append([]byte{5, 0}, refusal(1)...)...)
		d.wantEnd(failed(ReasonSourceUnplumbed))
	}
	t.Run("noticed at the connect", func(t *testing.T) {
		d := newDriver(t, limits{})
		d.send(slices.Concat(greetNone, bind4, connect4)...)
		d.wrote = nil
		d.feed(event{kind: evDialed, addr: netip.MustParseAddrPort("127.0.0.1:40000")})
		d.wantWrote(refusal(1)...)
		d.wantEnd(failed(ReasonSourceUnplumbed))
	})
}

// A client that offers both methods where nobody demands credentials is not
// forced into an authentication that must fail.
func TestNoneIsChosenWhereNobodyDemandsCredentials(t *testing.T) {
	d := newDriver(t, limits{})
	d.send(5, 2, 0, 2)
	d.wantWrote(5, 0)
}

func TestDialFailures(t *testing.T) {
	tests := []struct {
		err    error
		code   byte
		reason Reason
		result egress.Result
	}{
		{syscall.ECONNREFUSED, 5, ReasonRefused, egress.Refused},
		{syscall.ENETUNREACH, 3, ReasonNetworkUnreachable, egress.NetworkUnreachable},
		{syscall.EHOSTUNREACH, 4, ReasonHostUnreachable, egress.HostUnreachable},
		{syscall.ETIMEDOUT, 6, ReasonConnectTimeout, egress.TimedOut},
		{syscall.EADDRNOTAVAIL, 1, ReasonNoPort, egress.NoPort},
		{syscall.EMFILE, 1, ReasonNoResources, egress.NoResources},
		{syscall.EACCES, 1, ReasonNotPermitted, egress.NotPermitted},
		{errors.New("other"), 1, ReasonDialFailed, egress.Failed},
	}
	for _, tt := range tests {
		t.Run(tt.reason.String(), func(t *testing.T) {
			d := newDriver(t, limits{})
			d.send(slices.Concat(greetNone, connect4)...)
			d.feed(event{kind: evDialed, err: tt.err})
			d.wantWrote(append([]byte{5, 0}, refusal(tt.code)...)...)
			if !slices.Equal(d.results, []egress.Result{tt.result}) {
				t.Errorf("dial results %v; want %v", d.results, tt.result)
			}
			d.wantEnd(failed(tt.reason))
		})
	}
}

func TestDialTimesOutWithItsReply(t *testing.T) {
	d := newDriver(t, limits{step: time.Minute, connect: 7 * time.Second})
	d.send(slices.Concat(greetNone, connect4)...)
	for range 100 {
		if d.m.phase != phaseDialing {
			break
		}
		d.now = d.timer
		d.feed(event{kind: evExpired})
	}
	if got := d.now.Sub(time.Unix(1_000_000, 0)); got != 7*time.Second {
		t.Errorf("gave up after %v; want 7s", got)
	}
	d.wantWrote(append([]byte{5, 0}, refusal(6)...)...)
	d.wantDid(doCancelDial)
	d.wantEnd(failed(ReasonConnectTimeout))
}

func TestNamesAreResolvedAndRaced(t *testing.T) {
	d := newDriver(t, limits{})
	d.send(slices.Concat(greetNone, []byte{5, 1, 0, 3, 4, 'm', 'x', '.', 'x', 0, 25})...)
	if !slices.Equal(d.names, []string{"mx.x"}) {
		t.Fatalf("resolved %q; want mx.x", d.names)
	}
	d.feed(event{kind: evResolved, last: true, addrs: []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}})
	if len(d.dials) != 1 {
		t.Fatalf("dialled %v; want the first alone", d.dials)
	}
	d.now = d.timer
	d.feed(event{kind: evExpired})
	if len(d.dials) != 2 {
		t.Fatalf("dialled %v; want a second beside the first when that is slow", d.dials)
	}
	d.feed(event{kind: evDialed, n: 0, err: syscall.ENETUNREACH})
	d.feed(event{kind: evDialed, n: 1, addr: ourSide})
	d.wantDid(doRelay)
	if !slices.Equal(d.results, []egress.Result{egress.Connected}) {
		t.Errorf("dial results %v; want one for the request", d.results)
	}
}

func TestProbe(t *testing.T) {
	for _, err := range []error{nil, syscall.ECONNRESET} {
		d := newDriver(t, limits{})
		d.feed(event{kind: evClientClosed, err: err})
		d.wantEnd(Outcome{Class: Probed})
	}
}

func TestClientLeaves(t *testing.T) {
	tests := []struct {
		name   string
		send   []byte
		err    error
		reason Reason
	}{
		{"after a byte", []byte{5}, nil, ReasonClientLeft},
		{"after the greeting", greetNone, nil, ReasonClientLeft},
		{"while dialling", slices.Concat(greetNone, connect4), nil, ReasonClientLeftDialing},
		{"with a reset while dialling", slices.Concat(greetNone, connect4, []byte("x")), syscall.ECONNRESET, ReasonClientLeftDialing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, limits{})
			d.send(tt.send...)
			d.feed(event{kind: evClientClosed, err: tt.err})
			d.wantDid(doAbort)
			d.wantEnd(failed(tt.reason))
		})
	}
}

// A client that sent its whole request and its data and half-closed waits for
// the answer; it has not left.
func TestHalfCloseBehindEarlyDataGoesOn(t *testing.T) {
	d := newDriver(t, limits{})
	d.send(slices.Concat(greetNone, connect4, []byte("QUIT\r\n"))...)
	d.feed(event{kind: evClientClosed})
	d.feed(event{kind: evDialed, addr: ourSide})
	d.wantDid(doRelay)
}

// The same client, gone after all: it is told by its reset.
func TestResetBehindHalfClose(t *testing.T) {
	d := newDriver(t, limits{})
	d.send(slices.Concat(greetNone, connect4, []byte("QUIT\r\n"))...)
	d.feed(event{kind: evClientClosed})
	d.feed(event{kind: evClientClosed, err: syscall.ECONNRESET})
	d.wantDid(doAbort)
	d.wantEnd(failed(ReasonClientLeftDialing))
}

func TestHandshakeDeadline(t *testing.T) {
	d := newDriver(t, limits{step: 3 * time.Second, connect: time.Second})
	d.now = d.now.Add(2 * time.Second)
	d.send(greetNone...)
	d.feed(event{kind: evExpired}) // of the greeting, on its way when the phase changed
	if slices.Contains(d.did, doAbort) {
		t.Fatal("cut by a deadline that had been met")
	}
	d.now = d.timer
	d.feed(event{kind: evExpired})
	d.wantDid(doAbort)
	d.wantEnd(failed(ReasonHandshakeTimeout))
}

func TestStopEndsEachPhase(t *testing.T) {
	for _, upTo := range []int{0, 1, len(greetNone), len(greetNone) + len(connect4)} {
		t.Run(fmt.Sprint(upTo), func(t *testing.T) {
			d := newDriver(t, limits{})
			d.send(slices.Concat(greetNone, connect4)[:upTo]...)
			d.feed(event{kind: evStop, reason: ReasonShutdown})
			d.wantDid(doAbort)
			d.wantEnd(failed(ReasonShutdown))
		})
	}
}
