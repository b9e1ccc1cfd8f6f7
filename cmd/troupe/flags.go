package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
	"github.com/troupe-proxy/troupe/lua/duration"
)

// flags are what can be said on the command line. Those that KumoMTA's
// proxy-server has keep their names and meaning.
type flags struct {
	proxyConfig    string
	listen         []string
	noSplice       bool
	timeoutSeconds uint64
	drainTimeout   time.Duration
	upgradeTimeout time.Duration
	transport      string
	diagLogDir     string
	diagFormat     string
	stateDir       string
	strict         bool
	sandbox        bool
	dryRun         bool
	dumpOpenAPI    bool
	dumpMetrics    bool
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it could not start, or ended although nobody asked
	exitUsage  = 2 // the command line makes no sense
	exitForced = 3 // a second signal cut the shutdown short
)

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// maxDrain is a day: nobody waits longer for a daemon to end.
const maxDrain = 24 * time.Hour

// limitFlag is a duration of at most most, written as in a policy.
type limitFlag struct {
	to   *time.Duration
	most time.Duration
}

// Set implements pflag.Value.
func (l *limitFlag) Set(text string) error {
	d, err := duration.Parse(text)
	if err != nil {
		return err
	}
	if d < 0 || d > l.most {
		return fmt.Errorf("expected 0 to %s", duration.Format(l.most))
	}
	*l.to = d
	return nil
}

// String implements pflag.Value.
func (l *limitFlag) String() string { return duration.Format(*l.to) }

// Type implements pflag.Value.
func (l *limitFlag) Type() string { return "duration" }

// maxUpgrade is longer than any policy takes to load.
const maxUpgrade = 10 * time.Minute

// maxTimeoutSeconds is an hour: a step of a handshake that takes longer is over.
const maxTimeoutSeconds = 3600

