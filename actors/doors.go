package actors

import (
	"context"
	"log/slog"
	"time"
)

// doorPatience is how long a client may have to wait in the queue of a socket that its
// opener keeps, while this process is about to end, before clients are taken again.
const doorPatience = 10 * time.Second

// shutdownName is who asks for the drain that a shutdown begins with.
const shutdownName = "the shutdown"

// doors are the listeners of a tree that is about to end whose sockets are kept by
// whoever has opened them, such as a service manager. To close those has nobody go
// elsewhere: clients are not refused, but wait in a queue that no process serves until
// this one has ended and the next one has begun, which may be minutes later.
//
// So clients are taken while there are sessions that were there when the doors were
// opened. Then they are closed, so that there can be an end: what has come meanwhile is
// ended like all sessions of a tree that is about to end. Should that take longer than
// the clients in the queue are to wait, the doors are opened anew. In the second half of
// the shutdown nobody is taken any more: what begins last has as long as that before it
// is cut, and to have a client wait is better than to cut a mail.
//
// One goroutine uses it, that of the shutdown.
type doors struct {
	system    *System
	listeners []string      // by their addresses
	limit     time.Time     // of the shutdown
	last      time.Time     // from which on nobody is taken
	patience  time.Duration // see doorPatience
	open      bool
	changed   time.Time // when they were opened or closed
}

// newDoors has listeners that take clients.
func newDoors(s *System, listeners []string, limit time.Time, patience time.Duration) *doors {
	now := time.Now()
	d := &doors{system: s, listeners: listeners, limit: limit, patience: patience, changed: now, open: len(listeners) > 0}
	d.last = limit.Add(-max(patience, limit.Sub(now)/2))
	if d.open {
		d.say("clients are taken until the sessions from before have ended, since whoever has opened the socket keeps it")
	}
	return d
}

// tend opens or closes the doors if that is due. It waits until that is done.
func (d *doors) tend(now time.Time) {
	late := !now.Before(d.last)
	switch {
	case d.open && (late || !d.someBefore()):
		d.change(false)
		d.say("no more clients are taken, those who come wait in the queue")
	case !d.open && len(d.listeners) > 0 && !late && now.Sub(d.changed) >= d.patience && d.system.config.Metrics.Ledger.active() > 0:
		d.change(true)
		d.say("clients are taken again, since there are sessions still and nobody is to wait for their end")
	}
}

// someBefore says whether there are sessions that were there before the doors were
// opened.
func (d *doors) someBefore() bool {
	for _, c := range d.system.live.sessions.All() {
		if c.record.since.Before(d.changed) {
			return true
		}
	}
	return false
}

// change opens or closes the doors, those that are there still.
func (d *doors) change(open bool) {
	ctx, cancel := context.WithDeadline(context.Background(), d.limit)
	defer cancel()
	for _, l := range d.listeners {
		answer, err := d.system.orderDrain(&drain{only: l, by: shutdownName, undo: open, last: true})
		if err != nil {
			continue // the listener is gone, or the tree is
		}
		d.system.awaitClosed(ctx, halted(answer.halts))
	}
	d.open, d.changed = open, time.Now()
}

func (d *doors) say(what string) {
	d.system.config.Log(targetActors).Info(what, slog.Any("listeners", d.listeners))
}
