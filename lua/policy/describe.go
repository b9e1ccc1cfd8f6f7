package policy

import (
	"cmp"
	"context"
	"slices"

	"github.com/troupe-proxy/troupe/lua/modules/aaa"
	"github.com/troupe-proxy/troupe/lua/modules/core"
	"github.com/troupe-proxy/troupe/lua/modules/data"
	"github.com/troupe-proxy/troupe/lua/modules/service"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// Registration is a handler that a policy has, and where it registers it.
type Registration struct {
	Event string
	At    Position
}

// Registrations are the handlers of the policy, in the order of the file. It runs
// the top level of the policy in a state of its own, as for the first client, and
// the error is what such a client would meet.
func (p *Policy) Registrations(ctx context.Context) ([]Registration, error) {
	if p.Hooks == nil {
		return nil, nil
	}
	var all []Registration
	err := p.Hooks.nested.Do(ctx, "", func(_ context.Context, s *state) error {
		for event, h := range s.handlers {
			for _, one := range slices.Concat([]handler{h}, h.further) {
				all = append(all, Registration{Event: event, At: one.at})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Registration) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), a.At.Line-b.At.Line, cmp.Compare(a.Event, b.Event))
	})
	return all, nil
}

// Events are those that happen by themselves; others are named by key sources,
// tasks and handlers.
func Events() []string { return served() }

// Reference describes every module that a policy can require, for documentation.
// Its functions are not to be called: they have no daemon around them.
func Reference() []spec.Module {
	process := &core.Process{
		Limits:       pool.NewLimits(),
		Globs:        core.NewGlobs(),
		SetLogFilter: func(string) error { return nil },
		Figures:      func(context.Context) (any, error) { return nil, nil },
		Bump:         func() {},
	}
	services := service.NewProcess(service.Options{}) // it opens nothing until a function is called
	return slices.Concat(Modules(), process.Modules(), data.Modules(data.Options{}), services.Modules(), new(aaa.Process).Modules())
}
