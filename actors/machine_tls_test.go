package actors

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// overTLS is a machine whose client has yet to make its handshake.
func overTLS(t *testing.T) *driver {
	t.Helper()
	return newDriver(t, limits{tls: true, step: time.Minute, connect: time.Minute})
}

// The time for the greeting begins when the client can be heard; that for the
// TLS handshake is the transport's to keep.
func TestGreetingBeginsWhenSecured(t *testing.T) {
	d := overTLS(t)
	if !d.timer.IsZero() {
		t.Errorf("got a timer for %v; want none before the handshake is done", d.timer)
	}
	d.now = d.now.Add(50 * time.Second)
	d.feed(event{kind: evExpired}) // nobody has set one
	d.feed(event{kind: evSecured})
	if want := d.now.Add(time.Minute); !d.timer.Equal(want) {
		t.Errorf("got the timer at %v; want %v", d.timer, want)
	}
	d.send(slices.Concat(greetNone, connect4)...)
	d.feed(event{kind: evDialed, addr: ourSide})
	d.wantDid(doRelay)
}

func TestFailedTLSHandshake(t *testing.T) {
	d := overTLS(t)
	d.feed(event{kind: evClientClosed, err: fmt.Errorf("%w: %w", transport.ErrTLSHandshake, io.EOF)})
	d.wantDid(doFinish) // so that the alert is delivered
	d.wantEnd(failed(ReasonTLSHandshake))
}

// A client that leaves before its first byte is a health check, which a client
// of TLS does not stop being when it makes the handshake.
func TestProbeOverTLS(t *testing.T) {
	for _, err := range []error{nil, syscall.ECONNRESET, transport.ErrTLSTruncated} {
		for _, secured := range []bool{false, true} {
			d := overTLS(t)
			if secured {
				d.feed(event{kind: evSecured})
			}
			d.feed(event{kind: evClientClosed, err: err})
			d.wantEnd(Outcome{Class: Probed})
		}
	}
}

func TestStopWithinTheTLSHandshake(t *testing.T) {
	d := overTLS(t)
	d.feed(event{kind: evStop, reason: ReasonShutdown})
	d.wantDid(doAbort)
	d.wantEnd(failed(ReasonShutdown))
}

func TestTruncatedRelay(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Outcome
	}{
		{transport.ErrTLSTruncated, failed(ReasonTLSTruncated)},
		{fmt.Errorf("%w: %w", transport.ErrTLSTruncated, errors.New("bad record MAC")), failed(ReasonTLSTruncated)},
		{nil, Outcome{Class: Completed, End: EndReset}},
	} {
		d := overTLS(t)
		d.feed(event{kind: evSecured})
		d.send(slices.Concat(greetNone, connect4)...)
		d.feed(event{kind: evDialed, addr: ourSide})
		d.feed(event{kind: evEnded, end: transport.Ended{End: transport.Reset, Side: transport.Client, Err: tt.err}})
		if d.end == nil || *d.end != tt.want {
			t.Errorf("%v: got outcome %+v; want %+v", tt.err, d.end, tt.want)
		}
	}
}
