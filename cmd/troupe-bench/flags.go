package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// options are what the command line says.
type options struct {
	proxy   string
	forward string
	pid     int
	user    string
	compare bool
	troupe  string
	rounds  int
	only    []string
	quick   bool
	format  string
	timeout time.Duration
	sizes   sizes

	selected []workload // by name, from only and the arguments
	self     string     // this program, to be started again as the io.Copy proxy
}

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// newCommand is the command line; measure is called with what it said.
func newCommand(measure func(context.Context, *options) error) *cobra.Command {
	o := options{sizes: usualSizes()}
	c := &cobra.Command{
		Use:   "troupe-bench {--proxy address:port | --compare} [workload…]",
		Short: "Measure SOCKS5 proxies from outside",
		Long: `troupe-bench measures SOCKS5 proxies from outside: what they deliver, and what
that costs them in processor time, memory and files. Clients and servers are part
of it; everything stays on the loopback device.

Workloads (all of them unless some are named):
` + describeWorkloads(),
		Example: `  troupe-bench --proxy 127.0.0.1:1080 --pid "$(pidof troupe)" sessions smtp
  troupe-bench --compare --format markdown
  troupe-bench --compare --quick --only bulk`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c.Flags(), args); err != nil {
				return err
			}
			return measure(c.Context(), &o)
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	c.CompletionOptions.DisableDefaultCmd = true
	o.define(c.Flags())
	c.AddCommand(ioCopyCommand(), guardCommand())
	// With a subcommand, even a hidden one, cobra takes a first argument for
	// the name of another one unless told that arguments are welcome.
	c.Args = cobra.ArbitraryArgs
	return c
}

func (o *options) define(p *pflag.FlagSet) {
	p.StringVar(&o.proxy, "proxy", "", "measure the proxy that listens on `address:port`")
	p.StringVar(&o.forward, "forward", "", "with --proxy: the `address:port` where it takes PROXY headers as requests (forward)")
	p.IntVar(&o.pid, "pid", 0, "with --proxy: its process `id`, to read its cost (Linux)")
	p.StringVar(&o.user, "user", "", "with --proxy: authenticate as `name:password`")
	p.BoolVar(&o.compare, "compare", false, "start Troupe and the proxies that are installed, and compare them")
	p.StringVar(&o.troupe, "troupe", "", "with --compare: the Troupe `program` to start; built from ./cmd/troupe if not given")
	p.IntVar(&o.rounds, "rounds", 5, "rounds over all proxies; the table shows medians")
	p.StringSliceVar(&o.only, "only", nil, "workloads to run, `names` separated by commas")
	p.BoolVar(&o.quick, "quick", false, "small numbers and one round: shows that it works, not how fast")
	p.StringVar(&o.format, "format", "text", "form of the table: text, markdown or json")
	p.DurationVar(&o.timeout, "timeout", 2*time.Minute, "give up a single measurement after `duration`")
	s := &o.sizes
	p.IntVar(&s.clients, "clients", s.clients, "clients at once (sessions, smtp)")
	p.IntVar(&s.sessions, "sessions", s.sessions, "sessions to open, use and close")
	p.IntVar(&s.dialogues, "dialogues", s.dialogues, "SMTP dialogues")
	p.IntVar(&s.roundtrips, "roundtrips", s.roundtrips, "round trips in all")
	p.IntVar(&s.trippers, "roundtrip-clients", s.trippers, "clients at once (roundtrip)")
	p.Var(&s.bulk, "bulk", "bytes to carry in all, as 1GiB or 64MiB")
	p.Var(&s.idle, "idle", "two counts of idle sessions, as 2000,8000")
	p.DurationVar(&s.settle, "settle", s.settle, "read what idle sessions cost `duration` after the last was opened")
}

// check refuses what contradicts itself and fills in what follows from flags.
func (o *options) check(p *pflag.FlagSet, args []string) (err error) {
	switch {
	case o.compare == (o.proxy != ""):
		return usage(errors.New("say either --proxy or --compare"))
	case o.compare && (o.pid != 0 || o.user != "" || o.forward != ""):
		return usage(errors.New("--pid, --user and --forward need --proxy"))
	case !o.compare && o.troupe != "":
		return usage(errors.New("--troupe needs --compare"))
	case o.pid < 0:
		return usage(fmt.Errorf("--pid: expected a process id, got %d", o.pid))
	}
	for flag, address := range map[string]string{"proxy": o.proxy, "forward": o.forward} {
		if address == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return usage(fmt.Errorf("--%s: %w", flag, err))
		}
	}
	if o.user != "" && !strings.Contains(o.user, ":") {
		return usage(errors.New("--user: expected name:password"))
	}
	if o.quick {
		o.makeQuick(p)
	}
	if err := errors.Join(o.sizes.check(), atLeastOne("rounds", o.rounds), knownFormat(o.format)); err != nil {
		return usage(err)
	}
	if o.selected, err = selectWorkloads(append(o.only, args...)); err != nil {
		return usage(err)
	}
	o.self, err = os.Executable()
	return err
}

// makeQuick takes the small numbers, except where the command line says one.
func (o *options) makeQuick(p *pflag.FlagSet) {
	given, small := o.sizes, quickSizes()
	o.sizes = small
	for name, restore := range map[string]func(){
		"clients":    func() { o.sizes.clients = given.clients },
		"sessions":   func() { o.sizes.sessions = given.sessions },
		"dialogues":  func() { o.sizes.dialogues = given.dialogues },
		"roundtrips": func() { o.sizes.roundtrips = given.roundtrips },
		"settle":     func() { o.sizes.settle = given.settle },

		"roundtrip-clients": func() { o.sizes.trippers = given.trippers },
		"bulk":              func() { o.sizes.bulk = given.bulk },
		"idle":              func() { o.sizes.idle = given.idle },
	} {
		if p.Changed(name) {
			restore()
		}
	}
	if !p.Changed("rounds") {
		o.rounds = 1
	}
}

// credentials are what --user says, or nil.
func (o *options) credentials() *socks5.Credentials {
	if o.user == "" {
		return nil
	}
	name, password, _ := strings.Cut(o.user, ":")
	return &socks5.Credentials{User: name, Password: password}
}
