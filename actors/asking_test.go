package actors

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/lua/policy"
)

var (
	greetPassword = []byte{5, 1, 2}
	credentials   = []byte{1, 5, 'a', 'l', 'i', 'c', 'e', 2, 'p', 'w'}
	alice         = policy.AuthInfo{Identities: []policy.Identity{{Identity: "alice", Context: "ProxyAuthRfc1929"}}, Groups: []string{"g"}}
	bindDone      = []byte{5, 0, 0, 1, 127, 0, 0, 2, 0, 0}
	errBackend    = errors.New("the backend is down")
)

// asked is a driver whose policy can be asked about h.
func asked(t *testing.T, h handlers) *driver {
	t.Helper()
	d := newDriver(t, limits{})
	h.patience = 9 * time.Second
	d.m.handlers = h
	return d
}

// question is the last that was asked.
func (d *driver) question(about topic) *question {
	d.t.Helper()
	if len(d.questions) == 0 || d.m.phase != phaseHook {
		d.t.Fatalf("in phase %v with the questions %v; want one asked", d.m.phase, d.questions)
	}
	q := d.questions[len(d.questions)-1]
	if q.topic != about {
		d.t.Fatalf("asked about %v; want %v", q.topic, about)
	}
	return q
}

// answer is the policy's to the last question.
func (d *driver) answer(about topic, a answer) {
	d.t.Helper()
	a.number = d.question(about).number
	d.feed(event{kind: evAnswered, answer: &a})
}

func TestMethodChoice(t *testing.T) {
	tests := []struct {
		name             string
		handler, require bool
		methods          []byte
		want             byte
	}{
		{"no handler, both offered", false, false, []byte{0, 2}, 0},
		{"no handler, password alone", false, false, []byte{2}, 2},
		{"handler, both offered", true, false, []byte{0, 2}, 2},
		{"handler, none alone", true, false, []byte{0}, 0},
		{"demanded, both offered", true, true, []byte{0, 2}, 2},
		{"demanded, none alone", true, true, []byte{0}, 0xff},
		{"demanded without a handler", false, true, []byte{0, 2}, 2},
		{"something else", true, false, []byte{1}, 0xff},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, limits{requireAuth: tt.require, step: time.Minute})
			d.m.handlers.auth = tt.handler
			d.send(append([]byte{5, byte(len(tt.methods))}, tt.methods...)...)
			d.wantWrote(5, tt.want)
		})
	}
}

func TestCredentials(t *testing.T) {
	tests := []struct {
		name   string
		answer answer
		wrote  []byte
		reason Reason // ReasonNone: the client is let in
	}{
		{"right", answer{who: alice}, []byte{1, 0}, ReasonNone},
		{"wrong", answer{err: policy.ErrRefused}, []byte{1, 1}, ReasonAuthFailed},
		{"nobody could tell", answer{err: errBackend}, []byte{1, 1}, ReasonHookFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := asked(t, handlers{auth: true})
			d.send(slices.Concat(greetPassword, credentials, connect4)...)
			d.wantWrote(5, 2)
			q := d.question(aboutCredentials)
			if q.credentials.User != "alice" || q.credentials.Password != "pw" {
				t.Errorf("asked about %q; want alice and her password", q.credentials.User)
			}
			if !slices.Equal(d.pending, connect4) {
				t.Errorf("% x is left; want the CONNECT to wait", d.pending)
			}
			d.answer(aboutCredentials, tt.answer)
			d.wantWrote(tt.wrote...)
			if tt.reason == ReasonNone {
				if len(d.dials) != 1 || d.who == nil || d.who.User() != "alice" {
					t.Errorf("dialled %v for %v; want one dial for alice", d.dials, d.who)
				}
				return
			}
			d.wantEnd(failed(tt.reason))
		})
	}
}

