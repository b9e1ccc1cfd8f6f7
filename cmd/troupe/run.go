package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/logging"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/examples"
	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/web"
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
	return exitCode(c.Execute(), p.stderr)
}

// serve runs until a signal ends it.
func serve(f *flags, p process) error {
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
	logs, closeLogs, err := openLogs(f, p)
	if err != nil {
		return err
	}
	defer closeLogs()
	log := logs.Logger(targetMain)
	log.Info("Version is " + version)
	tree, err := awaitStart(func(ctx context.Context) (*actors.System, error) {
		rules, err := loadPolicy(ctx, f, p, logs)
		if err != nil {
			return nil, err
		}
		if len(rules.Listeners) == 0 {
			log.Warn("the policy starts no proxy listener: nobody will be served", slog.String("policy", rules.Name))
		}
		return startTree(ctx, network, rules, logs)
	}, signals)
	if err != nil || tree == nil {
		return err
	}
	logs.Logger(targetStart).Info("initialization complete")
	return wait(tree, signals, log, logs.Logger(targetStart))
}

// awaitStart starts on a goroutine of its own, since a policy may do anything
// in the meantime and a signal has to end it all the same: nil and no error is
// a start that a signal ended.
func awaitStart(start func(context.Context) (*actors.System, error), signals <-chan os.Signal) (*actors.System, error) {
	type result struct {
		tree *actors.System
		err  error
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan result, 1)
	go func() {
		tree, err := start(ctx)
		started <- result{tree, err}
	}()
	for {
		select {
		case r := <-started:
			if ctx.Err() == nil {
				return r.tree, r.err
			}
			if r.tree != nil {
				r.tree.Stop()
				<-r.tree.Stopped()
			}
			return nil, nil
		case s := <-signals:
			switch {
			case !ends(s):
			case ctx.Err() != nil:
				return nil, errForced
			default:
				cancel()
			}
		}
	}
}

// ends reports whether a signal asks the daemon to end.
func ends(s os.Signal) bool { return s == os.Interrupt || s == syscall.SIGTERM }

// loadPolicy takes the policy from the file, the flags, or the binary.
func loadPolicy(ctx context.Context, f *flags, p process, logs *logging.Logging) (*policy.Policy, error) {
	o := policy.Options{Log: logs.Logger(targetLua), Version: version, Stdout: p.stdout}
	switch {
	case f.proxyConfig != "":
		return policy.Load(ctx, f.proxyConfig, o)
	case len(f.listen) > 0:
		return policy.FromFlags(f.listen, f.timeout(), !f.noSplice)
	}
	return policy.LoadSource(ctx, "(default policy)", examples.Default(), o)
}

// startTree joins the parts: figures, transport, HTTP, actors.
func startTree(ctx context.Context, network transport.Network, rules *policy.Policy, logs *logging.Logging) (*actors.System, error) {
	metrics := actors.NewMetrics(version)
	config := actors.Config{
		Network:  network,
		Resolver: net.DefaultResolver,
		Metrics:  metrics,
		Log:      logs.Logger,
		Slots:    sessionSlots(),
		HTTP: func(l policy.HTTPListener, bound string) *http.Server {
			log := logs.Logger(targetHTTP)
			return web.NewServer(web.Handler(web.Config{
				Gatherer:         metrics.Gatherer(),
				Status:           func() web.Status { return status(metrics.Ledger) },
				TrustedHosts:     l.TrustedHosts,
				Listener:         bound,
				Log:              log,
				RequestBodyLimit: l.RequestBodyLimit,
			}), log)
		},
	}
	sockets, err := actors.Open(ctx, &config, rules)
	if err != nil {
		return nil, err
	}
	return actors.Start(config, sockets)
}

func status(l *actors.Ledger) web.Status {
	var s web.Status
	for _, listener := range l.Status() {
		s.Listeners = append(s.Listeners, web.ListenerStatus(listener))
	}
	return s
}

// wait returns when the daemon has ended: nil after a signal that asked for it.
func wait(tree *actors.System, signals <-chan os.Signal, log, startLog *slog.Logger) error {
	stopping := false
	for {
		select {
		case <-tree.Stopped():
			if !stopping {
				return errTree
			}
			startLog.Info("Shutdown completed OK!")
			return nil
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				log.Info("reading the certificates anew", slog.String("signal", s.String()))
				_ = tree.ReloadCertificates() // what is wrong is in the log
			case !ends(s):
				log.Warn("signal ignored", slog.String("signal", s.String()))
			case stopping:
				return errForced
			default:
				stopping = true
				tree.Stop()
				log.Info("shutting down", slog.String("signal", s.String()))
			}
		}
	}
}
