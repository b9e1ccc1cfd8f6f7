package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/troupe-proxy/troupe/internal/census"
)

var (
	// ErrUnknownActor says that there is no actor of that path.
	ErrUnknownActor = errors.New("there is no such actor")
	// ErrActorEnded says that the actor has just ended.
	ErrActorEnded = errors.New("it has ended, so there is nothing to restart")
	// ErrRestarting says that an actor is about to be restarted already.
	ErrRestarting = errors.New("a restart is under way already")
	// ErrNotRestartable says that an actor of this kind is never restarted.
	ErrNotRestartable = errors.New("it cannot be restarted")
)

// RestartAsked is the failure of an actor that was restarted by request.
type RestartAsked struct{ By string }

func (r *RestartAsked) Error() string { return "restart asked for by " + r.By }

// Restarted says what a restart has done.
type Restarted struct {
	Path     string
	Kind     Kind
	What     string // for people
	Restarts uint64
}

// restartPatience is how long Restart waits to see the actor back. A parent may let
// one that fails often wait for longer.
const restartPatience = 2 * time.Second

// webFarewell is how long the web actor goes on, since it may be serving the very
// request to restart it.
const webFarewell = 100 * time.Millisecond

// whatRestartDid says what it means that a parent has brought a child back.
func whatRestartDid(k Kind) string {
	switch k {
	case KindListener:
		return "resumed: it goes on with its socket and its sessions; restart its acceptor to have it accept anew"
	case KindAcceptor:
		return "restarted: the socket and the sessions stay with the listener, and clients waited in the queue"
	case KindMetrics:
		return "restarted: all figures are kept"
	case KindSources:
		return "restarted: what is known of the sources and was decided about them is kept"
	case KindSource:
		return "resumed: what is known of it is kept"
	}
	return "restarted"
}

// Restart has the parent of an actor bring it back as it would after a panic of the
// actor, which is the same code: at once, or after a pause for one that has failed
// before. It waits until the actor is back or ctx ends, a little while at most. by is
// who asks for it.
//
// The error wraps ErrUnknownActor, ErrActorEnded, ErrRestarting or
// ErrNotRestartable, and then nothing was done. It may be called from any goroutine
// but not in an actor's turn.
func (s *System) Restart(ctx context.Context, path, by string) (Restarted, error) {
	kind, err := s.restartable(path)
	if err != nil {
		return Restarted{}, fmt.Errorf("%s: %w", path, err)
	}
	cause := &RestartAsked{By: by}
	s.config.Log(targetActors).Info("an actor is restarted by request", slog.String("actor", path), slog.String("by", by))
	if kind == KindWeb {
		return s.restartWeb(path, cause)
	}
	settled, err := s.live.tree.Fail(path, cause)
	if err != nil {
		return Restarted{}, fmt.Errorf("%s: %w", path, restartError(err))
	}
	patience := time.NewTimer(restartPatience)
	defer patience.Stop()
	done := Restarted{Path: path, Kind: kind, What: "will be restarted: its parent waits, since it has failed before"}
	select {
	case <-settled:
		done.What = whatRestartDid(kind)
	case <-patience.C:
	case <-ctx.Done():
	}
	now, err := s.live.tree.Actor(path)
	if err != nil {
		done.What = "stopped: its parent needs it no more"
	}
	done.Restarts = now.Restarts
	return done, nil
}

// restartWeb has that done a little later.
func (s *System) restartWeb(path string, cause error) (Restarted, error) {
	now, err := s.live.tree.Actor(path)
	switch {
	case err != nil:
		return Restarted{}, fmt.Errorf("%s: %w", path, restartError(err))
	case now.State != census.Running:
		return Restarted{}, fmt.Errorf("%s: %w", path, ErrRestarting)
	}
	time.AfterFunc(webFarewell, func() { _, _ = s.live.tree.Fail(path, cause) }) // it may have failed by itself
	return Restarted{
		Path: path, Kind: KindWeb, Restarts: now.Restarts,
		What: "is restarted once this is answered: other requests under way are cut off, later ones wait in the queue",
	}, nil
}

// restartable gives the kind of an actor that can be restarted.
func (s *System) restartable(path string) (Kind, error) {
	a, err := s.live.tree.Actor(path)
	if err != nil {
		if s.isConnection(path) {
			return 0, fmt.Errorf("%w: it is a connection, which is ended and not restarted", ErrNotRestartable)
		}
		return 0, restartError(err)
	}
	kind := kindOf(a.Kind)
	switch {
	case kind == KindSupervisor:
		return 0, fmt.Errorf("%w: it is the supervisor of all others", ErrNotRestartable)
	case a.State == census.Stopping:
		return 0, ErrActorEnded
	}
	return kind, nil
}

// isConnection reports whether a connection has that path.
func (s *System) isConnection(path string) bool {
	for _, c := range s.live.sessions.All() {
		if c.self.Id == path {
			return true
		}
	}
	return false
}

// restartError puts what the census says in the words of this package.
func restartError(err error) error {
	switch {
	case errors.Is(err, census.ErrUnknown):
		return ErrUnknownActor
	case errors.Is(err, census.ErrEnded):
		return ErrActorEnded
	case errors.Is(err, census.ErrUnderWay):
		return ErrRestarting
	}
	return fmt.Errorf("%w: %w", ErrNotRestartable, err)
}

// kindOf is the kind of that name.
func kindOf(name string) Kind {
	for k, n := range kindNames {
		if strings.EqualFold(n, name) {
			return Kind(k)
		}
	}
	return KindSupervisor // of which nothing can be asked
}
