package actors

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/proxyproto"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// header4 asks for 192.0.2.25:25, from the address that BINDs ask for.
var header4 = []byte("PROXY TCP4 192.0.2.200 192.0.2.25 40000 25\r\n")

var target4 = netip.MustParseAddrPort("192.0.2.25:25")

// TestForward: a header is bound and dialled, and nothing is ever said to the
// client.
func TestForward(t *testing.T) {
	d := newDriver(t, limits{forward: true})
	d.send(header4[:10]...)
	if len(d.did) != 1 || d.did[0] != doTimer {
		t.Fatalf("half a header: did %v; want the timer alone", d.did)
	}
	d.send(append(header4[10:], "EHLO x\r\n"...)...)
	if d.bound != netip.MustParseAddrPort("192.0.2.200:0") || !slices.Equal(d.dials, []netip.AddrPort{target4}) {
		t.Fatalf("bound %v, dialled %v; want 192.0.2.200:0 and %v", d.bound, d.dials, target4)
	}
	if string(d.pending) != "EHLO x\r\n" {
		t.Errorf("kept %q; want what follows the header", d.pending)
	}
	d.feed(event{kind: evDialed, addr: netip.MustParseAddrPort("192.0.2.200:40000")})
	d.wantDid(doRelay)
	d.wantWrote()
	if d.m.replied {
		t.Error("an answer was noted; want none, since there is none")
	}
}

// TestForwardFails: whatever goes wrong is a reset, at once, and the reason is the
// one that a SOCKS client has.
func TestForwardFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header string
		spec   rules.Spec
		bind   error
		dialed error
		want   Reason
		result []egress.Result
	}{
		{name: "no header", header: "EHLO x\r\n", want: ReasonHeader},
		{name: "SOCKS", header: "\x05\x01\x00", want: ReasonHeader},
		{name: "junk in it", header: "PROXY TCP4 x y 1 2\r\n", want: ReasonHeader},
		{name: "unplumbed", bind: syscall.EADDRNOTAVAIL, want: ReasonSourceUnplumbed},
		{name: "bind fails", bind: syscall.EACCES, want: ReasonBindFailed},
		{name: "no descriptor", bind: syscall.EMFILE, want: ReasonNoResources, result: []egress.Result{egress.NoResources}},
		{name: "a multicast source", header: "PROXY TCP4 224.0.0.1 192.0.2.25 0 25\r\n", want: ReasonSourceUnplumbed},
		{name: "refused", dialed: syscall.ECONNREFUSED, want: ReasonRefused, result: []egress.Result{egress.Refused}},
		{name: "families mixed by mapping", header: "PROXY TCP6 ::ffff:192.0.2.200 2001:db8::1 0 25\r\n",
			want: ReasonFamilyMismatch, result: []egress.Result{egress.FamilyMismatch}},
		{name: "a source that is not allowed", spec: rules.Spec{AllowSources: networks(t, "192.0.2.7")}, want: ReasonSourceRefused},
		{name: "no source where one is needed", header: "PROXY TCP4 0.0.0.0 192.0.2.25 0 25\r\n",
			spec: rules.Spec{AllowSources: networks(t, "192.0.2.200")}, want: ReasonSourceRequired},
		{name: "a destination that is not allowed", spec: rules.Spec{DenyDestinations: destinationList(t, "*:25")},
			want: ReasonDestinationRefused, result: []egress.Result{egress.Denied}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, limits{forward: true, rules: compiled(t, tt.spec)})
			d.bindErr = tt.bind
			if tt.header == "" {
				tt.header = string(header4)
			}
			d.send([]byte(tt.header)...)
			if tt.dialed != nil {
				d.feed(event{kind: evDialed, err: tt.dialed})
			}
			d.wantDid(doAbort)
			d.wantWrote()
			if !slices.Equal(d.results, tt.result) {
				t.Errorf("dial results %v; want %v", d.results, tt.result)
			}
			d.wantEnd(failed(tt.want))
			if tt.want == ReasonHeader && !errors.Is(d.why, proxyproto.ErrSignature) && !errors.Is(d.why, proxyproto.ErrAddress) {
				t.Errorf("got the cause %v; want what is wrong with the header", d.why)
			}
		})
	}
}

// TestForwardHealthCheck: who names nobody, or says nothing, is a probe.
func TestForwardHealthCheck(t *testing.T) {
	for name, header := range map[string]string{
		"LOCAL": "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", "UNSPEC": "\r\n\r\n\x00\r\nQUIT\n\x21\x00\x00\x00", "UNKNOWN": "PROXY UNKNOWN\r\n",
	} {
		d := newDriver(t, limits{forward: true})
		d.send([]byte(header)...)
		if !slices.Contains(d.did, doFinish) || slices.Contains(d.did, doAbort) {
			t.Errorf("%s: did %v; want it closed in good order", name, d.did)
		}
		d.wantEnd(Outcome{Class: Probed})
	}
	d := newDriver(t, limits{forward: true})
	d.feed(event{kind: evClientClosed})
	d.wantEnd(Outcome{Class: Probed})

	d = newDriver(t, limits{forward: true})
	d.send(header4[:9]...)
	d.feed(event{kind: evClientClosed})
	d.wantEnd(failed(ReasonClientLeft))
}

