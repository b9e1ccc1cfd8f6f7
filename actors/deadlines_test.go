package actors

import (
	"slices"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Each phase has a deadline of its own, which begins with it and is not put off by
// what the client says without finishing its message.
func TestEachPhaseHasItsDeadline(t *testing.T) {
	const step, patience, connect = 3 * time.Second, 5 * time.Second, 7 * time.Second
	asks := handlers{auth: true, request: true, patience: patience}
	for _, tt := range []struct {
		name     string
		handlers handlers
		said     [][]byte // each behind a pause of 2 s
		limit    time.Duration
		reason   Reason
	}{
		{"greeting", handlers{}, [][]byte{{5}, {2}}, step - 4*time.Second, ReasonHandshakeTimeout},
		{"auth", asks, [][]byte{greetPassword, {1}}, step - 2*time.Second, ReasonHandshakeTimeout},
		{"hook about credentials", asks, [][]byte{greetPassword, credentials}, patience, ReasonHookFailed},
		{"request", handlers{}, [][]byte{greetNone, {5, 1}}, step - 2*time.Second, ReasonHandshakeTimeout},
		{"request behind a BIND", handlers{}, [][]byte{greetNone, bind4}, step, ReasonHandshakeTimeout},
		{"hook about a request", handlers{request: true, patience: patience}, [][]byte{greetNone, connect4}, patience, ReasonHookFailed},
		{"dialing", handlers{}, [][]byte{greetNone, connect4}, connect, ReasonConnectTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, limits{step: step, connect: connect})
			d.m.handlers = tt.handlers
			for _, b := range tt.said {
				d.now = d.now.Add(2 * time.Second)
				d.send(b...)
			}
			due := d.now.Add(tt.limit)
			if !d.m.deadline.Equal(due) {
				t.Errorf("the deadline is %v from now; want %v", d.m.deadline.Sub(d.now), tt.limit)
			}
			d.now = due
			d.feed(event{kind: evExpired})
			d.wantEnd(failed(tt.reason))
		})
	}
}

// A client that leaves after it has waited long for an upstream has left over the
// upstream's silence.
func TestClientLeavesAfterLongDialling(t *testing.T) {
	for _, tt := range []struct {
		name   string
		name4  bool // asks for a name
		waited time.Duration
		reason Reason
		result egress.Result
	}{
		{"soon", false, clientPatience - 1, ReasonClientLeftDialing, egress.ClientLeft},
		{"late", false, clientPatience, ReasonConnectTimeoutClientLeft, egress.TimedOut},
		{"late, and only the name was looked up", true, clientPatience, ReasonClientLeftDialing, egress.ClientLeft},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, limits{})
			d.send(greetNone...)
			if tt.name4 {
				d.send(requestName("mx.example", 25)...)
			} else {
				d.send(connect4...)
			}
			d.now = d.now.Add(tt.waited)
			d.feed(event{kind: evClientClosed})
			d.wantDid(doAbort)
			d.wantEnd(failed(tt.reason))
			if !slices.Equal(d.results, []egress.Result{tt.result}) {
				t.Errorf("got the dial results %v; want %v", d.results, tt.result)
			}
		})
	}
	if f := ReasonConnectTimeoutClientLeft.Fault(); f != FaultUpstream {
		t.Errorf("it is put down to the %v; want the upstream", f)
	}
}

// relaying has the first listener hold relays to limits.
func relaying(r policy.Relay) func(*setup) {
	return func(s *setup) { s.listeners[0].Relay = r }
}

// A relay that is past a limit ends, for a reason that names who was waited for.
func TestRelayLimits(t *testing.T) {
	const soon = 50 * time.Millisecond
	for _, tt := range []struct {
		name    string
		limits  policy.Relay
		act     func(*client) error
		reason  Reason
		cut     string
		waiting Waiting
	}{
		{"idle, the client's turn", policy.Relay{Idle: soon}, func(c *client) error { return c.echo("NOOP\r\n") },
			ReasonClientIdle, "client,idle_timeout", WaitingForClient},
		{"idle, the upstream's turn", policy.Relay{Idle: soon}, func(*client) error { return nil },
			ReasonUpstreamIdle, "upstream,idle_timeout", WaitingForUpstream},
		{"max_session", policy.Relay{Most: soon}, func(c *client) error { return c.echo("NOOP\r\n") },
			ReasonMaxSession, "client,max_session", WaitingForClient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w witness
			tr := startTree(t, witnessed(&w), relaying(tt.limits))
			to := startSilent(t)
			if tt.waiting == WaitingForClient {
				to = startUpstream(t).addr
			}
			c := tr.mustOpen(to)
			must(t, tt.act(c))
			must(t, c.ended())
			tr.wantFailed(tt.reason, 1)
			tr.wantCuts(map[string]float64{tt.cut: 1})
			if e := w.next(t, 0); e.Outcome != failed(tt.reason) || e.WaitingFor != tt.waiting {
				t.Errorf("got %+v, waiting for %v; want %v, waiting for %v", e.Outcome, e.WaitingFor, tt.reason, tt.waiting)
			}
			tr.wantIdle()
		})
	}
}

// A side that goes on in silence once the other has ended its stream is cut off, and
// to blame.
func TestHalfCloseLimit(t *testing.T) {
	tr := startTree(t, relaying(policy.Relay{Idle: time.Hour, HalfClosed: 50 * time.Millisecond}))
	byClient := tr.mustOpen(startSilent(t))
	must(t, byClient.CloseWrite())
	must(t, byClient.ended())
	tr.wantFailed(ReasonUpstreamHalfOpen, 1)
	slow := startAnswering(t)
	byUpstream := tr.mustOpen(slow.addr)
	must(t, slow.take(t).Close())
	must(t, byUpstream.ended())
	tr.wantFailed(ReasonClientHalfOpen, 1)
	tr.wantIdle()
}
