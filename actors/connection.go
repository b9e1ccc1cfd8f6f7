package actors

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/census"
	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/limit"
	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/internal/task"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// connection is the actor of one client. It wraps the machine: it turns
// messages into events and carries the actions out. It runs on whichever
// goroutine sends to it, mostly the transport's, so its turn must stay short.
type connection struct {
	machine
	census.Entry               // on the roll of the sessions, from Started on
	shown        atomic.Uint32 // the phase, for whoever lists the sessions
	shownGroup   atomic.Uint32 // likewise the group
	shared       *shared
	conn         transport.Conn
	record       *record

	self    *actor.PID
	inbox   *census.Inbox
	resolve context.CancelFunc // ends the resolver's goroutine
	forget  context.CancelFunc // ends that of the question to the policy
	inTurn  bool               // still set after a turn: that turn panicked
}

// shared is what the connections of one listener have in common.
type shared struct {
	limits   limits
	bound    netip.AddrPort // the listener's own address
	root     *actor.RootContext
	metrics  *actor.PID
	resolver egress.Resolver
	bans     *limit.Bans
	banners  []uint16 // the ports of upstreams whose first line is read
	hooks    *Hooks   // nil: the policy has no handler
	log      *slog.Logger
	tap      Tap
	groups   *groupFigures
	observer SessionObserver // nil: nobody is told of ended sessions
	actions  *sync.Pool      // of *[]action, one per turn
	roll     *census.Roll[*connection]
	refused  sparing // the log's line about clients that a PROXY header names and that are not served
}

// Notify implements transport.Owner: the event becomes a message to the actor.
func (c *connection) Notify(e transport.Event) { c.inbox.PostUserMessage(e) }

// Hold implements census.Holder.
func (c *connection) Hold(b *census.Inbox) { c.inbox = b }

// Receive implements actor.Actor.
func (c *connection) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Stopping:
		supervise.Contain(c.shared.log, c.release)
	case *actor.Stopped:
		c.inbox.Close()
	default:
		c.inTurn = true
		c.shared.tap(KindConnection, m)
		if ev, ok := c.event(ctx, m); ok {
			c.step(ev)
		}
		c.inTurn = false
	}
}

// event translates a message.
func (c *connection) event(ctx actor.Context, m any) (event, bool) {
	switch m := m.(type) {
	case *actor.Started:
		c.self = ctx.Self()
		c.shared.roll.Enter(c)
		c.conn.Start(c)
		return event{kind: evStart}, true
	case transport.Secured:
		c.record.subject = m.Subject
		return event{kind: evSecured}, true
	case transport.Readable:
		return event{kind: evReadable}, true
	case transport.ClientClosed:
		return event{kind: evClientClosed, err: m.Err}, true
	case transport.Dialed:
		return event{kind: evDialed, n: m.Attempt, addr: m.Local, err: m.Err}, true
	case transport.Expired:
		return event{kind: evExpired}, true
	case transport.Banner:
		c.heard(m, time.Now())
	case transport.Ended:
		return event{kind: evEnded, end: m}, true
	case *resolved:
		return event{kind: evResolved, addrs: m.addrs, last: m.last, err: m.err}, true
	case *answered:
		return event{kind: evAnswered, answer: &m.answer}, true
	case *shutdown:
		return event{kind: evStop, reason: ReasonShutdown}, true
	case *endSession:
		return event{kind: evStop, reason: m.reason}, true
	}
	return event{}, false
}

// step runs the machine on one event, and on the answers to what it asked for
// that are known at once.
func (c *connection) step(ev event) {
	acts := c.shared.actions.Get().(*[]action)
	for again := true; again; {
		now := time.Now()
		var pending []byte
		if c.phase < phaseRelaying && ev.kind != evEnded {
			pending = c.conn.Peek()
			c.handlers = c.shared.hooks.handlers()
		}
		var used int
		*acts, used = c.handle(now, ev, pending, (*acts)[:0])
		if used > 0 {
			c.conn.Discard(used)
		}
		again = false
		for i := range *acts {
			if a := &(*acts)[i]; a.do == doBind {
				ev, again = c.bindSource(a), true
			} else {
				c.do(a, now)
			}
			(*acts)[i] = action{} // the pool must not keep a session's bytes
		}
	}
	c.shared.actions.Put(acts)
	if now := uint32(c.phase); c.shown.Load() != now {
		c.shown.Store(now)
		c.shownGroup.Store(uint32(c.group)) // it is known from another phase on than before
	}
}

func (c *connection) bindSource(a *action) event {
	from := a.addr.Addr()
	free := c.limits.rules.Freebind(from)
	bound, err := c.conn.Bind(transport.Origin{AddrPort: a.addr, Freebind: free})
	if !free && (err == nil || unplumbed(err)) {
		c.limits.sources.TriedBind(from, err == nil, time.Now())
	}
	return event{kind: evBound, addr: bound, err: err}
}

