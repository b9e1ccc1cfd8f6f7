package actors

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// SourceStatus is a source as it was at some moment.
type SourceStatus struct {
	source.Status
	// PortsUsed is how much of the ports that it has towards one destination is in
	// use, at the destination where that is most: 0 to 1.
	PortsUsed float64
}

// Sources are all sending addresses that are known, by their addresses. No actor and
// no relay waits for that. It may be called from any goroutine.
func (s *System) Sources() []SourceStatus {
	used := s.portsUsed()
	statuses := s.config.Sources.Statuses(time.Now())
	all := make([]SourceStatus, len(statuses))
	for i, one := range statuses {
		all[i] = SourceStatus{one, used[one.Address]}
	}
	return all
}

// LookAtSource says of any address whether the host has it, as far as that is known
// without a bind, and what holds it back. No actor and no relay waits for that. It
// may be called from any goroutine.
func (s *System) LookAtSource(a netip.Addr) (source.Plumbing, source.Hold) {
	return s.config.Sources.Look(a, time.Now())
}

// portsUsed is for each source that is in use how much of its ports towards one
// destination is, where that is most. It counts sessions that relay: a port that
// waits for the last packets of an earlier one is not seen.
func (s *System) portsUsed() map[netip.Addr]float64 {
	type pair struct {
		from netip.Addr
		to   netip.AddrPort
	}
	sessions := make(map[pair]int)
	for _, c := range s.live.sessions.All() {
		if from, to := c.record.ends(); to.IsValid() {
			sessions[pair{from.Addr(), to}]++
		}
	}
	if len(sessions) == 0 {
		return nil
	}
	ports := float64(source.EphemeralPorts())
	used := make(map[netip.Addr]float64)
	for p, n := range sessions {
		used[p.from] = max(used[p.from], min(float64(n)/ports, 1))
	}
	return used
}

// ends are the two ends of the connection to the upstream, for any goroutine.
func (r *record) ends() (source, upstream netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source, r.upstream
}

// HeldSources is what a change of sources came to.
type HeldSources struct {
	source.Done
	// Unkept is why it holds until the next start only; nil: it is in the state
	// directory.
	Unkept error
}

// ChangeSources pauses, drains or resumes sources, and keeps that in the state
// directory. Where that fails it holds all the same, until the next start. It may be
// called from any goroutine but not in an actor's turn. The error wraps ErrStopping
// or source.ErrTooManyHolds; then nothing was done.
func (s *System) ChangeSources(ctx context.Context, c source.Change) (HeldSources, error) {
	answer := make(chan changedSources, 1)
	s.actors.Root.Send(s.actors.NewLocalPID(s.root.Id+"/"+sourcesName), &changeSources{change: c, answer: answer})
	var got changedSources
	select {
	case got = <-answer:
	case <-s.stopped:
		return HeldSources{}, ErrStopping
	case <-ctx.Done():
		return HeldSources{}, ctx.Err()
	}
	if got.err != nil {
		return HeldSources{}, got.err
	}
	held := HeldSources{Done: got.done}
	table := s.config.Sources
	held.Unkept = s.config.Holds.Save(func() []source.Hold { return table.Holds(time.Now()) })
	s.logChange(&held)
	return held, nil
}

// logChange says who has changed what.
func (s *System) logChange(h *HeldSources) {
	log := s.config.Log(targetActors)
	attrs := []any{
		slog.String("source", h.Network.String()), slog.String("standing", h.Standing.String()), slog.String("by", h.By),
		slog.Int("sources", len(h.Sources)), slog.Int64("sessions", h.Sessions),
	}
	if !h.Until.IsZero() {
		attrs = append(attrs, slog.Time("until", h.Until))
	}
	if h.Reason != "" {
		attrs = append(attrs, slog.String("reason", h.Reason))
	}
	log.Info("sources were changed by request", attrs...)
	if h.Unkept != nil {
		log.Error("what was decided about sources is not kept: it holds until the next start only",
			slog.String("source", h.Network.String()), slog.Any("error", h.Unkept))
	}
}

// knowSources lists the sources of a policy.
func (c *Config) knowSources(p *policy.Policy) {
	var all, free []netip.Prefix
	for i := range p.Listeners {
		all = append(all, p.Listeners[i].Rules.SourceNetworks()...)
		free = append(free, p.Listeners[i].Rules.FreebindNetworks()...)
	}
	c.Sources.KnowFree(free)
	for _, wide := range c.Sources.Know(all) {
		c.Log(targetActors).Debug("the sources of a network are listed as they are used, since it is a large one", slog.String("network", wide.String()))
	}
}
