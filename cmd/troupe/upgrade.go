package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/handover"
	"github.com/troupe-proxy/troupe/internal/inherit"
)

var (
	errUpgrading     = errors.New("an upgrade is under way")
	errOldGeneration = errors.New("the process before this one still has sessions, and there may be one such")
	errSuperseded    = errors.New("another process serves here by now")
)

// upgrader hands this process's sockets over to a new one.
type upgrader struct {
	service *service
	program handover.Program
	err     error         // why there is no program
	limit   time.Duration // for a new process to serve
	turn    chan struct{} // holds the one upgrade that may run, and after it for ever
	done    chan *handover.Successor

	over context.Context // ended by end, when this process is to end
	end  context.CancelFunc
}

// upgraded is what an upgrade has come to.
type upgraded struct {
	old, new int // process ids
	left     actors.Drained
}

// newUpgrader notes what is to be started. It is called before the environment and
// the file of the program can have changed.
func newUpgrader(limit time.Duration) *upgrader {
	u := &upgrader{limit: limit, turn: make(chan struct{}, 1), done: make(chan *handover.Successor, 1)}
	u.over, u.end = context.WithCancel(context.Background())
	u.program.Args = os.Args
	u.program.Path, u.err = ownPath()
	// The watchdog of the successor is its own.
	gone := append(inherit.Variables(), handover.Variable, "WATCHDOG_PID")
	u.program.Env = slices.DeleteFunc(os.Environ(), func(one string) bool {
		name, _, _ := strings.Cut(one, "=")
		return slices.Contains(gone, name)
	})
	return u
}

// ownPath is where the program is: as it was called, if that leads there, since it
// may be a link that the installation of another version changes.
func ownPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	called, err := exec.LookPath(os.Args[0])
	if err != nil {
		return self, nil
	}
	if called, err = filepath.Abs(called); err == nil && isFile(called, self) {
		return called, nil
	}
	return self, nil
}

func isFile(a, b string) bool {
	one, erra := os.Stat(a)
	other, errb := os.Stat(b)
	return erra == nil && errb == nil && os.SameFile(one, other)
}

// busy says whether an upgrade is under way, or has been.
func (u *upgrader) busy() bool { return len(u.turn) > 0 }

// request upgrades because of a signal.
func (u *upgrader) request(why string) {
	_, err := u.upgrade(context.Background(), why)
	switch {
	case errors.Is(err, actors.ErrStopping):
		u.service.log.Info("not upgraded, since the proxy is shutting down", slog.String("by", why))
	case err != nil:
		u.service.log.Error("not upgraded, this process goes on", slog.String("by", why), slog.Any("error", err))
	}
}

// upgrade starts the program as it is installed now, and goes over to it. With an
// error nothing has changed. by is who asks for it.
func (u *upgrader) upgrade(ctx context.Context, by string) (upgraded, error) {
	s := u.service
	r := s.reloads.Load()
	switch {
	case u.err != nil:
		return upgraded{}, u.err
	case r == nil:
		return upgraded{}, errNotUp
	case s.origin.old != nil && s.origin.old.Lives():
		return upgraded{}, fmt.Errorf("%w: it is %d, and ends with its sessions or at the limit of its drain", errOldGeneration, s.origin.old.Hello().PID)
	}
	select {
	case u.turn <- struct{}{}:
	default:
		return upgraded{}, u.why()
	}
	s.log.Info("upgrading", slog.String("by", by), slog.String("program", u.program.Path))
	done, err := u.turnedOver(ctx, r)
	if err != nil {
		<-u.turn
		return upgraded{}, err
	}
	s.log.Info("upgraded, sessions go on here", slog.Int("new_pid", done.new),
		slog.Int("waiting_for_client", done.left.WaitingForClient), slog.Int("waiting_for_upstream", done.left.WaitingForUpstream))
	return done, nil
}

// why an upgrade cannot begin.
func (u *upgrader) why() error {
	if u.service.draining.Load() {
		return errSuperseded
	}
	return errUpgrading
}

// turnedOver has the turn of reloads meanwhile.
func (u *upgrader) turnedOver(ctx context.Context, r *reloader) (upgraded, error) {
	s := u.service
	ctx, cancel := context.WithTimeout(ctx, u.limit)
	defer cancel()
	defer context.AfterFunc(u.over, cancel)()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return upgraded{}, ctx.Err()
	}
	if s.draining.Load() {
		return upgraded{}, actors.ErrStopping
	}
	sockets, err := s.tree.BeginHandover(ctx)
	if err != nil {
		return upgraded{}, err
	}
	successor, err := u.start(ctx, sockets)
	if err == nil && !s.draining.CompareAndSwap(false, true) {
		successor.Abandon() // it has served for a moment, and nobody would tell it to end
		err = actors.ErrStopping
	}
	if err != nil {
		sockets.Abandon() // for which this process waits before it ends
		if s.draining.Load() {
			err = actors.ErrStopping
		}
		return upgraded{}, err
	}
	told(s.log, s.manager.MainPID(successor.PID()))
	sockets.Complete(context.WithoutCancel(ctx))
	u.done <- successor
	return upgraded{old: os.Getpid(), new: successor.PID(), left: s.tree.LimitSessions("", 0)}, nil
}

// start starts the successor and waits until it serves, or abandons it.
func (u *upgrader) start(ctx context.Context, sockets *actors.Handover) (*handover.Successor, error) {
	state, err := json.Marshal(handedOver{Filter: u.service.changedFilter(), Drained: sockets.Drained()})
	if err != nil {
		return nil, err
	}
	successor, err := handover.Launch(u.program, sockets.Sockets())
	if err != nil {
		return nil, err
	}
	err = successor.Prepare(ctx, handover.Hello{Version: version, Sockets: sockets.Sockets(), State: state})
	if err == nil {
		err = begin(ctx, successor, sockets)
	}
	if err != nil {
		successor.Abandon()
		return nil, err
	}
	return successor, nil
}

// changedFilter is the log filter if somebody has changed it, else "".
func (s *service) changedFilter() string {
	if now := s.logs.Filter().String(); now != s.filter {
		return now
	}
	return ""
}

// supersede is what is left to do once another process has the sockets: to answer
// for the sessions until they have ended.
func (s *service) supersede(ctx context.Context, to *handover.Successor) {
	go s.leave(ctx)
	if err := to.Serve(ctx, s.answers()); err != nil {
		s.log.Warn("the new process does not hear of the sessions that are left here", slog.Any("error", err))
	}
}

// leave ends this process once its sessions have ended, as after a signal.
func (s *service) leave(ctx context.Context) {
	s.tree.AwaitAnswers(ctx)   // whoever has asked for the upgrade is to hear of it
	p := &progress{log: s.log} // the service manager hears the other one
	s.tree.Shutdown(s.drainTimeout, p.tell)
}

// lastFigures tells the new process what this one has counted in the end.
func (s *service) lastFigures() {
	if s.successor == nil {
		return
	}
	if err := s.successor.Final(s.metrics.Snapshot); err != nil && !errors.Is(err, handover.ErrLost) {
		s.log.Warn("the new process was not told the last figures", slog.Any("error", err))
	}
}