func TestRequestAnswers(t *testing.T) {
	bind := slices.Concat(greetNone, bind4)
	both := slices.Concat(bind, connect4)
	greeted := []byte{5, 0}
	tests := []struct {
		name    string
		send    []byte
		bind    *answer // nil: the BIND is not asked about
		connect *answer
		wrote   []byte
		dialled string // empty: nothing
		source  string // bound last
		reason  Reason
	}{
		{"CONNECT passes", slices.Concat(greetNone, connect4), nil, &answer{}, greeted, "192.0.2.1:25", "", ReasonNone},
		{"CONNECT denied", slices.Concat(greetNone, connect4), nil, &answer{decision: policy.Decision{Deny: true, Why: "no"}},
			slices.Concat(greeted, refusal(2)), "", "", ReasonDenied},
		{"CONNECT undecided", slices.Concat(greetNone, connect4), nil, &answer{err: errBackend},
			slices.Concat(greeted, refusal(1)), "", "", ReasonHookFailed},
		{"both pass", both, &answer{}, &answer{}, slices.Concat(greeted, bindDone), "192.0.2.1:25", "127.0.0.2:0", ReasonNone},
		{"BIND denied", bind, &answer{decision: policy.Decision{Deny: true}}, nil,
			slices.Concat(greeted, refusal(2)), "", "", ReasonDenied},
		{"CONNECT denied behind BIND", both, &answer{}, &answer{decision: policy.Decision{Deny: true}},
			slices.Concat(greeted, bindDone, refusal(2)), "", "127.0.0.2:0", ReasonDenied},
		{"BIND undecided is granted, its CONNECT is not", both, &answer{err: errBackend}, nil,
			slices.Concat(greeted, bindDone, refusal(1)), "", "127.0.0.2:0", ReasonHookFailed},
		{"another source at BIND", both, &answer{decision: policy.Decision{Source: netip.MustParseAddr("127.0.0.3")}}, &answer{},
			slices.Concat(greeted, []byte{5, 0, 0, 1, 127, 0, 0, 3, 0, 0}), "192.0.2.1:25", "127.0.0.3:0", ReasonNone},
		{"another source at CONNECT", both, &answer{}, &answer{decision: policy.Decision{Source: netip.MustParseAddr("127.0.0.3")}},
			slices.Concat(greeted, bindDone), "192.0.2.1:25", "127.0.0.3:0", ReasonNone},
		{"a source without BIND", slices.Concat(greetNone, connect4), nil, &answer{decision: policy.Decision{Source: netip.MustParseAddr("127.0.0.3")}},
			greeted, "192.0.2.1:25", "127.0.0.3:0", ReasonNone},
		{"another destination", slices.Concat(greetNone, connect4), nil, &answer{decision: policy.Decision{Destination: netip.MustParseAddrPort("192.0.2.7:26")}},
			greeted, "192.0.2.7:26", "", ReasonNone},
		{"source and destination of two families", slices.Concat(greetNone, connect4), nil,
			&answer{decision: policy.Decision{Source: netip.MustParseAddr("2001:db8::1")}}, slices.Concat(greeted, refusal(1)), "", "[2001:db8::1]:0", ReasonFamilyMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := asked(t, handlers{request: true})
			d.send(tt.send...)
			if tt.bind != nil {
				if q := d.question(aboutBind); q.request.Connect || q.request.Source != netip.MustParseAddr("127.0.0.2") {
					t.Errorf("asked %+v; want the BIND and its source", q.request)
				}
				d.answer(aboutBind, *tt.bind)
			}
			if tt.connect != nil {
				if q := d.question(aboutConnect); !q.request.Connect || q.request.Host != "192.0.2.1" || q.request.Port != 25 {
					t.Errorf("asked %+v; want the CONNECT and its target", q.request)
				}
				d.answer(aboutConnect, *tt.connect)
			}
			d.wantWrote(tt.wrote...)
			if got := d.bound.String(); tt.source != "" && got != tt.source {
				t.Errorf("bound %v; want %v", got, tt.source)
			}
			var want []netip.AddrPort
			if tt.dialled != "" {
				want = append(want, netip.MustParseAddrPort(tt.dialled))
			}
			if !slices.Equal(d.dials, want) {
				t.Errorf("dialled %v; want %v", d.dials, want)
			}
			if tt.reason != ReasonNone {
				d.wantEnd(failed(tt.reason))
			}
		})
	}
}

