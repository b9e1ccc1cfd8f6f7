package main

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/accesslog"
	"github.com/troupe-proxy/troupe/internal/limit"
	sources "github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/web"
)

// errNotUp says that the daemon is about to be up, or has not long to live.
var errNotUp = errors.New("the proxy is not up yet")

// control is what an operator may look at and set off, over HTTP. Requests come
// while the daemon starts, too.
type control struct{ service *service }

// newControl gives the HTTP surface its functions.
func (s *service) newControl() *web.Control {
	c := control{s}
	return &web.Control{
		Tree: c.tree, Restart: c.restart, Sessions: c.sessions, SourceRule: c.sourceRule, EndSessions: c.endSessions,
		Sources: c.sources, ChangeSources: c.changeSources, Probe: c.probe, BusyDestinations: c.busyDestinations,
		Reload: c.reload, Drain: c.drain, Undrain: c.undrain, Upgrade: c.upgrade, ReopenLog: c.reopenLog,
		Bans: c.bans, Unban: c.unban,
	}
}

// running is the reloader of a daemon that is up, which has the tree.
func (c control) running() (*reloader, error) {
	if r := c.service.reloads.Load(); r != nil {
		return r, nil
	}
	return nil, &web.Refused{Status: http.StatusServiceUnavailable, Err: errNotUp}
}

func (c control) tree(q web.TreeQuery) (web.Node, error) {
	r, err := c.running()
	if err != nil {
		return web.Node{}, err
	}
	root, err := r.tree.Tree(actors.TreeQuery{Path: q.Path, Depth: q.Depth, Budget: q.Connections, After: q.After})
	if err != nil {
		return web.Node{}, refusal(err)
	}
	return showNode(root), nil
}

// showNode puts a node in the words of the API.
func showNode(n actors.Node) web.Node {
	shown := web.Node{
		Path: n.Path, Kind: n.Kind.String(), State: n.State, Since: n.Since, Restarts: n.Restarts, Mailbox: n.Mailbox,
		Children: make([]web.Node, 0, len(n.Children)), Next: n.Next,
	}
	if n.Failure != nil {
		shown.LastFailure = &web.Failure{At: n.FailedAt, Error: n.Failure.Error()}
	}
	for _, child := range n.Children {
		shown.Children = append(shown.Children, showNode(child))
	}
	if len(n.Connections) > 0 {
		shown.Summarised = &web.LeftOut{ByPhase: n.Connections}
		for _, count := range n.Connections {
			shown.Summarised.Connections += count
		}
	}
	if n.Sources > 0 {
		if shown.Summarised == nil {
			shown.Summarised = &web.LeftOut{ByPhase: map[string]int{}}
		}
		shown.Summarised.Sources = n.Sources
	}
	return shown
}

func (c control) restart(ctx context.Context, path, by string) (web.Restarted, error) {
	r, err := c.running()
	if err != nil {
		return web.Restarted{}, err
	}
	done, err := r.tree.Restart(ctx, path, by)
	if err != nil {
		return web.Restarted{}, refusal(err)
	}
	return web.Restarted{Path: done.Path, Kind: done.Kind.String(), What: done.What, Restarts: done.Restarts}, nil
}

func (c control) sessions() iter.Seq[web.Session] {
	return func(yield func(web.Session) bool) {
		r, err := c.running()
		if err != nil {
			return // there are none that anybody could know of
		}
		for s := range r.tree.Sessions() {
			if !yield(web.Session(s)) {
				return
			}
		}
		for _, s := range askOld[[]actors.Session](c.service, topicSessions, nil) {
			s.Old = true
			if !yield(web.Session(s)) {
				return
			}
		}
	}
}

func (c control) sourceRule(id uint64) string {
	r, err := c.running()
	if err != nil {
		return ""
	}
	return r.tree.SourceRule(id)
}

func (c control) endSessions(ids []uint64, by string) web.Ended {
	r, err := c.running()
	if err != nil {
		return web.Ended{}
	}
	cut := r.tree.EndSessions(ids, by)
	old := askOld[actors.Cut](c.service, topicEnd, endQuestion{IDs: ids, By: by})
	return web.Ended{
		WaitingForClient: cut.WaitedForClient + old.WaitedForClient, WaitingForUpstream: cut.WaitedForUpstream + old.WaitedForUpstream,
	}
}

