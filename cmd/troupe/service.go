package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/logging"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/web"
)

// lastWords is how long policies may take to end once everything else has.
const lastWords = 5 * time.Second

// service is the daemon from its start to its end.
type service struct {
	network transport.Network
	logs    *logging.Logging
	metrics *actors.Metrics
	source  *source
	keeper  *keeper
	log     *slog.Logger
	tree    *actors.System
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
	config := s.config()
	sockets, err := actors.Open(ctx, &config, first.Policy)
	if err != nil {
		return nil, err
	}
	if s.tree, err = actors.Start(config, sockets); err != nil {
		return nil, err
	}
	return newReloader(ctx, s, first), nil
}

// config joins the parts: figures, transport, HTTP, actors.
func (s *service) config() actors.Config {
	return actors.Config{
		Network:  s.network,
		Resolver: net.DefaultResolver,
		Metrics:  s.metrics,
		Log:      s.logs.Logger,
		Slots:    sessionSlots(),
		HTTP: func(_ *policy.Policy, l policy.HTTPListener, bound string) *http.Server {
			log := s.logs.Logger(targetHTTP)
			return web.NewServer(web.Handler(web.Config{
				Gatherer:         s.metrics.Gatherer(),
				Status:           func() web.Status { return status(s.metrics.Ledger) },
				TrustedHosts:     l.TrustedHosts,
				Listener:         bound,
				Log:              log,
				RequestBodyLimit: l.RequestBodyLimit,
			}), log)
		},
	}
}

// status is how the listeners are that ought to accept.
func status(l *actors.Ledger) web.Status {
	var s web.Status
	for _, one := range l.Status() {
		if one.Draining {
			continue
		}
		s.Listeners = append(s.Listeners, web.ListenerStatus{
			Listener: one.Listener, Accepting: one.Accepting, Since: one.Since, Restarts: one.Restarts, Failure: one.Failure,
		})
	}
	return s
}

// wait returns when the daemon has ended: nil after a signal that asked for it.
func (s *service) wait(reloads *reloader, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go reloads.run(ctx)
	stopping := false
	for {
		select {
		case <-s.tree.Stopped():
			if !stopping {
				return errTree
			}
			return s.end(signals)
		case one := <-signals:
			switch {
			case one == syscall.SIGHUP && !stopping:
				reloads.request(one.String())
			case !ends(one):
				s.log.Warn("signal ignored", slog.String("signal", one.String()))
			case stopping:
				return errForced
			default:
				stopping = true
				cancel() // a reload under way
				s.tree.Stop()
				s.log.Info("shutting down", slog.String("signal", one.String()))
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