// The client did not choose the source, so it is not at fault for it.
func TestSourceOfThePolicyThatIsNotOurs(t *testing.T) {
	for _, at := range []topic{aboutBind, aboutConnect} {
		d := asked(t, handlers{request: true})
		d.bindErr = syscall.EADDRNOTAVAIL
		chosen := answer{decision: policy.Decision{Source: netip.MustParseAddr("127.0.0.3")}}
		if at == aboutBind {
			d.send(slices.Concat(greetNone, bind4)...)
			d.answer(aboutBind, chosen)
			d.wantEnd(failed(ReasonSourceUnplumbed)) // the address of a BIND, whoever chose it
			continue
		}
		d.send(slices.Concat(greetNone, connect4)...)
		d.answer(aboutConnect, chosen)
		d.wantWrote(append([]byte{5, 0}, refusal(1)...)...)
		if !slices.Equal(d.results, []egress.Result{egress.Failed}) {
			t.Errorf("dial results %v; want one", d.results)
		}
		d.wantEnd(failed(ReasonHookFailed))
	}
}

// Who the client is goes with its requests.
func TestRequestsCarryTheUser(t *testing.T) {
	d := asked(t, handlers{auth: true, request: true})
	d.send(slices.Concat(greetPassword, credentials, connect4)...)
	d.answer(aboutCredentials, answer{who: alice})
	if got := d.question(aboutConnect).request.Auth; got.User() != "alice" || !slices.Equal(got.Groups, []string{"g"}) {
		t.Errorf("asked about %+v; want alice of g", got)
	}
}

// A policy without an end is not waited for, and its late answer is not taken for
// that to another question.
func TestPolicyThatDoesNotAnswer(t *testing.T) {
	late := func(d *driver) {
		d.now = d.now.Add(9 * time.Second)
		d.feed(event{kind: evExpired})
		d.wantDid(doForget)
	}
	t.Run("about credentials", func(t *testing.T) {
		d := asked(t, handlers{auth: true})
		d.send(slices.Concat(greetPassword, credentials)...)
		d.now = d.now.Add(8 * time.Second)
		d.feed(event{kind: evExpired}) // of the greeting: nothing is due
		d.question(aboutCredentials)
		d.now = d.now.Add(-8 * time.Second)
		late(d)
		d.wantWrote(5, 2, 1, 1)
		d.wantEnd(failed(ReasonHookFailed))
	})
	t.Run("about BIND and again about CONNECT", func(t *testing.T) {
		d := asked(t, handlers{request: true})
		d.send(slices.Concat(greetNone, bind4)...)
		first := d.question(aboutBind).number
		late(d)
		d.wantWrote(slices.Concat([]byte{5, 0}, bindDone)...)
		d.feed(event{kind: evAnswered, answer: &answer{number: first, decision: policy.Decision{Deny: true}}})
		d.wantWrote()
		d.send(connect4...)
		d.wantWrote(refusal(1)...)
		d.wantEnd(failed(ReasonHookFailed))
	})
}

func TestAnswerToAnotherQuestion(t *testing.T) {
	d := asked(t, handlers{request: true})
	d.send(slices.Concat(greetNone, connect4)...)
	d.feed(event{kind: evAnswered, answer: &answer{number: d.question(aboutConnect).number - 1}})
	d.question(aboutConnect)
	if len(d.dials) > 0 {
		t.Errorf("dialled %v for an answer to another question", d.dials)
	}
}

func TestClientLeavesWhileThePolicyThinks(t *testing.T) {
	d := asked(t, handlers{request: true})
	d.send(slices.Concat(greetNone, connect4)...)
	d.feed(event{kind: evClientClosed})
	d.wantDid(doAbort)
	d.feed(event{kind: evAnswered, answer: &answer{number: 1}})
	if len(d.dials) > 0 || len(d.results) > 0 {
		t.Errorf("dialled %v with %v for a client that had left", d.dials, d.results)
	}
	d.wantEnd(failed(ReasonClientLeft))
}

// One that has sent everything and half-closed waits for the answer.
func TestHalfCloseBehindEarlyDataWhileThePolicyThinks(t *testing.T) {
	d := asked(t, handlers{request: true})
	d.send(slices.Concat(greetNone, connect4, []byte("QUIT\r\n"))...)
	d.feed(event{kind: evClientClosed})
	d.answer(aboutConnect, answer{})
	d.feed(event{kind: evDialed, addr: ourSide})
	d.wantDid(doRelay)
}
