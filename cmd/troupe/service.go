package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/handover"
	"github.com/troupe-proxy/troupe/internal/history"
	"github.com/troupe-proxy/troupe/internal/logging"
	"github.com/troupe-proxy/troupe/internal/machineinfo"
	"github.com/troupe-proxy/troupe/internal/memory"
	"github.com/troupe-proxy/troupe/internal/probe"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/sdnotify"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/web"
)

// lastWords is how long policies may take to end once everything else has.
const lastWords = 5 * time.Second

// service is the daemon from its start to its end.
type service struct {
	network transport.Network
	origin  origin
	upgrade *upgrader
	// successor is the process that has taken over from this one; nil: none has.
	successor *handover.Successor
	logs      *logging.Logging
	filter    string // of the log, as it was at the start
	metrics   *actors.Metrics
	source    *source
	keeper    *keeper
	log       *slog.Logger
	tree      *actors.System
	history   *history.History // of what the listeners count
	prober    *probe.Prober

	machine  func() (machineinfo.Info, bool)
	reloads  atomic.Pointer[reloader] // nil until all is up
	draining atomic.Bool              // a signal has asked for the end

	manager      *sdnotify.Manager // nil: there is none
	drainTimeout time.Duration     // how long sessions have after SIGTERM
}

// start loads the policy and starts what it asks for.
func (s *service) start(ctx context.Context) (*reloader, error) {
	first, err := s.keeper.load(ctx, s.source)
	if err != nil {
		return nil, err
	}
	if len(first.Listeners) == 0 {
		s.log.Warn("the policy starts no proxy listener: nobody will be served", slog.String("policy", first.Name))
	}
	host, err := rules.NewHosts(rules.ReadHost, s.hostUnread)
	if err != nil {
		return nil, err
	}
	config := s.config(host)
	sockets, err := actors.Open(ctx, &config, first.Policy)
	if err != nil {
		return nil, err
	}
	s.discardSockets()
	if err := s.prepared(ctx); err != nil {
		sockets.Close()
		return nil, err
	}
	s.inherit(&config)
	if s.tree, err = actors.Start(config, sockets); err != nil {
		return nil, err
	}
	reloads := newReloader(ctx, s, first)
	s.reloads.Store(reloads)
	s.takeOver(ctx)
	return reloads, nil
}

// hostUnread: the rules go on with what was read before.
func (s *service) hostUnread(err error) {
	s.log.Warn("the addresses of this host cannot be read, or not all: rules that need them go by those known",
		slog.Any("error", err))
}

// config joins the parts: figures, transport, HTTP, actors.
func (s *service) config(host *rules.Hosts) actors.Config {
	table, store := s.openSources(host)
	return actors.Config{
		Network:        s.network,
		Inherited:      s.origin.sockets,
		Drained:        s.origin.state.Drained,
		HTTPLater:      s.origin.old != nil,
		Resolver:       net.DefaultResolver,
		Host:           host,
		Metrics:        s.metrics,
		Sources:        table,
		Holds:          store,
		Log:            s.logs.Logger,
		Slots:          sessionSlots(),
		Memory:         memory.NewMeter(),
		WatchAddresses: s.watchAddresses(host),

		Sessions: sessionLog{s.source.options.AccessLog},
		HTTP: func(p *policy.Policy, l policy.HTTPListener, bound string) *http.Server {
			log := s.logs.Logger(targetHTTP)
			return web.NewServer(web.Handler(s.surface(p, l, bound, log)), log)
		},
	}
}

// wait returns when the daemon has ended: nil after a signal that asked for it.
func (s *service) wait(reloads *reloader, signals <-chan os.Signal) error {
	life, end := context.WithCancel(context.Background())
	defer end()
	ctx, cancel := context.WithCancel(life)
	go reloads.run(ctx)
	go s.history.Run(life)
	watched, unwatch := context.WithCancel(life)
	go s.watchdog(watched)
	defer unwatch()
	defer cancel()
	stopping, superseded := false, false
	for {
		select {
		case <-s.tree.Stopped():
			if !stopping && !superseded {
				return errTree
			}
			return s.end(signals)
		case s.successor = <-s.upgrade.done:
			superseded = true
			cancel() // nothing is reloaded here any more
			unwatch()
			go s.supersede(life, s.successor)
		case one := <-signals:
			switch {
			case upgrades(one):
				go s.upgrade.request(one.String())
			case superseded && ends(one) && !stopping:
				stopping = true
				s.log.Info("already on the way out", slog.String("signal", one.String()))
			case one == syscall.SIGHUP && !stopping && !superseded:
				reloads.request(one.String())
			case reopens(one):
				s.reopenAccessLog(one)
			case !ends(one):
				s.log.Warn("signal ignored", slog.String("signal", one.String()))
			case stopping:
				return errForced
			default:
				stopping = true
				cancel() // a reload under way
				s.beginEnd(one)
			}
		}
	}
}

// end gives the policies time for what they have to say at their end.
func (s *service) end(signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	closed := make(chan struct{})
	go s.awaitPolicies(ctx, closed)
	for {
		select {
		case <-closed:
			s.logs.Logger(targetStart).Info("Shutdown completed OK!")
			return nil
		case one := <-signals:
			if ends(one) {
				return errForced
			}
		}
	}
}

func (s *service) awaitPolicies(ctx context.Context, closed chan<- struct{}) {
	s.tree.AwaitPolicies(ctx)
	close(closed)
}

// undo ends a daemon that was to end before it had started.
func (r *reloader) undo() {
	r.tree.Stop()
	<-r.tree.Stopped()
}
