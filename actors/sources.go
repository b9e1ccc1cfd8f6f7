package actors

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/census"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/internal/task"
)

// sourcesActor decides what is decided about sources, and has an actor below it for
// each that the table lists. Sessions do not wait for it: they read the table, which
// outlives it. It alone changes the holds there.
type sourcesActor struct {
	table *source.Table
	watch func(ctx context.Context, changed func()) // nil: nobody tells of addresses
	live  *live
	log   *slog.Logger
	tap   Tap

	failures observer // of the children
	children map[netip.Addr]*actor.PID
	watching *task.Task
	timer    *time.Timer // until the next hold is over
	ending   bool        // the end of a child is that of all
}

// Receive implements actor.Actor.
func (a *sourcesActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		supervise.Contain(a.log, a.release)
		return
	case *actor.Stopped:
		return
	default:
		a.tap(KindSources, ctx.Message())
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *sourcesChanged:
		a.reconcile(ctx)
	case *addressesChanged:
		a.look(ctx)
	case *changeSources:
		a.change(ctx, m)
	case *holdsOver:
		a.expire(ctx)
	case *actor.Terminated:
		a.terminated(ctx, m.Who)
	case *task.Exit:
		if m.Task == a.watching && m.Err != nil {
			panic(m.Err)
		}
	}
}

func (a *sourcesActor) start(ctx actor.Context) {
	root, self := ctx.ActorSystem().Root, ctx.Self()
	a.failures = newObserver(KindSource, a.log)
	a.children = make(map[netip.Addr]*actor.PID)
	a.table.OnChange(func() { root.Send(self, &sourcesChanged{}) })
	a.reconcile(ctx)
	a.expire(ctx)
	if a.watch != nil {
		a.watching = task.Go(ctx, func(ctx context.Context) error {
			a.watch(ctx, func() { root.Send(self, &addressesChanged{}) })
			return nil
		})
	}
}

func (a *sourcesActor) release() {
	a.ending = true
	a.watching.Cancel()
	a.table.OnChange(func() {})
	a.stopTimer()
}

// reconcile gives each source that is listed an actor, and ends those of others.
func (a *sourcesActor) reconcile(ctx actor.Context) {
	a.table.Looked()
	listed := a.table.Listed()
	wanted := make(map[netip.Addr]bool, len(listed))
	for _, s := range listed {
		wanted[s.Address()] = true
	}
	for addr, pid := range a.children {
		if !wanted[addr] {
			delete(a.children, addr)
			ctx.Stop(pid)
		}
	}
	for _, s := range listed {
		if a.children[s.Address()] == nil {
			a.spawn(ctx, s)
		}
	}
}

// spawn starts the actor of a source. One of that name that is about to end is
// replaced when it has.
func (a *sourcesActor) spawn(ctx actor.Context, s *source.Source) {
	produce := func() actor.Actor { return &sourceActor{table: a.table, source: s, log: a.log, tap: a.tap} }
	mailbox := a.live.tree.Mailbox(KindSource.String(), census.Inboxes(a.failures), a.failures)
	pid, err := ctx.SpawnNamed(actor.PropsFromProducer(produce, actor.WithMailbox(mailbox)), "source-"+s.Address().String())
	if err == nil {
		a.children[s.Address()] = pid
	}
}

// terminated replaces a child that ended although its source is listed.
func (a *sourcesActor) terminated(ctx actor.Context, who *actor.PID) {
	if a.ending {
		return
	}
	for addr, pid := range a.children {
		if pid.Equal(who) {
			delete(a.children, addr)
		}
	}
	a.reconcile(ctx)
}

// HandleFailure implements actor.SupervisorStrategy for the children: they go on.
func (a *sourcesActor) HandleFailure(_ *actor.ActorSystem, parent actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	parent.ResumeChildren(child)
}

// look has each source see whether it is plumbed.
func (a *sourcesActor) look(ctx actor.Context) {
	for _, pid := range a.children {
		ctx.Send(pid, &lookAtAddress{})
	}
}

// change carries out what somebody has decided.
func (a *sourcesActor) change(ctx actor.Context, m *changeSources) {
	answer := changedSources{err: ErrStopping}
	defer func() { m.answer <- answer }() // also should it panic
	answer.done, answer.err = a.table.Apply(m.change, time.Now())
	a.expire(ctx)
}

// expire ends the holds whose time is up, and waits for the next.
func (a *sourcesActor) expire(ctx actor.Context) {
	now := time.Now()
	ended, next := a.table.Expire(now)
	for _, h := range ended {
		if h.Standing != source.Serving {
			a.log.Info("the time of a pause is up", slog.String("source", h.Network.String()), slog.String("was", h.Standing.String()),
				slog.String("reason", h.Reason), slog.String("by", h.By))
		}
	}
	a.stopTimer()
	if !next.IsZero() {
		root, self := ctx.ActorSystem().Root, ctx.Self()
		a.timer = time.AfterFunc(max(next.Sub(now), 0), func() { root.Send(self, &holdsOver{}) })
	}
}

func (a *sourcesActor) stopTimer() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
