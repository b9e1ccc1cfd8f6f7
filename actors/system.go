package actors

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/census"
	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/inherit"
	"github.com/troupe-proxy/troupe/internal/limit"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Config is what the tree is made of. All must be set but what says what it is when it is not;
// none of it is changed once the tree runs.
type Config struct {
	Network  transport.Network
	Resolver egress.Resolver
	// Host knows the addresses of this machine, for the rules. It is asked in the
	// turns of acceptors and connections, by many at once.
	Host    rules.Host
	Metrics *Metrics
	// HTTP builds the server of the HTTP listener l of a policy, bound to an
	// address. It is called again when the web actor restarts. After a reload the
	// handler of the server it builds then takes the place of the one before.
	HTTP func(p *policy.Policy, l policy.HTTPListener, bound string) *http.Server
	// Sources are the addresses to send from. Nil: Open makes a table that knows no
	// machine.
	Sources *source.Table
	// Holds keeps what is decided about them. Nil: it is not kept.
	Holds *source.Store
	// WatchAddresses, if set, calls changed when addresses of this machine may have
	// changed, until ctx ends.
	WatchAddresses func(ctx context.Context, changed func())
	// Log gives the logger of a target.
	Log func(target string) *slog.Logger
	// Hooks, if set, are asked in place of the handlers of every policy.
	Hooks *Hooks
	// Slots is how many sessions may be open at once; each has two descriptors.
	Slots int
	// Memory, if set, is looked at ten times a second, on a goroutine of System's own.
	// While it is short, new clients are turned away. Nil: for want of descriptors no
	// session is ended either, whatever limits.shed_idle says.
	Memory Memory
	// BannerPorts are the ports of upstreams whose first line is read in passing.
	// Nil: those of mail servers, 25, 465, 587 and 2525. Empty: none is.
	BannerPorts []uint16
	// Inherited, if set, are listening sockets that others have opened: one that is
	// bound to an address takes the place of one that would be bound to it here.
	Inherited *inherit.Sockets
	// Drained are listeners that start as drained, without a socket. Open changes it.
	Drained []DrainedListener
	// Bans are in force when it starts: those of the process that is taken over from.
	Bans limit.Kept
	// HTTPLater has the HTTP listeners wait for System.ServeHTTP; meanwhile whoever
	// connects to them waits in the queue.
	HTTPLater bool
	// Sessions, if set, is told of every session that has ended.
	Sessions SessionObserver
	// Tap, if set, sees every message first.
	Tap Tap
}

// System is a running tree.
type System struct {
	config  *Config
	actors  *actor.ActorSystem
	root    *actor.PID
	stopped chan struct{}
	live    *live
	drains  drains

	shutdown sync.Once // of Shutdown

	reloading chan struct{} // holds the one Reload that may run
	running   running       // of who reloads
}

// ErrStart says that the tree could not be spawned; the log says why.
var ErrStart = errors.New("the actors could not be started")

// Start spawns the tree on sockets that Open has opened and takes them over,
// also when it fails. Clients wait in the sockets' queues until then.
func Start(c Config, sockets *Sockets) (*System, error) {
	if c.Tap == nil {
		c.Tap = noTap
	}
	library := c.Log(targetLibrary)
	s := &System{
		config:  &c,
		actors:  actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return library })),
		stopped: make(chan struct{}),
		live:    &live{},

		reloading: make(chan struct{}, 1),
		running:   running{generation: sockets.generation, listeners: slices.Clone(sockets.listeners), web: slices.Clone(sockets.web)},
	}
	accepting := slices.DeleteFunc(slices.Clone(sockets.listeners), func(o *openListener) bool { return o.halted != nil })
	started := make(chan bool, 1)
	census.WatchDeadLetters(s.actors)
	c.Metrics.bans.Restore(c.Bans, time.Now())
	c.Metrics.listeners.watch(s.actors)
	c.Metrics.live.live.Store(s.live)
	c.Metrics.sources.show(c.Sources, s.portsUsed)
	log := c.Log(targetActors)
	props := actor.PropsFromProducer(func() actor.Actor {
		return &supervisor{config: &c, sockets: sockets, log: log, started: started, stopped: s.stopped, live: s.live}
	}, actor.WithMailbox(s.live.tree.Mailbox(KindSupervisor.String(), actor.Unbounded(), newObserver(KindSupervisor, log))))
	// A panic of the supervisor's own must not stop what it supervises.
	resume := actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.ResumeDirective })
	pid, err := s.actors.Root.Copy().WithGuardian(resume).SpawnNamed(props, "supervisor")
	if err != nil {
		return nil, errors.Join(ErrStart, err)
	}
	s.root = pid
	if !<-started {
		s.actors.Root.Stop(pid)
		<-s.stopped
		return nil, ErrStart
	}
	s.running.generation.policy.Hooks.Start()
	if c.Memory != nil {
		p := &pressure{
			memory: c.Memory, log: log, now: &c.Metrics.Ledger.pressed, held: &c.Metrics.memory.held,
			slots: sockets.slots, live: s.live,
		}
		go p.run(s.stopped)
	}
	awaitAccepting(accepting)
	return s, nil
}

const acceptPatience = time.Second

// awaitAccepting lets the acceptors begin, so that who is told that all is up
// finds it so. It is a courtesy and has an end: the queues take clients already.
func awaitAccepting(listeners []*openListener) {
	patience := time.NewTimer(acceptPatience)
	defer patience.Stop()
	for _, o := range listeners {
		select {
		case <-o.account.health.began:
		case <-patience.C:
			return
		}
	}
}

// Stop ends every session and the tree. It does not wait; see Stopped.
func (s *System) Stop() {
	s.drains.end()
	s.actors.Root.Send(s.root, &shutdown{})
}

// Stopped is closed once the tree and all its sockets are gone, whether or not
// Stop was called.
func (s *System) Stopped() <-chan struct{} { return s.stopped }

// ReloadCertificates reads the certificates, keys and client authorities of all
// listeners anew, for the handshakes to come. Where that fails the old ones are
// kept, and the log and the error say why. It reads files, and may be called
// from any goroutine but not in an actor's turn.
func (s *System) ReloadCertificates() error { return s.config.Metrics.certificates.reload() }

// newActionPool makes the pool that connections take a turn's actions from.
func newActionPool() *sync.Pool {
	return &sync.Pool{New: func() any {
		acts := make([]action, 0, 8)
		return &acts
	}}
}