// reload goes on should the client not wait for it: half a reload there is not.
func (c control) reload(ctx context.Context) (web.Reloaded, error) {
	r, err := c.running()
	if err != nil {
		return web.Reloaded{}, err
	}
	result, d, err := r.reload(context.WithoutCancel(ctx))
	switch {
	case errors.Is(err, actors.ErrStopping):
		return web.Reloaded{}, refusal(err)
	case err != nil:
		return web.Reloaded{}, &web.Refused{Status: http.StatusUnprocessableEntity, Err: err}
	}
	difference := web.Difference{Added: some(d.Added), Changed: some(d.Changed), Removed: some(d.Removed), Unchanged: d.Unchanged}
	return web.Reloaded{Result: result.String(), Difference: difference}, nil
}

// some is a list that is there, though it may be empty.
func some(list []string) []string { return append([]string{}, list...) }

func (c control) drain(ctx context.Context, listener string, limit time.Duration, by string) (web.Drained, error) {
	r, err := c.running()
	if err != nil {
		return web.Drained{}, err
	}
	if c.service.upgrade.busy() {
		return web.Drained{}, refusal(c.service.upgrade.why())
	}
	return c.withOld(listener, limit)(r.tree.Drain(ctx, listener, limit, by))
}

func (c control) undrain(ctx context.Context, listener, by string) (web.Drained, error) {
	r, err := c.running()
	if err != nil {
		return web.Drained{}, err
	}
	if c.service.upgrade.busy() {
		return web.Drained{}, refusal(c.service.upgrade.why())
	}
	return c.withOld(listener, 0)(r.tree.Undrain(ctx, listener, by))
}

// withOld has the limit of a drain hold for the sessions of the old process too, if
// there is one still.
func (c control) withOld(listener string, limit time.Duration) func(actors.Drained, error) (web.Drained, error) {
	return func(d actors.Drained, err error) (web.Drained, error) {
		if err == nil {
			old := askOld[actors.Drained](c.service, topicDrain, drainQuestion{Listener: listener, Limit: limit})
			d.WaitingForClient += old.WaitingForClient
			d.WaitingForUpstream += old.WaitingForUpstream
		}
		return drained(d, err)
	}
}

func drained(d actors.Drained, err error) (web.Drained, error) {
	if err != nil {
		return web.Drained{}, refusal(err)
	}
	return web.Drained{
		Listeners: some(d.Listeners), Sessions: d.WaitingForClient + d.WaitingForUpstream,
		WaitingForClient: d.WaitingForClient, WaitingForUpstream: d.WaitingForUpstream,
	}, nil
}

// refusal gives an error of the tree the status of its answer. Others are faults of
// ours.
func refusal(err error) error {
	for _, one := range []struct {
		is     error
		status int
	}{
		{actors.ErrUnknownActor, http.StatusNotFound},
		{actors.ErrActorEnded, http.StatusNotFound},
		{actors.ErrUnknownListener, http.StatusNotFound},
		{sources.ErrTooManyHolds, http.StatusUnprocessableEntity},
		{actors.ErrCursor, http.StatusBadRequest},
		{actors.ErrRestarting, http.StatusConflict},
		{actors.ErrNotRestartable, http.StatusUnprocessableEntity},
		{actors.ErrStopping, http.StatusServiceUnavailable},
		{errNotUp, http.StatusServiceUnavailable},
		{errUpgrading, http.StatusConflict},
		{errOldGeneration, http.StatusConflict},
		{errSuperseded, http.StatusConflict},
		{errors.ErrUnsupported, http.StatusNotImplemented},
		{syscall.EADDRINUSE, http.StatusConflict},
		{syscall.EADDRNOTAVAIL, http.StatusConflict},
	} {
		if errors.Is(err, one.is) {
			return &web.Refused{Status: one.status, Err: err}
		}
	}
	return err
}

func (c control) bans() (all []web.Ban) {
	r, err := c.running()
	if err != nil {
		return nil // nobody could have failed yet
	}
	for _, b := range r.tree.Bans() {
		all = append(all, web.Ban{Client: b.Client, User: b.User, Failures: b.Failures, Since: b.Since, Until: b.Until})
	}
	return all
}

func (c control) unban(client netip.Prefix, user, by string) bool {
	r, err := c.running()
	return err == nil && r.tree.Unban(limit.Offender{Client: client, User: user}, by)
}

func (c control) reopenLog(ctx context.Context) error {
	err := c.service.source.options.AccessLog.Reopen(ctx)
	askOld[any](c.service, topicReopen, nil)
	if errors.Is(err, accesslog.ErrNone) {
		return &web.Refused{Status: http.StatusConflict, Err: err}
	}
	return err
}
