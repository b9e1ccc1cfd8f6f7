package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
)

// measureOne measures the proxy that is running already.
func measureOne(ctx context.Context, o *options, b *board, progress io.Writer) error {
	p := &subject{name: "proxy", addr: o.proxy, forward: o.forward, pid: o.pid, credentials: o.credentials()}
	b.subjects = []string{p.name}
	if _, err := p.usage(); errors.Is(err, errNoUsage) {
		b.note("no processor time, memory or files: %v", err)
	} else if err != nil {
		return fmt.Errorf("--pid: %w", err)
	}
	for round := range o.rounds {
		for _, w := range o.selected {
			fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, o.rounds, w.name)
			out, err := o.measure(ctx, w, p)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			b.add(w, p.name, out, err)
		}
	}
	return nil
}

// measure runs one workload against one proxy, for no longer than the options
// allow.
func (o *options) measure(ctx context.Context, w workload, p *subject) (outcome, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("%w after %s", errLate, o.timeout))
	defer cancel()
	out, err := w.run(ctx, p, &o.sizes)
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err) // some call of package net has noticed first
	}
	return out, err
}

// errLate: a measurement took longer than --timeout allows.
var errLate = errors.New("not done")

// compare starts Troupe and its peers in turn and measures each.
func compare(ctx context.Context, o *options, b *board, progress io.Writer) error {
	troupe := o.troupe
	if troupe == "" {
		dir, err := os.MkdirTemp("", "troupe-bench-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		fmt.Fprintln(progress, "building troupe")
		if troupe, err = buildTroupe(ctx, dir); err != nil {
			return err
		}
	}
	if _, err := exec.LookPath(troupe); err != nil {
		return fmt.Errorf("--troupe: %w", err)
	}
	field := findPeers(troupe, o.self, b)
	for _, p := range field {
		b.subjects = append(b.subjects, p.name)
	}
	g, err := startGuard(o.self)
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	defer g.close()
	for round := range o.rounds {
		if err := o.playRound(ctx, b, g, round, field, progress); err != nil {
			return err
		}
	}
	return nil
}

// playRound measures every workload with every peer. The peers take turns at
// each workload, so that what disturbs the machine for a while disturbs all;
// the order turns with the round, so that none is always the first.
func (o *options) playRound(ctx context.Context, b *board, g *guard, round int, field []peer, progress io.Writer) error {
	turn := round % len(field)
	order := slices.Concat(field[turn:], field[:turn])
	for _, w := range o.selected {
		for _, p := range order {
			if b.settled(w, p.name) {
				continue
			}
			fmt.Fprintf(progress, "round %d of %d: %s, %s\n", round+1, o.rounds, w.name, p.name)
			out, err := o.measureFresh(ctx, g, w, &p)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			b.add(w, p.name, out, err)
		}
	}
	return nil
}

// measureFresh runs one workload against a process started for it: memory
// that another load left behind is not seen, nor a crash.
func (o *options) measureFresh(ctx context.Context, g *guard, w workload, p *peer) (outcome, error) {
	r, err := p.start(ctx, g, w.forward)
	switch {
	case errors.Is(err, errNotMeant):
		return outcome{}, err
	case err != nil:
		return outcome{}, fmt.Errorf("%w: %w", errNotStarted, err)
	}
	defer r.stop()
	out, err := o.measure(ctx, w, &r.subject)
	if err != nil && !errors.Is(err, errNotSpoken) {
		err = r.child.explain(err)
	}
	return out, err
}

// errNotStarted: the peer could not be started; there is no sense in trying
// it again.
var errNotStarted = errors.New("it could not be started")
