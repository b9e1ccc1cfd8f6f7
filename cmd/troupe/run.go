package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/probe"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// Log targets of the daemon as a whole, named as in KumoMTA's proxy-server.
const (
	targetMain  = "proxy_server"
	targetStart = "kumo_server_common::start"
	targetLua   = "lua"
	targetHTTP  = "kumo_server_common::http_server"
)

// process is what the daemon has of the operating system besides sockets.
type process struct {
	stdout, stderr io.Writer
	lookup         func(name string) (string, bool)
}

var (
	errForced = errors.New("a second signal ended the shutdown")
	errTree   = errors.New("the supervisor ended unasked")
)

// run is the daemon from its arguments to its exit code.
func run(args []string, p process) int {
	c := newCommand(func(f *flags) error { return serve(f, p) })
	c.SetArgs(args)
	c.SetOut(p.stdout)
	c.SetErr(p.stderr)
	ran, err := c.ExecuteC()
	return exitCode(ran, err, p.stderr)
}

// serve runs until a signal ends it.
func serve(f *flags, p process) (err error) {
	if asked, err := f.dump(p); asked {
		return err
	}
	// First, so that a signal during the start is not lost.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, handled()...)
	defer signal.Stop(signals)
	ignoreBrokenPipes()

	network, err := transport.Choose(f.transport)
	if errors.Is(err, transport.ErrUnknown) {
		return usageError{fmt.Errorf("--transport: %w", err)}
	}
	if err != nil {
		return err
	}
	upgrade := newUpgrader(f.upgradeTimeout)
	from, err := findOrigin(p)
	if err != nil {
		return err
	}
	defer func() { from.refuse(err) }()
	logs, closeLogs, err := openLogs(f, p)
	if err != nil {
		return err
	}
	defer closeLogs()
	metrics := actors.NewMetrics(version)
	s := &service{
		network: network, origin: from, upgrade: upgrade, logs: logs, metrics: metrics, log: logs.Logger(targetMain),
		source: newSource(f, p, logs, metrics), machine: describeMachine(time.Now()),
		history: newHistory(metrics, logs.Logger(targetHTTP)), prober: probe.New(net.DefaultResolver),

		manager: openManager(p, logs.Logger(targetMain)), drainTimeout: f.drainTimeout,
	}
	upgrade.service, s.filter = s, logs.Filter().String()
	from.filter(logs)
	defer s.lastFigures()
	defer s.source.close()
	if f.dryRun {
		_, err := interruptible(signals, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, dryRun(ctx, s.source, p)
		}, func(struct{}) {})
		return err
	}
	s.log.Info("Version is " + version)
	metrics.ShowCgroupLimit(limitMemory(os.DirFS("/"), p.lookup, debug.SetMemoryLimit, s.log))
	s.keeper = openKeeper(f, p, s.log)
	s.keeper.strict = s.keeper.strict || from.old != nil // the one that runs has a policy that works
	reloads, err := interruptible(signals, s.start, (*reloader).undo)
	if err != nil || reloads == nil {
		return err
	}
	logs.Logger(targetStart).Info("initialization complete")
	told(s.log, s.manager.Ready())
	return s.wait(reloads, signals)
}

// interruptible starts on a goroutine of its own, since a policy may do anything
// in the meantime and a signal has to end it all the same: nil and no error is
// a start that a signal ended, and what had started by then is undone.
func interruptible[T any](signals <-chan os.Signal, start func(context.Context) (T, error), undo func(T)) (none T, err error) {
	type result struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan result, 1)
	go func() {
		value, err := start(ctx)
		started <- result{value, err}
	}()
	for {
		select {
		case r := <-started:
			if ctx.Err() == nil {
				return r.value, r.err
			}
			if r.err == nil {
				undo(r.value)
			}
			return none, nil
		case s := <-signals:
			switch {
			case !ends(s):
			case ctx.Err() != nil:
				return none, errForced
			default:
				cancel()
			}
		}
	}
}

// ends reports whether a signal asks the daemon to end.
func ends(s os.Signal) bool { return s == os.Interrupt || s == syscall.SIGTERM }
