package actors

import (
	"slices"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// behindTLS is a driver of a client that has come by a load balancer, and speaks
// TLS behind the header of that.
func behindTLS(t *testing.T, spec rules.Spec) *driver {
	t.Helper()
	return newDriver(t, limits{tls: true, step: time.Minute, connect: time.Minute, rules: compiled(t, spec),
		balancers: rules.NewClients(rules.ProxyProtocolFrom, networks(t, "127.0.0.1"))})
}

// The header comes in the clear and has its time; then the handshake, whose time
// is the transport's to keep; then the greeting, with a time of its own.
func TestHeaderThenTLS(t *testing.T) {
	d := behindTLS(t, rules.Spec{AllowClients: networks(t, "192.0.2.200")})
	if want := d.now.Add(time.Minute); !d.timer.Equal(want) {
		t.Errorf("got the timer at %v; want %v, for the header", d.timer, want)
	}
	hello := []byte("\x16\x03\x01 of the handshake")
	d.send(slices.Concat(header4, hello)...)
	d.wantDid(doClient)
	d.wantDid(doSecure)
	if string(d.pending) != string(hello) {
		t.Errorf("kept %q; want what belongs to the handshake", d.pending)
	}
	if !d.timer.IsZero() {
		t.Errorf("got the timer at %v; want none while the handshake is made", d.timer)
	}
	d.pending = nil // the transport takes it
	d.feed(event{kind: evSecured})
	if want := d.now.Add(time.Minute); !d.timer.Equal(want) {
		t.Errorf("got the timer at %v; want %v, for the greeting", d.timer, want)
	}
	d.send(slices.Concat(greetNone, connect4)...)
	d.feed(event{kind: evDialed, addr: ourSide})
	d.wantDid(doRelay)
}

// No handshake is made for whom nobody serves, nor where there is no header.
func TestHeaderWithoutTLS(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		spec       rules.Spec
		want       Reason
	}{
		{"none", "\x16\x03\x01\x00\xf0", rules.Spec{}, ReasonHeader},
		{"junk", "PROXY TCP4 x y 1 2\r\n", rules.Spec{}, ReasonHeader},
		{"a client that is not served", string(header4), rules.Spec{AllowClients: networks(t, "10.0.0.0/8")}, ReasonClientRefused},
	} {
		d := behindTLS(t, tt.spec)
		d.send([]byte(tt.said)...)
		if slices.Contains(d.did, doSecure) || !slices.Contains(d.did, doAbort) {
			t.Errorf("%s: did %v; want it cut before any handshake", tt.name, d.did)
		}
		d.wantEnd(failed(tt.want))
	}
	d := behindTLS(t, rules.Spec{})
	d.send(header4[:12]...)
	d.now = d.timer
	d.feed(event{kind: evExpired})
	d.wantDid(doAbort)
	d.wantEnd(failed(ReasonHandshakeTimeout))
}

// Health checks of a load balancer may make the handshake, or not.
func TestHealthCheckThenTLS(t *testing.T) {
	const local = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	for _, secured := range []bool{false, true} {
		d := behindTLS(t, rules.Spec{AllowClients: networks(t)})
		d.send([]byte(local + "\x16\x03\x01")...)
		d.pending = nil
		if secured {
			d.feed(event{kind: evSecured})
		}
		d.feed(event{kind: evClientClosed})
		d.wantEnd(Outcome{Class: Probed})
	}
	d := behindTLS(t, rules.Spec{AllowClients: networks(t)})
	d.send([]byte(local)...)
	d.feed(event{kind: evClientClosed, err: transport.ErrTLSHandshake})
	d.wantEnd(failed(ReasonTLSHandshake))

	d = behindTLS(t, rules.Spec{AllowClients: networks(t)})
	d.send([]byte(local)...)
	d.feed(event{kind: evSecured})
	d.send(greetNone...)
	d.wantWrote()
	d.wantEnd(failed(ReasonClientRefused))
}
