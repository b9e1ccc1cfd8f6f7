package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/machineinfo"
	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/web"
)

// surface is what the HTTP listener l of a policy says and may set off.
func (s *service) surface(p *policy.Policy, l policy.HTTPListener, bound string, log *slog.Logger) web.Config {
	c := web.Config{
		Gatherer:         s.metrics.Gatherer(),
		Status:           func() web.Status { return status(s.metrics.Ledger) },
		SetLogFilter:     s.source.options.SetLogFilter,
		BumpEpoch:        func() { s.bump(p) },
		Alive:            s.alive(),
		Draining:         s.draining.Load,
		Control:          s.newControl(),
		Operator:         s.operator(),
		Machine:          s.machine,
		Memory:           s.held,
		TrustedHosts:     l.TrustedHosts,
		Hostname:         l.Hostname,
		AllowedHosts:     l.AllowedHosts,
		Listener:         bound,
		Log:              log,
		RequestBodyLimit: l.RequestBodyLimit,
		Version:          version,
	}
	c.Access = c.PolicyAccess(p.Hooks)
	return c
}

// status is how the listeners are that ought to accept.
func status(l *actors.Ledger) web.Status {
	var s web.Status
	for _, one := range l.Status() {
		if one.Draining {
			continue
		}
		s.Listeners = append(s.Listeners, web.ListenerStatus{
			Listener: one.Listener, Accepting: one.Accepting, Drained: one.Drained,
			Since: one.Since, Restarts: one.Restarts, Failure: one.Failure,
		})
	}
	return s
}

// bump has what p computed computed anew, and the policy read again: who asks for
// it has changed something that the policy is made from.
func (s *service) bump(p *policy.Policy) {
	p.Hooks.Bump()
	if r := s.reloads.Load(); r != nil {
		r.request("its epoch was bumped")
	}
}

// alive asks the event loops of the transport, if it has any.
func (s *service) alive() func(context.Context) error {
	if loops, ok := s.network.(interface {
		Alive(ctx context.Context) error
	}); ok {
		return loops.Alive
	}
	return nil
}

// describeMachine reads the machine's description when first asked for it.
func describeMachine(started time.Time) func() (machineinfo.Info, bool) {
	read := sync.OnceValue(machineinfo.Host(version, started).Read)
	return func() (machineinfo.Info, bool) { return read(), true }
}

// held is what the pools of the daemon hold.
func (s *service) held() []web.Held {
	lua := s.metrics.Lua.Snapshot()
	return []web.Held{
		{What: "Lua states", Count: lua.States},
		{What: "Lua states that are spare", Count: lua.Spare},
		{What: "Lua states that are abandoned", Count: lua.Abandoned},
	}
}
