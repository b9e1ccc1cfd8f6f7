package actors

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// How many sessions are ended at once where that is allowed. What it comes to is
// known after a collection of garbage, so the share is larger for want of memory
// than for want of slots, which are free at once.
const (
	shareForMemory, fewestForMemory = 10, 10 // one of so many sessions, or so many
	shareForSlots, fewestForSlots   = 100, 1
	// idlersLook is when idle sessions are looked for again, where there were none: it
	// is a walk through all sessions, at a moment at which there are as many as can be.
	idlersLook = time.Second
)

// idler is a session that waits for its client.
type idler struct {
	*connection
	idle time.Duration
}

// shedIdle ends one of share sessions, or as many as fewest, those first in which
// nothing has moved for longest: such as wait for their client, and for so long that
// their listener allows it. One that waits for its upstream is never among them.
func (p *pressure) shedIdle(now time.Time, fewest, share int) {
	if now.Before(p.idlers) {
		return
	}
	open := p.live.sessions.All()
	var all []idler
	for _, c := range open {
		after := c.limits.most.ShedIdle
		if after == 0 || c.record.cut.Load() != 0 {
			continue
		}
		if idle, waits := c.waited(now); waits && idle >= after {
			all = append(all, idler{c, idle})
		}
	}
	slices.SortFunc(all, func(a, b idler) int { return cmp.Compare(b.idle, a.idle) })
	var cut Cut
	for _, one := range all[:min(max(fewest, len(open)/share), len(all))] {
		if one.isQuiet(now, one.limits.most.ShedIdle) { // it may have gone on meanwhile
			cut.end(one.connection, transport.Client, causeOverload)
		}
	}
	if cut.WaitedForClient == 0 {
		p.idlers = now.Add(idlersLook)
		return
	}
	if others, due := p.shed.due(now); due {
		p.log.Warn("idle sessions were ended for want of descriptors or memory", slog.Int("sessions", cut.WaitedForClient),
			slog.Int("earlier", others))
	}
}
