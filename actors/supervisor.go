package actors

import (
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/supervise"
)

// throughput is how many messages an actor may take before it lets others run.
const throughput = 300

// Back-off of metrics and web.
const (
	serviceFirst  = 50 * time.Millisecond
	serviceMost   = 5 * time.Second
	serviceHealth = 10 * time.Second
)

// supervisor is the root of the tree. It decides about its children and never
// escalates; should it end without having been asked to, so does the process.
type supervisor struct {
	config  *Config
	sockets *Sockets
	log     *slog.Logger
	started chan<- bool     // told once whether the tree stands
	stopped chan<- struct{} // closed when the tree is gone
	live    *live

	root      *actor.RootContext
	self      *actor.PID
	metrics   *actor.PID
	web       *actor.PID
	sources   *actor.PID
	listeners map[string]*served            // by actor id
	backoff   map[string]*supervise.Backoff // of metrics and web, by actor id
	timers    map[string]*time.Timer        // send restartChild, by id of the actor in its pause
	leaving   bool                          // the tree is to end, once its sessions have
	draining  bool                          // it does
	reloaded  bool

	webSockets atomic.Pointer[[]*webSocket] // those of sockets, for the web actor
}

// served is a listener that has an actor.
type served struct {
	*openListener
	pid     *actor.PID
	closed  chan struct{} // closed with the socket of one that was removed
	removed bool          // by a reload: it ends with its last session
	halted  *halt         // nil: it is to take clients
}

// Receive implements actor.Actor.
func (s *supervisor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Stopping:
		supervise.Contain(s.log, s.release)
		return
	case *actor.Stopped:
		close(s.stopped)
		return
	case *actor.Started:
		s.start(ctx)
		return
	default:
		s.config.Tap(KindSupervisor, m)
	}
	switch m := ctx.Message().(type) {
	case *share:
		s.share(ctx, m)
	case *pass:
		s.pass(ctx, m)
	case *serveHTTP:
		s.serveHTTP(ctx)
	case *yield:
		s.yield(ctx, m)
	case *apply:
		s.apply(ctx, m)
	case *drain:
		s.drainListeners(ctx, m)
	case *shutdown:
		s.drain(ctx)
	case *restartChild:
		delete(s.timers, m.child.Id)
		if !s.draining {
			ctx.(actor.Supervisor).RestartChildren(m.child)
		}
	case *actor.Terminated:
		s.terminated(ctx, m.Who)
	}
}

// start spawns the tree: metrics first, since everybody reports to it.
func (s *supervisor) start(ctx actor.Context) {
	stands := false
	defer func() { s.started <- stands }()
	s.root, s.self = ctx.ActorSystem().Root, ctx.Self()
	s.listeners = make(map[string]*served)
	s.backoff = make(map[string]*supervise.Backoff)
	s.timers = make(map[string]*time.Timer)
	s.spawnMetrics(ctx)
	s.spawnSources(ctx)
	for _, o := range s.sockets.listeners {
		s.spawnListener(ctx, o)
	}
	var web []*webSocket
	if !s.config.HTTPLater {
		web = s.sockets.web
	}
	s.webSockets.Store(&web)
	s.spawnWeb(ctx)
	for _, w := range s.sockets.web {
		s.announce(w)
	}
	stands = true
}

func (s *supervisor) announce(w *webSocket) {
	s.config.Log(targetHTTP).Info(w.scheme() + " listener on " + w.address())
}

func (s *supervisor) spawnMetrics(ctx actor.Context) {
	s.metrics = s.spawn(ctx, KindMetrics, "metrics", func() actor.Actor {
		return &metricsActor{metrics: s.config.Metrics, observer: s.config.Sessions, log: s.log, tap: s.config.Tap}
	})
}

func (s *supervisor) spawnWeb(ctx actor.Context) {
	s.web = s.spawn(ctx, KindWeb, "web", func() actor.Actor {
		return &webActor{sockets: &s.webSockets, log: s.config.Log(targetHTTP), tap: s.config.Tap}
	})
}

// sourcesName is that of the one sources actor.
const sourcesName = "sources"

func (s *supervisor) spawnSources(ctx actor.Context) {
	s.sources = s.spawn(ctx, KindSources, sourcesName, func() actor.Actor {
		return &sourcesActor{
			table: s.config.Sources, watch: s.config.WatchAddresses, live: s.live, log: s.log, tap: s.config.Tap,
		}
	})
}

// spawnListener hands a socket to a new listener. The listener and its
// connections run on the goroutine of whoever sends to them.
func (s *supervisor) spawnListener(ctx actor.Context, o *openListener) *terms {
	closed := make(chan struct{})
	t := s.newTerms(o)
	l := &listener{
		network: s.config.opener(), terms: t, socket: o.socket, account: o.account, slots: s.sockets.slots,
		turn: make(chan struct{}, 1), live: s.live, tap: s.config.Tap, log: s.config.Log(targetListener), retirement: retirement{closed: closed},
	}
	o.socket = nil // the listener's from here on
	halted := o.halted
	if o.halted = nil; halted != nil { // once: should it end, haltAgain knows better
		l.halted, l.stage = halted, stageHalted
	}
	pid := s.spawn(ctx, KindListener, s.listenerName(ctx, o), func() actor.Actor { return l },
		actor.WithDispatcher(actor.NewSynchronizedDispatcher(throughput)))
	s.listeners[pid.Id] = &served{openListener: o, pid: pid, closed: closed, halted: halted}
	return t
}

