package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/sdnotify"
	"github.com/troupe-proxy/troupe/internal/watch"
	"github.com/troupe-proxy/troupe/web/pages"
)

// reloader loads the policy again and goes over to it. Whatever fails changes
// nothing. reload and request may be called from any goroutine.
type reloader struct {
	source  *source
	keeper  *keeper
	tree    *actors.System
	metrics *actors.PolicyMetrics
	watcher *watch.Watcher
	manager *sdnotify.Manager
	log     *slog.Logger

	turn   chan struct{} // holds the one reload that may run
	served *loaded       // of who has the turn
	asked  chan string   // why a reload is wanted; one is as good as many

	last atomic.Pointer[pages.Reload] // how reload ended last; nil: it has not been called
}

func newReloader(ctx context.Context, s *service, first *loaded) *reloader {
	r := &reloader{
		source: s.source, keeper: s.keeper, tree: s.tree, metrics: s.metrics.Policy, manager: s.manager, log: s.log,
		turn: make(chan struct{}, 1), served: first, asked: make(chan string, 1),
	}
	r.watcher = watch.New(watch.Options{Changed: func() { r.request("its files have changed") }, Log: s.log})
	r.serve(ctx, first, watch.Mark{})
	return r
}

// request asks for a reload and waits for nothing.
func (r *reloader) request(why string) {
	select {
	case r.asked <- why:
	default: // the one that is asked for already has not begun
	}
}

// run does what was asked for until ctx ends.
func (r *reloader) run(ctx context.Context) {
	go r.watcher.Run(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case why := <-r.asked:
			r.log.Info("reloading the policy", slog.String("why", why))
			_, _, _ = r.reload(ctx) // what is wrong is in the log
		}
	}
}

// reload reads certificates and policy anew and serves by them. With an error,
// which the log has too, the policy is what it was. It waits for an earlier call,
// as long as ctx lives.
func (r *reloader) reload(ctx context.Context) (actors.ReloadResult, actors.Difference, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return actors.ReloadFailed, actors.Difference{}, ctx.Err()
	}
	told(r.log, r.manager.Reloading())
	defer func() { told(r.log, r.manager.Ready()) }()
	// First, and whatever becomes of the policy: they expire. What is wrong with
	// one is in the log, and no reason to refuse the policy.
	_ = r.tree.ReloadCertificates()
	since := r.watcher.Mark(ctx)
	next, err := r.source.load(ctx)
	var d actors.Difference
	if err == nil {
		d, err = r.tree.Reload(ctx, next.Policy)
	}
	switch {
	case err != nil && (ctx.Err() != nil || errors.Is(err, actors.ErrStopping)):
		r.log.Info("the policy is not reloaded, since the proxy is shutting down")
		return actors.ReloadFailed, actors.Difference{}, err
	case err != nil:
		r.log.Error("the policy is not reloaded, the one before goes on", slog.Any("error", err))
		r.note(actors.ReloadFailed, err)
		r.metrics.Reloaded(actors.ReloadFailed)
		return actors.ReloadFailed, actors.Difference{}, err
	}
	result := actors.ReloadOK
	if d.Empty() && next.text() == r.served.text() && !r.served.fallback {
		result = actors.ReloadUnchanged
	}
	r.serve(ctx, next, since)
	r.tell(result, d)
	r.note(result, nil)
	r.metrics.Reloaded(result) // last: who waits for it finds the rest done
	return result, d, nil
}

// tell says what has changed, a line for each listener.
func (r *reloader) tell(result actors.ReloadResult, d actors.Difference) {
	for _, line := range d.Lines() {
		r.log.Info("policy: " + line)
	}
	r.log.Info("policy reloaded", slog.String("result", result.String()), slog.String("policy", r.served.Name),
		slog.String("sha256", r.served.SHA256))
}

// serve notes which policy is served now. since is how the files of the one before
// were when it was read.
func (r *reloader) serve(ctx context.Context, l *loaded, since watch.Mark) {
	r.served = l
	r.metrics.Serve(l.SHA256, l.fallback, time.Now())
	r.keeper.keep(l)
	if !l.Monitored() {
		r.watcher.Watch(nil, watch.Mark{})
		return
	}
	if !since.IsSet() {
		since = watch.Look(ctx, l.Watched)
	}
	r.watcher.Watch(l.Watched, since)
}
