package actors

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// model is the world around one machine, drawn at random: a client, a resolver,
// upstreams, a clock, and a transport that keeps its contract but nothing more.
// It checks that each action has an owner: something that is there to be acted on.
type model struct {
	rng     *rand.Rand
	m       machine
	now     time.Time
	pending []byte

	timer     time.Time
	closing   bool // Finish or Abort was called
	relaying  bool
	connected bool // some attempt connected
	requests  int  // CONNECTs taken up
	answers   int  // replies booked
	resolving int  // answers the resolver owes, 0 to 2
	question  *question
	asked     int // questions
	trusted   bool
	flying    []int
	results   int
	dialled   time.Time   // when the first attempt began
	source    netip.Addr  // bound last
	binding   *event      // the answer to doBind, once all else is done
	spec      *plainRules // as the machine's, in plain words
	crowd     *crowd      // who else is there
	heads     heads
	ends      []Outcome
	history   []string
}

func (w *model) check(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s\nhistory: %q", fmt.Sprintf(format, args...), w.history)
}

// feed shows the machine an event and carries out what it asks for.
func (w *model) feed(name string, ev event) error {
	w.history = append(w.history, name)
	acts, used := w.m.handle(w.now, ev, w.pending, nil)
	if used > len(w.pending) || used > 0 && (w.relaying || w.closing) {
		return w.check(false, "consumed %d of %d bytes", used, len(w.pending))
	}
	w.heads.note(w.pending[:used])
	w.pending = w.pending[used:]
	if err := w.check(len(w.ends) == 0 || len(acts) == 0, "acts after the end: %v", acts); err != nil {
		return err
	}
	for i := range acts {
		if err := w.act(&acts[i]); err != nil {
			return err
		}
	}
	if bound := w.binding; bound != nil {
		w.binding = nil
		return w.feed("bound", *bound)
	}
	return nil
}

func (w *model) act(a *action) error {
	open := !w.closing && !w.relaying
	switch a.do {
	case doClient:
		return w.introduced(a)
	case doSecure:
		return w.handshakes()
	case doWrite:
		return w.check(len(a.bytes) > 0 && !w.m.limits.forward && !w.closing && !w.relaying, "writes % x when closing %v relaying %v", a.bytes, w.closing, w.relaying)
	case doTimer:
		w.timer = a.at
	case doBind:
		return w.bind(a)
	case doAsk:
		q := a.question
		w.asked++
		w.question = q
		ok := open && (q.topic == aboutCredentials && w.m.handlers.auth || q.topic != aboutCredentials && w.m.handlers.request) && w.asked <= 3
		return w.check(ok, "asks about %v, the %d. question", q.topic, w.asked)
	case doForget:
		w.question = nil
		return w.check(open, "forgets a question when over")
	case doWho:
		err := w.check(w.trusted && a.who.User() == "u", "lets %v in, whom nobody vouched for", a.who)
		return err
	case doResolve:
		w.resolving = 1 + w.rng.IntN(2)
		return w.check(open && w.requests == 1 && !w.spec.noNames, "resolves when over, unasked or forbidden")
	case doAnswer:
		w.answers++
		return w.check(w.answers == 1 && !w.relaying, "the %d. answer, relaying %v", w.answers, w.relaying)
	case doMark:
		if a.mark == markRequested {
			w.requests++
		}
		return w.check(open && w.requests <= 1, "mark %v, requests %d", a.mark, w.requests)
	case doDial:
		err := w.check(open && !slices.Contains(w.flying, a.n) && a.addr.IsValid(), "attempt %d to %v", a.n, a.addr)
		w.flying = append(w.flying, a.n)
		if w.dialled.IsZero() {
			w.dialled = w.now
		}
		return cmp.Or(err, w.checkRules(a.addr), w.checkHead(a.addr))
	case doCancelDial:
		w.flying, w.resolving = nil, 0
	case doUpstream:
		return w.check(w.connected, "notes an upstream without one")
	case doDialResult:
		w.results++
		return w.check(w.results == 1 && w.requests > 0, "dial result %v, the %d. of %d requests", a.result, w.results, w.requests)
	case doRelay:
		err := w.check(open && w.connected, "relays when connected %v closing %v relaying %v", w.connected, w.closing, w.relaying)
		w.relaying = true
		return err
	case doFinish:
		err := w.check(open, "finishes when over")
		w.closing = true
		return err
	case doAbort:
		w.closing = true
	case doEnd:
		w.ends = append(w.ends, a.outcome)
	}
	return nil
}

var modelMessages = [][]byte{
	{5, 1, 0}, {5, 2, 0, 2}, {5, 1, 2}, {5, 1, 1}, {5, 0}, {4}, {1, 1, 'u', 1, 'p'},
	connect4, connect4, bind4, {5, 1, 0, 3, 4, 'm', 'x', '.', 'x', 0, 25},
	{5, 2, 0, 1, 0, 0, 0, 0, 0, 25}, {5, 3, 0, 1, 0, 0, 0, 0, 0, 0}, {5, 9, 0, 1, 0, 0, 0, 0, 0, 0}, {5, 1, 0, 7},
	{5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 25}, []byte("EHLO x\r\n"), {0xff},
}

