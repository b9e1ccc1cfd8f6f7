package main

import (
	"context"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/egress"
	sources "github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/web"
)

func (c control) sources() ([]web.Source, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	all := r.tree.Sources()
	shown := make([]web.Source, len(all))
	for i := range all {
		shown[i] = showSource(&all[i], now)
	}
	return shown, nil
}

// showDials has them by the names of their results.
func showDials(dials []uint64) map[string]uint64 {
	all := make(map[string]uint64, len(dials))
	for i, result := range egress.Results() {
		all[result.String()] = dials[i]
	}
	return all
}

func showGreetings(by *[sources.Classes]uint64) web.Greetings {
	return web.Greetings{
		Positive: by[sources.Positive], Transient: by[sources.Transient], Permanent: by[sources.Permanent], None: by[sources.Silent],
	}
}

// showSource puts a source in the words of the API.
func showSource(s *actors.SourceStatus, now time.Time) web.Source {
	one := web.Source{
		Address: s.Address, Known: s.Known, Plumbed: s.Plumbing.String(), State: s.Hold.Standing.String(),
		Sessions: s.Sessions, Dials: showDials(s.Dials), Greetings: showGreetings(&s.Greetings),
		LastSuccess: s.LastSuccess, PortsUsed: s.PortsUsed, Trouble: s.Trouble(now),
	}
	if s.Hold.Standing != sources.Serving {
		one.Since, one.Until, one.Reason, one.By = s.Hold.Since, s.Hold.Until, s.Hold.Reason, s.Hold.By
	}
	one.Connected, one.Tried = s.Tried()
	if s.Refusal != nil {
		one.RefusalText, one.RefusalAt, one.RefusalFrom = s.Refusal.Text, s.Refusal.At, s.Refusal.From
	}
	return one
}

// changeSources goes on should the client not wait for it.
func (c control) changeSources(ctx context.Context, change web.SourceChange) (web.ChangedSources, error) {
	r, err := c.running()
	if err != nil {
		return web.ChangedSources{}, err
	}
	if c.service.upgrade.busy() {
		return web.ChangedSources{}, refusal(c.service.upgrade.why()) // it might come too late to go over
	}
	standing, _ := sources.ParseStanding(change.State) // the surface has no other
	network, _ := sources.Canonical(change.Network)
	done, err := r.tree.ChangeSources(context.WithoutCancel(ctx), sources.Change{
		Network: network, Standing: standing, For: change.For, Reason: change.Reason, By: change.By,
	})
	if err != nil {
		return web.ChangedSources{}, refusal(err)
	}
	shown := web.ChangedSources{
		Network: network.String(), State: standing.String(), Sources: []string{},
		Sessions: done.Sessions, Ended: len(done.Ended), Kept: done.Unkept == nil,
	}
	if !done.Until.IsZero() {
		shown.Until = &done.Until
	}
	for _, a := range done.Sources {
		shown.Sources = append(shown.Sources, a.String())
	}
	if done.Unkept != nil {
		shown.Note = "it holds until the next start only: " + done.Unkept.Error()
	}
	return shown, nil
}