// do carries out one action.
func (c *connection) do(a *action, now time.Time) {
	switch a.do {
	case doWrite:
		c.conn.Write(a.bytes)
	case doTimer:
		c.conn.SetTimer(until(a.at, now))
	case doSecure:
		c.conn.Secure()
	case doResolve:
		c.lookup(a.name, a.family)
	case doAsk:
		c.ask(a.question)
	case doForget:
		c.cancelAsk()
	case doWho:
		c.record.identified(a.who)
		c.record.mark(markAuthenticated, now)
	case doClient:
		c.record.introduced(a.addr)
	case doDial:
		c.conn.Dial(a.n, a.addr)
	case doCancelDial:
		c.cancelResolve()
		c.conn.CancelDial()
	case doUpstream:
		c.record.connected(a.source, a.addr, c.limits.sources)
	case doDialResult:
		c.record.dialResult(a.result, now)
		c.shared.countGroup(a)
		c.limits.sources.Dialled(a.source.Addr(), a.result, now)
	case doMark:
		c.record.mark(a.mark, now)
	case doAnswer:
		c.record.account.answer(c.reply)
	case doRelay:
		c.cancelResolve()
		c.record.traffic.Began = c.record.since
		if paces := c.record.places.paces(c.machine.who().User()); len(paces) > 0 {
			c.conn.Limit(paces...)
		}
		c.record.traffic.Banner = slices.Contains(c.shared.banners, c.record.upstream.Port())
		c.conn.Relay(&c.record.traffic, &c.record.account.traffic, &c.shared.limits.relay)
	case doFinish:
		c.conn.Finish()
	case doAbort:
		c.cancelResolve()
		c.conn.Abort()
	case doEnd:
		c.end(a.outcome, a.err, now)
	}
}

// until is how long a timer has to run; one that is due already still needs a
// positive time, since 0 would stop it.
func until(at, now time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(at.Sub(now), time.Millisecond)
}

// lookup resolves a name on a goroutine of its own, which cancelResolve ends.
func (c *connection) lookup(host string, family egress.Family) {
	lookup, cancel := context.WithCancel(context.Background())
	c.resolve = cancel
	go c.runLookup(lookup, host, family)
}

func (c *connection) runLookup(lookup context.Context, host string, family egress.Family) {
	tell := func(addrs []netip.Addr, last bool, err error) {
		c.shared.root.Send(c.self, &resolved{addrs: addrs, last: last, err: err})
	}
	err := task.Protect(lookup, func(lookup context.Context) error {
		egress.Resolve(lookup, c.shared.resolver, host, family, tell)
		return nil
	})
	if err != nil {
		tell(nil, true, lookupPanicked(host, err))
	}
}

func (c *connection) cancelResolve() {
	if c.resolve != nil {
		c.resolve()
		c.resolve = nil
	}
}

// end books the session and stops the actor.
func (c *connection) end(o Outcome, err error, now time.Time) {
	c.cancelResolve()
	c.cancelAsk()
	c.shared.roll.Leave(c)
	if c.record.end(o, now) {
		c.report(o, err, now)
	}
	c.inbox.Stop()
}

// release is the end of an actor that was stopped before its session ended:
// because it panicked, or because somebody above it stopped.
func (c *connection) release() {
	defer c.bookRelease() // even should closing panic
	c.shared.roll.Leave(c)
	c.cancelResolve()
	c.cancelAsk()
	c.conn.Abort()
}

func (c *connection) bookRelease() {
	o := failed(ReasonShutdown)
	switch {
	case c.settled: // what had been decided stands
		o = c.outcome
	case c.inTurn:
		o = failed(ReasonInternal)
	}
	if !c.settled {
		c.waiting = c.awaits()
	}
	now := time.Now()
	if c.record.end(o, now) {
		c.report(o, nil, now)
	}
}

// report tells metrics, the policy and the log. Only a fault of ours, or of the
// policy's, is more than information: what peers do is their business.
func (c *connection) report(o Outcome, err error, now time.Time) {
	r := c.record
	c.unheard()
	level, text := slog.LevelDebug, "session "+o.Class.String()
	cut := c.countCut(o)
	switch {
	case o.Class == Failed && ours(o.Reason):
		level = slog.LevelError
	case cut.risky():
		level = slog.LevelWarn
	case o.Reason == ReasonClientRefused:
		_, due := c.shared.refused.due(now)
		level = refusalLevel(due)
	case o.Class == Failed:
		level = slog.LevelInfo
	}
	if c.shared.log.Enabled(context.Background(), level) {
		attrs := slices.Concat(r.attrs(o, now), c.unreached(), cut.attrs())
		c.shared.log.LogAttrs(context.Background(), level, text, append(attrs, because(err)...)...)
	}
	if o.Class != Probed && c.shared.hooks.wantsEnds() {
		c.shared.hooks.sessionEnd(r.summary(c.meta(), o, now))
	}
	wanted := c.shared.wantsEnds()
	if o.Class == Probed && !wanted {
		return
	}
	ended := sessionEnded{account: r.account}
	if o.Class != Probed {
		ended.relayed, ended.total = r.upstream.IsValid(), now.Sub(r.since)
		ended.greeted, ended.authenticated, ended.requested, ended.dialled = r.greeted, r.authenticated, r.requested, r.dialled
		ended.firstByte, ended.dial = r.traffic.FirstDown(), c.dialReport()
	}
	if wanted {
		ended.session = c.endedSession(o, now)
	}
	c.shared.report(ended)
}

// ours says whether a session failed by a fault of ours or of the policy's.
func ours(r Reason) bool {
	return r == ReasonInternal || r == ReasonHookFailed || r == ReasonSourceMisconfigured
}

// because is why a session ended, beyond its reason.
func because(err error) []slog.Attr {
	if denied, ok := errors.AsType[*denial](err); ok {
		return []slog.Attr{slog.String("why", denied.why)}
	}
	if forbidden, ok := errors.AsType[*ruling](err); ok {
		return forbidden.attrs()
	}
	if err != nil {
		return []slog.Attr{slog.Any("error", err)}
	}
	return nil
}
