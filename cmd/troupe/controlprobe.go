package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/probe"
	sources "github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/web"
)

var (
	errNoSources      = errors.New("sources: the policy names none, and none is listed: name them")
	errTooManySources = fmt.Errorf("sources: there are more than %d: name those that are meant", probe.MostTargets)
)

// probe tries sources. It ends when whoever asked leaves.
func (c control) probe(ctx context.Context, request web.ProbeRequest) ([]web.ProbedSource, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	addresses := request.Sources
	if request.All {
		addresses = append(r.usable(), addresses...)
	}
	targets, states := r.lookAt(addresses)
	switch {
	case len(targets) == 0:
		return nil, &web.Refused{Status: http.StatusUnprocessableEntity, Err: errNoSources}
	case len(targets) > probe.MostTargets:
		return nil, &web.Refused{Status: http.StatusUnprocessableEntity, Err: errTooManySources}
	}
	results, err := c.service.prober.Probe(ctx, probe.Request{Targets: targets, Host: request.Host, Port: request.Port, Echo: request.Echo})
	switch {
	case errors.Is(err, probe.ErrBusy):
		return nil, &web.Refused{Status: http.StatusConflict, Err: err}
	case err != nil:
		return nil, &web.Refused{Status: http.StatusUnprocessableEntity, Err: fmt.Errorf("to: %w", err)}
	}
	shown := make([]web.ProbedSource, len(results))
	failed := 0
	for i := range results {
		shown[i] = showProbed(&results[i], states[i])
		if targets[i].Freebind {
			shown[i].Plumbed = sources.Freebound.String()
		}
		if results[i].Failure != probe.None {
			failed++
		}
	}
	c.service.log.Info("sources were probed by request", slog.String("by", request.By), slog.String("host", request.Host),
		slog.Int("port", int(request.Port)), slog.Int("sources", len(results)), slog.Int("failed", failed))
	return shown, nil
}

// usable are the sources that all means: a client may have asked for what nobody has
// ever plumbed, and that is no trouble of ours.
func (r *reloader) usable() (all []netip.Addr) {
	for _, s := range r.tree.Sources() {
		if s.Known || s.Plumbing == sources.Plumbed {
			all = append(all, s.Address)
		}
	}
	return all
}

// lookAt says of each source, once, what is known of it before it is tried.
func (r *reloader) lookAt(addresses []netip.Addr) (targets []probe.Target, states []sources.Standing) {
	seen := make(map[netip.Addr]bool, len(addresses))
	for _, a := range addresses {
		if seen[a] {
			continue
		}
		seen[a] = true
		plumbing, hold := r.tree.LookAtSource(a)
		target := probe.Target{Source: a}
		switch plumbing {
		case sources.Plumbed:
			target.Plumbed = probe.Yes
		case sources.Unplumbed:
			target.Plumbed = probe.No
		case sources.Freebound:
			target.Freebind = true
		}
		targets = append(targets, target)
		states = append(states, hold.Standing)
	}
	return targets, states
}

// showProbed puts a result in the words of the API.
func showProbed(r *probe.Result, state sources.Standing) web.ProbedSource {
	one := web.ProbedSource{
		Address: r.Source, Plumbed: r.Plumbed.String(), State: state.String(), Route: r.Routed.String(), Destination: r.Destination,
		Connect: r.Connect, Banner: r.Banner, PTR: r.Names.PTR, Confirmed: r.Names.Confirmed, Seen: r.Seen, Failure: r.Failure.String(),
	}
	if r.Names.Err != nil {
		one.PTRError = r.Names.Err.Error()
	}
	if r.Err != nil {
		one.Error = r.Err.Error()
	}
	return one
}
