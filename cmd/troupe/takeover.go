package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/handover"
	"github.com/troupe-proxy/troupe/internal/inherit"
	"github.com/troupe-proxy/troupe/internal/logging"
)

// releaseTime is how long the old process may take to close its sockets once this
// one serves them.
const releaseTime = 20 * time.Second

// handedOver is what goes from one process to the next besides sockets.
type handedOver struct {
	// Filter is the log filter, if somebody has changed it.
	Filter  string
	Drained []actors.DrainedListener
}

// origin is where this process has its listening sockets from.
type origin struct {
	sockets *inherit.Sockets // nil: there are none
	// old is the process that is taken over from; nil: this one is the first.
	old   *handover.Predecessor
	state handedOver
}

// findOrigin looks at what the process was started with: by another one of its kind,
// or by a service manager. It is called once, before anything else is opened.
func findOrigin(p process) (o origin, err error) {
	o.old, o.sockets, err = handover.FromEnvironment(p.lookup)
	if err == nil && o.old == nil {
		o.sockets, err = inherit.FromEnvironment(p.lookup, os.Getpid())
	}
	for _, name := range append(inherit.Variables(), handover.Variable) {
		_ = os.Unsetenv(name) // it can only fail for a name that cannot be
	}
	if err == nil && o.old != nil {
		err = json.Unmarshal(o.old.Hello().State, &o.state)
	}
	return o, err
}

// filter has the log filter that was handed over.
func (o *origin) filter(logs *logging.Logging) {
	if filter, err := logging.ParseFilter(o.state.Filter); o.state.Filter != "" && err == nil {
		logs.SetFilter(filter)
	}
}

// refuse tells the old process why this one does not take over.
func (o *origin) refuse(err error) {
	if o.old != nil && err != nil {
		o.old.Refuse(err)
	}
}

// discardSockets closes those that the policy has no use for.
func (s *service) discardSockets() {
	for _, one := range s.origin.sockets.Discard() {
		s.log.Warn("a socket that was passed on to this process is closed: no listener of the policy has its address",
			slog.String("socket", one.String()))
	}
}

// prepared waits for the word to serve, if another process does so yet.
func (s *service) prepared(ctx context.Context) error {
	if s.origin.old == nil {
		return nil
	}
	s.origin.old.Reported(s.heardFigures)
	return s.origin.old.Prepared(ctx)
}

// heardFigures is called by the line to the old process.
func (s *service) heardFigures(figures []byte, _ bool) {
	if err := s.metrics.Report(figures); err != nil {
		s.log.Warn("the figures of the old process cannot be read, those from before stay", slog.Any("error", err))
	}
}

// takeOver serves HTTP once nobody else does.
func (s *service) takeOver(ctx context.Context) {
	old := s.origin.old
	if old == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	if err := old.Ready(ctx); err != nil {
		s.log.Warn("the old process has not said that it serves nobody any more", slog.Any("error", err))
	}
	s.origin.sockets.Settle()
	s.metrics.Inherit(old.AskFigures)
	s.tree.ServeHTTP()
	s.log.Info("taken over", slog.Int("old_pid", old.Hello().PID), slog.String("old_version", old.Hello().Version))
	go s.outlive(old)
}

// outlive notes the end of the old process.
func (s *service) outlive(old *handover.Predecessor) {
	<-old.Ended()
	s.metrics.Inherited(time.Now())
	if err := old.Err(); err != nil {
		s.log.Warn("the old process has not told its last figures: those of its sessions that are missing are lost",
			slog.Int("old_pid", old.Hello().PID), slog.Any("error", err))
		return
	}
	s.log.Info("the old process has ended", slog.Int("old_pid", old.Hello().PID))
}