// turn lets one thing happen.
func (w *model) turn() error {
	w.now = w.now.Add(time.Duration(w.rng.Int64N(int64(2 * time.Second))))
	switch pick := w.rng.IntN(20); {
	case pick < 8 && w.m.phase == phaseSecuring:
		return w.secured()
	case pick < 8:
		b := modelMessages[w.rng.IntN(len(modelMessages))]
		if w.m.phase == phaseHeader && w.rng.IntN(8) > 0 {
			b = modelHeaders[w.rng.IntN(len(modelHeaders))]
		}
		if w.m.phase == phaseGreeting && w.rng.IntN(3) > 0 {
			b = greetNone
			if w.m.handlers.auth && w.rng.IntN(2) == 0 {
				b = greetPassword
			}
		}
		if w.m.phase == phaseAuth && w.rng.IntN(3) > 0 {
			b = credentials
		}
		if w.m.phase == phaseRequest && w.rng.IntN(2) > 0 {
			b = connect4
		}
		if w.rng.IntN(5) == 0 {
			b = b[:w.rng.IntN(len(b))]
		}
		w.pending = append(w.pending, b...)
		return w.feed("readable", event{kind: evReadable})
	case pick < 12:
		return w.answerDial()
	case pick == 12:
		return w.answerResolve()
	case pick == 13:
		return w.answerQuestion()
	case pick == 14:
		var err error
		if w.rng.IntN(2) == 0 {
			err = syscall.ECONNRESET
		}
		return w.feed("client closed", event{kind: evClientClosed, err: err})
	case pick == 15 && !w.timer.IsZero():
		if w.now.Before(w.timer) {
			w.now = w.timer
		}
		w.timer = time.Time{}
		return w.feed("expired", event{kind: evExpired})
	case pick == 16:
		return w.feed("expired late", event{kind: evExpired})
	case pick == 17 && w.rng.IntN(8) == 0:
		return w.feed("stop", event{kind: evStop, reason: ReasonShutdown})
	case pick == 18 && w.rng.IntN(16) == 0:
		return w.ended(transport.Broken)
	}
	if w.relaying && w.rng.IntN(3) == 0 {
		ends := []transport.End{transport.Fin, transport.Reset, transport.Fin, transport.Reset, transport.Idle, transport.HalfClosed, transport.Outlived}
		return w.ended(ends[w.rng.IntN(len(ends))])
	}
	if w.closing && w.rng.IntN(3) == 0 {
		return w.ended(transport.Closed)
	}
	return nil
}

func (w *model) answerDial() error {
	if len(w.flying) == 0 || w.connected {
		// One that was cancelled when its answer was on its way.
		return w.feed("dialed late", event{kind: evDialed, err: syscall.ECONNREFUSED})
	}
	i := w.rng.IntN(len(w.flying))
	ev := event{kind: evDialed, n: w.flying[i], addr: ourSide}
	if len(w.spec.choice) > 0 && w.source.IsValid() && !w.source.IsUnspecified() {
		if ev.addr = netip.AddrPortFrom(w.source, 40000); w.rng.IntN(8) == 0 {
			ev.addr = netip.MustParseAddrPort("192.0.2.77:40000") // of the system's choice
		}
	}
	w.flying = slices.Delete(w.flying, i, i+1)
	if w.rng.IntN(2) == 0 {
		ev.err = []error{syscall.ECONNREFUSED, syscall.ETIMEDOUT, syscall.EADDRNOTAVAIL}[w.rng.IntN(3)]
	} else {
		w.connected = true
	}
	return w.feed("dialed", ev)
}

// answerQuestion is the policy's word, or one that comes too late.
func (w *model) answerQuestion() error {
	a := &answer{number: w.rng.IntN(4)}
	if w.question != nil {
		a.number = w.question.number
	}
	about := aboutNothing
	if w.question != nil {
		about = w.question.topic
	}
	switch w.rng.IntN(6) {
	case 0:
		a.err = []error{policy.ErrRefused, errBackend, policy.ErrRefused}[w.rng.IntN(3)]
	case 1:
		a.decision.Deny = true
	case 2:
		a.decision.Source = ourSide.Addr()
	case 3:
		a.decision.Destination = netip.MustParseAddrPort("192.0.2.9:25")
	}
	if a.err == nil && about == aboutCredentials {
		a.who = policy.AuthInfo{Identities: []policy.Identity{{Identity: "u"}}}
		w.trusted = true
	}
	before := w.requests
	w.question = nil
	err := w.feed("answered", event{kind: evAnswered, answer: a})
	if err == nil && about == aboutConnect && (a.err != nil || a.decision.Deny) {
		err = w.check(w.requests == before, "dials what the policy did not let pass: %+v", a)
	}
	return err
}

func (w *model) answerResolve() error {
	if w.resolving == 0 {
		return w.feed("resolved late", event{kind: evResolved, last: true})
	}
	w.resolving--
	ev := event{kind: evResolved, last: w.resolving == 0}
	if ev.last && w.rng.IntN(4) == 0 {
		ev.err = syscall.EIO
	} else {
		ev.addrs = []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(w.rng.IntN(3))}), netip.MustParseAddr("2001:db8::1")}[:w.rng.IntN(3)]
	}
	return w.feed("resolved", ev)
}

