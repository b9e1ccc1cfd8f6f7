package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/logging"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// exitRefused is the exit code of check --explain for a request that would be
// refused.
const exitRefused = 4

// errWouldRefuse: the output says already why.
var errWouldRefuse = errors.New("the request would be refused")

// stdinName stands for a policy that is read from standard input.
const stdinName = "-"

// largestPolicy is more than a policy may have; the load says so then.
const largestPolicy = 5 << 20

// checkFlags are what can be said on the command line of check.
type checkFlags struct {
	explain       []string
	listener      string
	source        string
	passwordStdin bool
	sandbox       bool
}

// newCheckCommand is troupe check.
func newCheckCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check policy.lua",
		Short: "Load a policy and say what it would start and decide",
		Long: `check loads a policy as the daemon would, proxy_init included, and says what it
would start. It opens no socket by itself, so that it can run beside the daemon.
"-" is standard input.

With --explain it says, step by step, what would become of a request, without
dialling: it asks the hooks of the policy, and the resolver if the destination is
a name. Exit code 0: it would be dialled. 4: it would be refused. Given more than
once, the requests are gone through in that order, and 4 is one of them refused.

A hook for user names is asked with the password in $` + passwordName + `,
or in the first line of standard input with --password-stdin.`,
		Example: `  troupe check policy.lua
  troupe check --explain 'alice@10.0.0.7->mx.example.com:25' policy.lua
  troupe check --explain '10.0.0.7→198.51.100.7:25+src=192.0.2.10' policy.lua`,
		Args: func(_ *cobra.Command, args []string) error { return usage(policyArgument(args)) },
		RunE: func(c *cobra.Command, args []string) error { return check(c, args[0], &f) },
	}
	p := c.Flags()
	p.StringArrayVar(&f.explain, "explain", nil, "say what becomes of `user@client→destination[+src=address]`")
	p.StringVar(&f.listener, "listener", "", "with --explain: the `address:port` that the client connects to, where there are several")
	p.StringVar(&f.source, "source", "", "with --explain: the `address` that a BIND before the CONNECT asks for")
	p.BoolVar(&f.sandbox, "sandbox", false, "as the flag of the daemon: the policy opens no files and starts no processes")
	p.BoolVar(&f.passwordStdin, "password-stdin", false, "with --explain: the password is the first line of standard input")
	return c
}

func policyArgument(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("expected one policy, as in troupe check policy.lua, or - for standard input, got %d arguments", len(args))
	}
	return nil
}

// check is the whole of troupe check.
func check(c *cobra.Command, path string, f *checkFlags) error {
	questions, err := f.questions(c.Flags().Changed)
	if err != nil {
		return usage(err)
	}
	if path == stdinName && f.passwordStdin {
		return usage(errors.New("--password-stdin: standard input is the policy"))
	}
	heard := &heard{}
	p, main, err := loadForCheck(c, path, f.sandbox, heard)
	if err != nil {
		printLog(c.ErrOrStderr(), heard.all(), everyLevel)
		return err
	}
	defer p.Close()
	if len(questions) > 0 {
		return explainAll(c, p, questions, f)
	}
	said := heard.all() // the report runs the top level of the policy once more
	err = report(c.Context(), c.OutOrStdout(), p, warnings(p, main, heard))
	if err == nil {
		printLog(c.OutOrStdout(), said, slog.LevelWarn) // the others are warnings of the report
	}
	return err
}

// loadForCheck loads a policy as the daemon does, but for what a daemon has around
// it, and reads its certificates. main is the text of the policy itself.
func loadForCheck(c *cobra.Command, path string, sandbox bool, heard *heard) (p *policy.Policy, main []byte, err error) {
	options := policy.Options{
		Sandbox: sandbox,
		Log:     heard.logger(), Version: version, Deadline: loadDeadline, Stdout: c.ErrOrStderr(),
		SetLogFilter: func(text string) error { _, err := logging.ParseFilter(text); return err },
	}
	if path == stdinName {
		main, err = io.ReadAll(io.LimitReader(c.InOrStdin(), largestPolicy))
		if err == nil {
			p, err = policy.LoadSource(c.Context(), "stdin", main, options)
		}
	} else if p, err = policy.Load(c.Context(), path, options); err == nil {
		main, err = readFile(path)
	}
	if err != nil {
		return nil, nil, err
	}
	d, err := actors.Check(p)
	if err == nil && d.Empty() {
		err = fmt.Errorf("%s: %w", p.Name, errServesNobody)
	}
	if err != nil {
		p.Close()
		return nil, nil, err
	}
	return p, main, nil
}

// report says what a policy would start.
func report(ctx context.Context, out io.Writer, p *policy.Policy, warnings []string) error {
	hooks, err := p.Registrations(ctx)
	if err != nil {
		return fmt.Errorf("%s: in the Lua state of a hook, where the top level runs again: %w", p.Name, err)
	}
	for _, file := range p.Files {
		row(out, "file", "%s", file)
	}
	for i := range p.Listeners {
		l := &p.Listeners[i]
		row(out, kindOf(l), "%s (%s)", l.Listen, l.At)
		printSettings(out, l.Settings())
	}
	for i := range p.HTTP {
		l := &p.HTTP[i]
		row(out, "http", "%s (%s)", l.Listen, l.At)
		printSettings(out, l.Settings())
	}
	for _, name := range p.Groups.Titles() {
		row(out, "group", "%s", name)
	}
	for _, h := range hooks {
		by := ""
		if !slices.Contains(policy.Events(), h.Event) {
			by = ", called by name"
		}
		row(out, "hook", "%s (%s)%s", h.Event, h.At, by)
	}
	for _, w := range warnings {
		row(out, "warning", "%s", w)
	}
	return nil
}

// kindOf is what a listener is, for the output.
func kindOf(l *policy.Listener) string {
	if l.Forward {
		return "forward"
	}
	return "listener"
}

func printSettings(out io.Writer, all []policy.Setting) {
	for _, s := range all {
		row(out, "", "  %s", s)
	}
}

// row is one line of the output: what it is about, and what there is to say.
func row(out io.Writer, about, format string, args ...any) {
	fmt.Fprintf(out, "%-9s %s\n", about, fmt.Sprintf(format, args...))
}

// passwordName is the variable of the environment with the password for --explain.
const passwordName = "TROUPE_CHECK_PASSWORD"

// password is that of the client, and whether there is one.
func (f *checkFlags) password(in io.Reader) (text string, given bool, err error) {
	if !f.passwordStdin {
		text, given = os.LookupEnv(passwordName)
		return text, given, nil
	}
	text, err = firstLine(in)
	return text, err == nil, err
}