// TestForwardTooSlow: a header has the time of a greeting, however it trickles in.
func TestForwardTooSlow(t *testing.T) {
	d := newDriver(t, limits{forward: true})
	for i := range len(header4) - 1 {
		d.now = d.now.Add(time.Second)
		d.send(header4[i])
	}
	d.now = d.timer
	d.feed(event{kind: evExpired})
	d.wantDid(doAbort)
	d.wantEnd(failed(ReasonHandshakeTimeout))
	if want := time.Unix(1_000_000, 0).Add(time.Minute); !d.now.Equal(want) {
		t.Errorf("ended at %v; want %v", d.now, want)
	}
}

// TestForwardAsks: the policy is asked about a header as about BIND and CONNECT,
// and its word is followed.
func TestForwardAsks(t *testing.T) {
	forwarded := func() *driver {
		d := newDriver(t, limits{forward: true})
		d.m.handlers = handlers{request: true, patience: time.Minute}
		d.send(header4...)
		return d
	}
	say := func(d *driver, decision policy.Decision, err error) {
		d.feed(event{kind: evAnswered, answer: &answer{number: len(d.questions), decision: decision, err: err}})
	}
	d := forwarded()
	say(d, policy.Decision{Source: netip.MustParseAddr("192.0.2.9")}, nil)
	say(d, policy.Decision{Destination: netip.MustParseAddrPort("192.0.2.99:26")}, nil)
	if len(d.questions) != 2 || d.questions[0].request.Connect || !d.questions[1].request.Connect {
		t.Fatalf("asked %d questions; want one about BIND and one about CONNECT", len(d.questions))
	}
	if q := d.questions[1].request; q.Host != "192.0.2.25" || q.Port != 25 || q.Source != netip.MustParseAddr("192.0.2.9") {
		t.Errorf("asked about %+v; want 192.0.2.25:25 from the source that was chosen", q)
	}
	if !slices.Equal(d.dials, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.99:26")}) {
		t.Errorf("dialled %v; want what the policy said", d.dials)
	}
	for n := range 2 {
		for _, tt := range []struct {
			decision policy.Decision
			err      error
			want     Reason
		}{{policy.Decision{Deny: true}, nil, ReasonDenied}, {policy.Decision{}, errBackend, ReasonHookFailed}} {
			d := forwarded()
			for range n {
				say(d, policy.Decision{}, nil)
			}
			say(d, tt.decision, tt.err)
			d.wantDid(doAbort)
			d.wantWrote()
			d.wantEnd(failed(tt.want))
		}
	}
}

// behind is a driver of a client that has come by a load balancer.
func behind(t *testing.T, spec rules.Spec, h handlers) *driver {
	t.Helper()
	d := newDriver(t, limits{rules: compiled(t, spec), balancers: rules.NewClients(rules.ProxyProtocolFrom, networks(t, "127.0.0.1"))})
	d.m.handlers = h
	return d
}

// TestIntroduced: behind a load balancer the client is whom the header names, and
// SOCKS follows it.
func TestIntroduced(t *testing.T) {
	d := behind(t, rules.Spec{AllowClients: networks(t, "192.0.2.200")}, handlers{})
	d.send(append(slices.Clone(header4), greetNone...)...)
	d.wantDid(doClient)
	d.wantWrote(5, 0)
	if d.m.client != netip.MustParseAddr("192.0.2.200") {
		t.Errorf("the client is %v; want 192.0.2.200", d.m.client)
	}

	d = behind(t, rules.Spec{AllowClients: networks(t, "127.0.0.1")}, handlers{})
	d.send(append(slices.Clone(header4), greetNone...)...)
	d.wantWrote()
	d.wantDid(doAbort)
	d.wantEnd(failed(ReasonClientRefused))

	d = behind(t, rules.Spec{}, handlers{auth: true}) // from abroad: has to authenticate
	d.send([]byte("PROXY TCP4 203.0.113.9 192.0.2.25 40000 25\r\n")...)
	d.send(greetNone...)
	d.wantWrote(5, 0xff)

	d = behind(t, rules.Spec{}, handlers{})
	d.send(greetNone...)
	d.wantEnd(failed(ReasonHeader))
}

// TestBalancerForItself: a load balancer that names nobody is judged by its own
// address, once it has anything to say, and is a probe until then.
func TestBalancerForItself(t *testing.T) {
	nobody := rules.Spec{AllowClients: networks(t)}
	for _, header := range []string{"PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"} {
		d := behind(t, nobody, handlers{})
		d.send([]byte(header)...)
		d.feed(event{kind: evClientClosed})
		d.wantEnd(Outcome{Class: Probed})

		d = behind(t, nobody, handlers{})
		d.send(append([]byte(header), greetNone...)...)
		d.wantWrote()
		d.wantEnd(failed(ReasonClientRefused))

	}
	d := behind(t, rules.Spec{}, handlers{})
	d.send([]byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00")...)
	d.send(greetNone...)
	d.wantWrote(5, 0)

	// Whom it does not name is not taken for the load balancer.
	for _, h := range []handlers{{}, {auth: true}} {
		d = behind(t, rules.Spec{}, h)
		d.send([]byte("PROXY UNKNOWN\r\n")...)
		d.send(greetPassword...)
		d.wantWrote()
		d.wantEnd(failed(ReasonClientRefused))
	}
	d = behind(t, rules.Spec{}, handlers{}) // of a client that said nothing
	d.send([]byte("PROXY TCP4 10.0.0.9 192.0.2.25 40000 25\r\n")...)
	d.feed(event{kind: evClientClosed})
	d.wantEnd(Outcome{Class: Probed})
}