// newCommand is the command line; serve is called with what it said.
func newCommand(serve func(*flags) error) *cobra.Command {
	f := flags{drainTimeout: 5 * time.Minute, upgradeTimeout: 30 * time.Second}
	c := &cobra.Command{
		Use:   "troupe",
		Short: "A SOCKS5 egress proxy for mail servers",
		Long: `troupe is a SOCKS5 egress proxy for mail servers: their nodes share the sending
addresses of this host. Without flags it serves SOCKS5 on 127.0.0.1:1080 and
metrics on http://127.0.0.1:8000, as its built-in policy says.`,
		Example: `  troupe
  troupe --proxy-config /etc/troupe/policy.lua
  troupe --listen 127.0.0.1:1080 --listen '[::1]:1080'`,
		Version:       version,
		Args:          func(c *cobra.Command, args []string) error { return usage(noArguments(policyHint)(c, args)) },
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(c.Flags().Changed("timeout-seconds")); err != nil {
				return err
			}
			return serve(&f)
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	c.SetVersionTemplate(versionLine() + "\n")
	c.CompletionOptions.DisableDefaultCmd = true
	p := c.Flags()
	p.BoolP("version", "V", false, "version for troupe") // -V as KumoMTA has it
	p.StringVar(&f.proxyConfig, "proxy-config", "", "policy `file` to load instead of the built-in one")
	p.StringArrayVar(&f.listen, "listen", nil, "serve SOCKS5 on `address:port` without a policy file; may be repeated")
	p.BoolVar(&f.noSplice, "no-splice", false, "with --listen: copy through memory instead of splice(2)")
	p.Uint64Var(&f.timeoutSeconds, "timeout-seconds", 60, "with --listen: `seconds` that each step of a handshake may take")
	p.Var(&limitFlag{&f.drainTimeout, maxDrain}, "drain-timeout", "after SIGTERM end sessions that wait for their upstream after a `duration`; 0: all at once")
	p.Var(&limitFlag{&f.upgradeTimeout, maxUpgrade}, "upgrade-timeout", "abandon a process that is to take over and does not serve after a `duration`")
	p.StringVar(&f.transport, "transport", "auto", "who carries the bytes: auto, reactor (Linux, no TLS) or goroutines")
	p.StringVar(&f.stateDir, "state-dir", "", "keep the last good policy in `dir`, for a start with a broken one ($STATE_DIRECTORY)")
	p.BoolVar(&f.strict, "strict", false, "end when the policy is broken at the start, whatever is kept")
	p.BoolVar(&f.sandbox, "sandbox", false, "let the policy open no files and start no processes; what it names by file is read for it all the same")
	p.BoolVar(&f.dryRun, "dry-run", false, "check the policy, say what would be started, and end")
	p.BoolVar(&f.dumpOpenAPI, "dump-openapi-spec", false, "print the description of the HTTP API as OpenAPI, and end")
	p.BoolVar(&f.dumpMetrics, "dump-metric-metadata", false, "print what there is to know of every metric as JSON, and end")
	p.StringVar(&f.diagLogDir, "diag-log-dir", "", "write the log to hourly files in `dir` instead of stderr")
	p.StringVar(&f.diagFormat, "diag-format", "full", "form of the log: full, compact, pretty or json")
	c.AddCommand(newCheckCommand())
	c.AddGroup(&cobra.Group{ID: groupAdmin, Title: "For a running daemon:"})
	c.AddCommand(adminCommands()...)
	return c
}

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// check refuses flags that contradict each other.
func (f *flags) check(timeoutGiven bool) error {
	legacy := len(f.listen) > 0 || f.noSplice || timeoutGiven
	switch {
	case f.proxyConfig != "" && legacy:
		return usage(errors.New("--proxy-config cannot be used with --listen, --no-splice or --timeout-seconds: say it in the policy"))
	case len(f.listen) == 0 && legacy:
		return usage(errors.New("--no-splice and --timeout-seconds need --listen"))
	case f.proxyConfig == "" && (f.stateDir != "" || f.strict || f.sandbox):
		return usage(errors.New("--state-dir, --strict and --sandbox need --proxy-config: nothing else can be broken"))
	case f.timeoutSeconds == 0 || f.timeoutSeconds > maxTimeoutSeconds:
		return usage(fmt.Errorf("--timeout-seconds: expected 1 to %d, got %d", maxTimeoutSeconds, f.timeoutSeconds))
	}
	return nil
}

func (f *flags) timeout() time.Duration { return time.Duration(f.timeoutSeconds) * time.Second }

// noArguments refuses arguments, with what hint has to say of the first: "" for nothing.
func noArguments(hint func(given string) string) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		err := cobra.NoArgs(c, given)
		if err == nil {
			return nil
		}
		if clause := hint(visible(given[0])); clause != "" {
			err = fmt.Errorf("%w: %s", err, clause)
		}
		return err
	}
}

// policyHint is for who names a policy where proxies of other makes have it.
func policyHint(given string) string {
	if strings.HasSuffix(given, ".lua") || strings.Contains(given, "/") {
		return "a policy is named with --proxy-config " + given
	}
	return ""
}

// exitCode says to stderr the error of a command and turns it into an exit code.
func exitCode(c *cobra.Command, err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errForced):
		return exitForced // in silence: stderr may be what it all waits for
	case errors.Is(err, errWouldRefuse):
		return exitRefused // in silence: it is an answer
	case errors.Is(err, errNotServing):
		return exitFailed // in silence: it is an answer
	case errors.As(err, &usageError{}):
		fmt.Fprintf(stderr, "Error: %v\nTry '%s --help'.\n", err, c.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(stderr, "Error: %v\n", err)
	if unreachable := (*adminclient.UnreachableError)(nil); errors.As(err, &unreachable) {
		if dialled := (*net.OpError)(nil); errors.As(err, &dialled) && dialled.Op == "dial" && !errors.Is(err, fs.ErrPermission) {
			fmt.Fprintf(stderr, "Where the daemon is, say --endpoint or $%s.\n", endpointName)
		}
		return exitUnreachable
	}
	return exitFailed
}