func (w *model) ended(e transport.End) error {
	if len(w.ends) > 0 {
		return w.feed("ended again", event{kind: evEnded})
	}
	side := transport.Side(w.rng.IntN(2))
	if err := w.feed("ended", event{kind: evEnded, end: transport.Ended{End: e, Side: side}}); err != nil {
		return err
	}
	if len(w.ends) != 1 {
		return w.check(false, "%d ends", len(w.ends))
	}
	o := w.ends[0]
	switch {
	case (o.Class == Failed) != (o.Reason != ReasonNone):
		return w.check(false, "class %v with reason %v", o.Class, o.Reason)
	case o.Class == Completed && (!w.relaying || e != transport.Fin && e != transport.Reset):
		return w.check(false, "completed without a relay that a peer ended: %v", e)
	case o.Class == Probed && (w.relaying || w.requests > 0):
		return w.check(false, "probed after a request")
	case w.relaying && !w.closing && lapses[e] != nil && o != failed(lapses[e][side]):
		return w.check(false, "%v for %v, end %d by side %d", o.Class, o.Reason, e, side)
	case o.Reason == ReasonConnectTimeoutClientLeft && (w.relaying || w.dialled.IsZero() || w.now.Sub(w.dialled) < 10*time.Second):
		return w.check(false, "%v, dialled since %v", o.Reason, w.now.Sub(w.dialled))
	case w.results != w.requests:
		return w.check(false, "%d dial results for %d requests", w.results, w.requests)
	case !w.timer.IsZero() && !w.relaying && !w.closing && e != transport.Broken:
		return w.check(false, "ended with the timer set")
	}
	return nil
}

// lapses are the reasons of relays past a limit, by the side that was waited for.
var lapses = map[transport.End][]Reason{
	transport.Idle:       {ReasonClientIdle, ReasonUpstreamIdle},
	transport.HalfClosed: {ReasonClientHalfOpen, ReasonUpstreamHalfOpen},
	transport.Outlived:   {ReasonMaxSession, ReasonMaxSession},
}

// TestHistories drives the machine through random histories and checks the
// promises that its doc comment makes.
func TestHistories(t *testing.T) {
	const histories = 100_000
	classes, reasons := map[Class]int{}, map[Reason]int{}
	for seed := range uint64(histories) {
		w := &model{rng: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1_000_000, 0)}
		w.m.handlers = handlers{auth: seed%3 == 0, request: seed%5 < 2, patience: 3 * time.Second}
		w.spec = someRules(t, w.rng)
		w.m.limits = &limits{step: 5 * time.Second, connect: 4 * time.Second, requireAuth: seed%7 == 0, rules: compiled(t, w.spec.spec)}
		if seed%11 == 0 {
			w.m.limits.connect = time.Minute // some clients do not wait that long
		}
		w.m.client, w.m.prove = afar, w.m.handlers.auth && seed%2 == 0
		w.crowd = someCrowd(w.rng)
		w.m.places = w.crowd.enter(w.now)
		w.openDoor(t, seed)
		err := w.feed("start", event{kind: evStart})
		for i := 0; err == nil && i < 90; i++ {
			err = w.turn()
		}
		for err == nil && len(w.ends) == 0 { // whatever is still open comes to an end
			if !w.relaying && !w.closing {
				if err = w.feed("stop", event{kind: evStop, reason: ReasonShutdown}); err != nil {
					break
				}
			}
			err = w.ended(map[bool]transport.End{true: transport.Fin, false: transport.Closed}[w.relaying && !w.closing])
		}
		if err == nil {
			err = w.check(w.crowd.alone(&w.m), "places: got %+v; want those of the others alone", w.m.places)
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		classes[w.ends[0].Class]++
		reasons[w.ends[0].Reason]++
	}
	for c := range classCount {
		if classes[c] < histories/200 {
			t.Errorf("only %d of %d histories ended as %v: the model does not reach it", classes[c], histories, c)
		}
	}
	for r, least := range map[Reason]int{
		ReasonDenied: histories / 1000, ReasonHookFailed: histories / 1000, ReasonAuthFailed: histories / 1000,
		ReasonDestinationRefused: histories / 1000, ReasonSourceRefused: histories / 1000, ReasonSourceRequired: histories / 1000,
		ReasonLimitUser: histories / 20_000, ReasonLimitSource: histories / 20_000, ReasonLimitDestination: histories / 5000,
		ReasonHeader: histories / 1000, ReasonClientRefused: histories / 1000,
		ReasonClientIdle: histories / 2000, ReasonUpstreamHalfOpen: histories / 2000, ReasonMaxSession: histories / 1000,
		ReasonConnectTimeoutClientLeft: histories / 20000,
		ReasonNamesRefused:             histories / 5000, ReasonSourceMisconfigured: histories / 5000,
	} {
		if reasons[r] < least {
			t.Errorf("only %d of %d histories failed for %v: the model does not reach it", reasons[r], histories, r)
		}
	}
}
