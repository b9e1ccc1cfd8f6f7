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

	logs, closeLogs, err := openLogs(f, p)
	if err != nil {
		return err
	}
	defer closeLogs()
	log := logs.Logger(targetStart)
	logs.Logger(targetMain).Info("Version is " + version)

	ctx := context.Background()
	rules, err := loadPolicy(ctx, f, p, logs)
	if err != nil {
		return err
	}
	network, err := transport.Choose(f.transport)
	if errors.Is(err, transport.ErrUnknown) {
		return usageError{fmt.Errorf("--transport: %w", err)}
	}
	if err != nil {
		return err
	}
	tree, err := startTree(ctx, network, rules, logs)
	if err != nil {
		return err
	}
	log.Info("initialization complete")
	return wait(tree, signals, logs.Logger(targetMain), log)
}

// loadPolicy takes the policy from the file, the flags, or the binary.
func loadPolicy(ctx context.Context, f *flags, p process, logs *logging.Logging) (*policy.Policy, error) {
	o := policy.Options{Log: logs.Logger("lua"), Version: version, Stdout: p.stdout}
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
			log := logs.Logger("kumo_server_common::http_server")
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

// openLogs sets up the log as flags and environment say. The caller closes it.
func openLogs(f *flags, p process) (logs *logging.Logging, closeLogs func(), err error) {
	filter, err := logging.FilterFromEnv(p.lookup)
	if err != nil {
		return nil, nil, err
	}
	o := logging.Options{Writer: p.stderr, Format: f.diagFormat, Filter: filter, Color: colored(p)}
	closeLogs = func() {}
	var files *logging.HourlyFiles
	if f.diagLogDir != "" {
		files = logging.Directory(f.diagLogDir, nil)
		o.Writer, o.Color = files, false
		closeLogs = func() {
			if err := files.Close(); err != nil {
				fmt.Fprintf(p.stderr, "closing the log: %v\n", err)
			}
		}
	}
	logs, err = logging.New(o)
	if errors.Is(err, logging.ErrFormat) {
		err = usageError{err}
	}
	if err != nil || files == nil {
		return logs, closeLogs, err
	}
	// Now, so that a directory that cannot be written is not found out on the
	// day the log is needed.
	if err := files.Reopen(); err != nil {
		return nil, nil, fmt.Errorf("--diag-log-dir: %w", err)
	}
	return logs, closeLogs, nil
}

// colored reports whether the log is read by a person at a terminal who has
// not asked for plain text (no-color.org).
func colored(p process) bool {
	if none, _ := p.lookup("NO_COLOR"); none != "" {
		return false
	}
	f, ok := p.stderr.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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
			case s != os.Interrupt && s != syscall.SIGTERM:
				log.Warn("signal ignored", slog.String("signal", s.String()))
			case stopping:
				return errForced
			default:
				stopping = true
				log.Info("shutting down", slog.String("signal", s.String()))
				tree.Stop()
			}
		}
	}
}