// newTerms are those of a listener under the newest policy, whose user they are.
func (s *supervisor) newTerms(o *openListener) *terms {
	sessions := s.config.Log(targetSession)
	limits := o.limits
	limits.groups = s.sockets.generation.policy.Groups
	s.config.Metrics.groups.expect(limits.groups)
	s.sockets.generation.join()
	var banners []uint16
	if o.asked.Banner {
		banners = s.config.bannerPorts()
	}
	return &terms{config: o.config, generation: s.sockets.generation, begun: make(chan struct{}), shared: &shared{
		bound:  o.config.Address,
		limits: limits, root: s.root, metrics: s.metrics, groups: &s.config.Metrics.groups,
		resolver: guarded{s.config.Resolver, sessions}, hooks: s.sockets.generation.hooks, log: sessions, tap: s.config.Tap, observer: s.config.Sessions, actions: newActionPool(),
		roll: &s.live.sessions, banners: banners, bans: s.config.Metrics.bans,
	}}
}

// listenerName is that of the address, with a number when earlier listeners there
// still have sessions.
func (s *supervisor) listenerName(ctx actor.Context, o *openListener) string {
	first := "listener-" + o.account.listener
	for name, n := first, 2; ; n++ {
		if s.listeners[ctx.Self().Id+"/"+name] == nil {
			return name
		}
		name = first + "-" + strconv.Itoa(n)
	}
}

func (s *supervisor) spawn(ctx actor.Context, kind Kind, name string, produce actor.Producer, more ...actor.PropsOption) *actor.PID {
	mailbox := actor.WithMailbox(s.live.tree.Mailbox(kind.String(), actor.UnboundedLockfree(), newObserver(kind, s.log)))
	pid, err := ctx.SpawnNamed(actor.PropsFromProducer(produce, append(more, mailbox)...), name)
	if err != nil {
		panic(err)
	}
	return pid
}

// HandleFailure implements actor.SupervisorStrategy for the children: a
// listener goes on with its sessions, metrics and web come back.
func (s *supervisor) HandleFailure(_ *actor.ActorSystem, parent actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	switch {
	case s.draining:
		parent.StopChildren(child)
	case s.listeners[child.Id] != nil:
		parent.ResumeChildren(child)
		s.root.Send(child, &recovered{})
		s.remind(s.listeners[child.Id])
	default:
		s.restart(parent, child)
	}
}

// restart brings a service back, at once the first time.
func (s *supervisor) restart(parent actor.Supervisor, child *actor.PID) {
	b := s.backoff[child.Id]
	if b == nil {
		b = &supervise.Backoff{First: serviceFirst, Most: serviceMost, Health: serviceHealth}
		s.backoff[child.Id] = b
	}
	pause := b.Next(time.Now())
	if pause == 0 {
		parent.RestartChildren(child)
		return
	}
	root, self := s.root, s.self
	s.timers[child.Id] = time.AfterFunc(pause, func() { root.Send(self, &restartChild{child}) })
}

// drain ends the listeners; the services they report to go last.
func (s *supervisor) drain(ctx actor.Context) {
	if s.draining {
		return
	}
	s.draining = true
	for _, child := range slices.Clone(ctx.Children()) {
		if s.listeners[child.Id] != nil {
			ctx.Send(child, &shutdown{})
		}
	}
	s.finish(ctx)
}

// terminated replaces a child that ended although nobody had asked it to.
func (s *supervisor) terminated(ctx actor.Context, who *actor.PID) {
	l := s.listeners[who.Id]
	delete(s.listeners, who.Id)
	if l != nil && l.removed {
		s.config.Metrics.Ledger.leave(l.account, time.Now())
	}
	switch {
	case s.draining:
		s.finish(ctx)
	case l != nil && l.removed:
		s.log.Info("listener is gone, its last session has ended", slog.String("listener", l.account.listener))
	case l != nil:
		s.log.Error("listener ended unasked, opening it again", slog.String("listener", l.account.listener))
		s.spawnListener(ctx, l.openListener)
		s.haltAgain(l)
	case who.Equal(s.metrics):
		s.spawnMetrics(ctx)
	case who.Equal(s.web):
		s.spawnWeb(ctx)
	case who.Equal(s.sources):
		s.spawnSources(ctx)
	}
}

// finish stops the services once the listeners are gone, then the supervisor.
func (s *supervisor) finish(ctx actor.Context) {
	switch {
	case len(s.listeners) > 0:
	case len(ctx.Children()) == 0:
		ctx.Stop(ctx.Self())
	default:
		for _, child := range slices.Clone(ctx.Children()) {
			if s.timers[child.Id] != nil {
				ctx.Stop(child) // in its pause it takes no mail, poison included
			} else {
				ctx.Poison(child)
			}
		}
	}
}

func (s *supervisor) release() {
	for _, t := range s.timers {
		t.Stop()
	}
	s.sockets.Close()
}
