package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/accesslog"
	"github.com/troupe-proxy/troupe/internal/acctlog"
	"github.com/troupe-proxy/troupe/internal/kept"
	"github.com/troupe-proxy/troupe/internal/logging"
	"github.com/troupe-proxy/troupe/lua/examples"
	luaservice "github.com/troupe-proxy/troupe/lua/modules/service"
	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/web"
)

const (
	// loadDeadline bounds a load.
	loadDeadline = 30 * time.Second
	// loadGrace is how much longer a load that does not look at its deadline is
	// waited for.
	loadGrace = 2 * time.Second
	// largestFile is more than a policy may have.
	largestFile = 16 << 20
)

var (
	errLoading = errors.New("an earlier load of the policy has not come to its end")
	errHung    = fmt.Errorf("the policy did not come to its end within %v, and goes on", loadDeadline+loadGrace)
)

// source is where the policy comes from: a file, the flags, or the binary. Its
// methods may be called from any goroutine.
type source struct {
	flags   *flags
	options policy.Options
	busy    chan struct{} // holds the one load that may run
	// services has what the policies of the process share, one after the other.
	services *luaservice.Process
}

// loaded is a policy, with the texts that it was made of if they come from files.
type loaded struct {
	*policy.Policy
	files kept.Policy
	// fallback: it is not what the file says now, but what was kept.
	fallback bool
}

// text stands for what the policy was made of: two that have the same were made
// of the same.
func (l *loaded) text() string {
	if len(l.files.Files) > 0 {
		return l.files.Sum()
	}
	return l.SHA256
}

// newSource loads nothing yet. The caller closes it. It is called once in a
// process.
func newSource(f *flags, p process, logs *logging.Logging, m *actors.Metrics) *source {
	log := logs.Logger(targetLua)
	luaservice.RouteLibraryLogs(log)
	epoch := &atomic.Uint64{}
	services := policy.OpenServices(epoch)
	m.ShowCaches(services.CacheStats)
	access := accesslog.New(logs.Logger(targetMain), p.stdout)
	m.ShowAccessLog(accessLogCounts(access))
	return &source{flags: f, busy: make(chan struct{}, 1), services: services, options: policy.Options{
		AcctLog: acctlog.New(logs.Logger(targetMain)), AccessLog: access,
		Log: log, Version: version, Stdout: p.stdout, Deadline: loadDeadline, Meter: m.Lua,
		Sandbox:  f.sandbox,
		Services: services, Epoch: epoch, Figures: plainFigures(m),
		SetLogFilter: func(text string) error {
			filter, err := logging.ParseFilter(text)
			if err == nil {
				logs.SetFilter(filter)
			}
			return err
		},
	}}
}

// plainFigures gives Lua what /metrics.json shows. Nothing in it waits.
func plainFigures(m *actors.Metrics) func(context.Context) (any, error) {
	return func(context.Context) (any, error) {
		text, err := web.MetricsJSON(m.Gatherer())
		if text == nil {
			return nil, err
		}
		var figures any // what could be gathered, even if something could not
		return figures, json.Unmarshal(text, &figures)
	}
}

// close ends what the policies shared: logs, databases, caches, connections. The
// last policy is closed by then, or has used up its time, and no session is left.
func (s *source) close() {
	if !s.options.AccessLog.Close(lastWords) {
		s.options.Log.Warn("the access log could not be written to its end")
	}
	if !s.options.AcctLog.Close(lastWords) {
		s.options.Log.Warn("the accounting log could not be written to its end")
	}
	if err := s.services.Close(); err != nil {
		s.options.Log.Warn("what policies had open could not be closed", slog.Any("error", err))
	}
}

// load runs the policy as it is now. The caller closes it.
func (s *source) load(ctx context.Context) (*loaded, error) {
	return s.bounded(ctx, func(ctx context.Context) (*loaded, error) {
		switch {
		case s.flags.proxyConfig != "":
			return s.fromFile(ctx, s.flags.proxyConfig)
		case len(s.flags.listen) > 0:
			return wrap(policy.FromFlags(s.flags.listen, s.flags.timeout(), !s.flags.noSplice))
		}
		return wrap(policy.LoadSource(ctx, "(default policy)", examples.Default(), s.options))
	})
}

// loadKept runs a policy that was kept, under its own name.
func (s *source) loadKept(ctx context.Context, k kept.Policy) (*loaded, error) {
	return s.bounded(ctx, func(ctx context.Context) (*loaded, error) {
		p, err := policy.LoadSource(ctx, k.Name(), k.Files[0].Text, s.options)
		if err != nil {
			return nil, err
		}
		return &loaded{Policy: p, files: k, fallback: true}, nil
	})
}

func wrap(p *policy.Policy, err error) (*loaded, error) {
	if err != nil {
		return nil, err
	}
	return &loaded{Policy: p}, nil
}

func (s *source) fromFile(ctx context.Context, path string) (*loaded, error) {
	l, err := wrap(policy.Load(ctx, path, s.options))
	if err != nil {
		return nil, err
	}
	files, err := readFiles(l.Policy)
	if err != nil {
		// It is served all the same, and not kept: another load will be.
		s.options.Log.Warn("the files of the policy cannot be read again", slog.Any("error", err))
		return l, nil
	}
	l.files = files
	return l, nil
}

// readFiles reads what a policy was made of. Should the policy file be another
// one by now, that is an error.
func readFiles(p *policy.Policy) (files kept.Policy, err error) {
	for _, name := range p.Files {
		text, err := readFile(name)
		if err != nil {
			return kept.Policy{}, err
		}
		if sum := sha256.Sum256(text); name == p.Name && hex.EncodeToString(sum[:]) != p.SHA256 {
			return kept.Policy{}, fmt.Errorf("%s has changed since it was loaded", name)
		}
		files.Files = append(files.Files, kept.File{Name: name, Text: text})
	}
	kept.Sort(files.Files, p.Name)
	return files, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err == nil && len(text) > largestFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, largestFile)
	}
	return text, err
}

// outcome is how a load ended.
type outcome struct {
	loaded *loaded
	err    error
}

// bounded loads on a goroutine of its own. A policy may do what looks at no
// deadline: then it is not waited for, and no other load begins before its end.
func (s *source) bounded(ctx context.Context, load func(context.Context) (*loaded, error)) (*loaded, error) {
	select {
	case s.busy <- struct{}{}:
	default:
		return nil, errLoading
	}
	outcomes, abandoned := make(chan outcome), make(chan struct{})
	defer close(abandoned)
	go s.run(ctx, load, outcomes, abandoned)
	limit := time.NewTimer(loadDeadline + loadGrace)
	defer limit.Stop()
	select {
	case o := <-outcomes:
		return o.loaded, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-limit.C:
		return nil, errHung
	}
}

// run is the goroutine of one load. It closes a policy for which nobody waits any
// more.
func (s *source) run(ctx context.Context, load func(context.Context) (*loaded, error), outcomes chan<- outcome, abandoned <-chan struct{}) {
	l, err := load(ctx)
	<-s.busy // before whoever waits can want another
	select {
	case outcomes <- outcome{l, err}:
	case <-abandoned:
		if err == nil {
			l.Close()
		}
	}
}
