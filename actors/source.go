package actors

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/source"
)

// sourceActor watches over one sending address. It rests until something about the
// machine's addresses changes. What is counted of the source is in the table.
type sourceActor struct {
	table    *source.Table
	source   *source.Source
	log      *slog.Logger
	tap      Tap
	plumbing source.Plumbing
	flaps    flaps
}

// Receive implements actor.Actor.
func (a *sourceActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		return
	default:
		a.tap(KindSource, ctx.Message())
	}
	switch ctx.Message().(type) {
	case *actor.Started:
		a.plumbing = a.table.Plumbing(a.source)
	case *lookAtAddress:
		a.look(time.Now())
	}
}

// look tells when the address was removed or has come back.
func (a *sourceActor) look(now time.Time) {
	before := a.plumbing
	a.plumbing = a.table.Plumbing(a.source)
	if a.plumbing == before || before == source.PlumbingUnknown || a.plumbing == source.PlumbingUnknown {
		return
	}
	if before != source.Unplumbed && a.plumbing != source.Unplumbed {
		return // it can be used either way
	}
	address := slog.String("source", a.source.Address().String())
	switch say, last := a.flaps.change(now); {
	case !say:
	case last:
		a.log.Warn("the address of a source comes and goes: this is said again once it has stayed as it is for a while", address)
	case a.plumbing == source.Unplumbed:
		a.log.Warn("the address of a source is gone: it is not used until it is back", address)
	default:
		a.log.Info("the address of a source is there", address)
	}
}

const (
	// flapMost is how many changes are told in a row.
	flapMost = 5
	// flapCalm is how long nothing must change for the next change to be told again.
	flapCalm = time.Minute
)

// flaps spares the log an address that comes and goes.
type flaps struct {
	count int
	last  time.Time
}

// change notes one, and says whether to tell it, and whether it is the last to be
// told.
func (f *flaps) change(now time.Time) (say, last bool) {
	if now.Sub(f.last) >= flapCalm {
		f.count = 0
	}
	f.count++
	f.last = now
	return f.count <= flapMost, f.count == flapMost
}
