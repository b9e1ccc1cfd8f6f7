package main

import (
	"errors"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// sessionFlags say which sessions are meant, and what is to be done with them.
type sessionFlags struct {
	filter adminclient.Filter
	page   adminclient.Page
	kill   bool
	dryRun bool
	yes    bool
}

var (
	errNoFilter  = errors.New("--kill needs a filter, such as --client: it does not end all sessions")
	errOnlyKill  = errors.New("--dry-run and --yes need --kill")
	errPagedKill = errors.New("--kill ends all that the filters mean: --sort, --limit and --after do not go with it")
)

func newSessionsCommand() *cobra.Command {
	var a admin
	var f sessionFlags
	c := &cobra.Command{
		Use:   "sessions",
		Short: "List or end the sessions of a running daemon",
		Long: `sessions lists the sessions of a running daemon that all of the filters mean, with
the side that each waits for, or ends them with --kill. Ending one that waits for
the upstream may have its mail delivered twice: the client had sent it, and did not
hear the answer.`,
		Example: `  troupe sessions --destination 198.51.100.0/24 --sort -age
  troupe sessions kill 00c3f1a9e4b7d205
  troupe sessions --kill --source 192.0.2.7 --idle-longer-than 10m --dry-run`,
	}
	c = a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		if err := f.check(); err != nil {
			return usage(err)
		}
		if f.kill {
			return killMatching(c, &a, &f, client)
		}
		list, err := client.Sessions(c.Context(), f.filter, f.page)
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), list.Raw)
		}
		return printSessions(c.OutOrStdout(), list.Value)
	})
	f.register(c.Flags())
	c.AddCommand(newKillCommand())
	c.AddGroup(&cobra.Group{ID: groupAdmin, Title: "Commands:"})
	return c
}

func (f *sessionFlags) register(p *pflag.FlagSet) {
	p.StringVar(&f.filter.Listener, "listener", "", "those of the listener on `address:port`")
	p.StringVar(&f.filter.Client, "client", "", "those of clients at an `address`, ip:port or network")
	p.StringVar(&f.filter.User, "user", "", "those of a user by `name`")
	p.StringVar(&f.filter.Source, "source", "", "those from an `address` of ours, ip:port or network")
	p.StringVar(&f.filter.Destination, "destination", "", "those to an `address`, ip:port or network")
	p.StringVar(&f.filter.OlderThan, "older-than", "", "those that began longer ago than a `duration`")
	p.StringVar(&f.filter.IdleLongerThan, "idle-longer-than", "", "those on which nothing was sent for a `duration`")
	p.StringVar(&f.page.Sort, "sort", "", "`order`: age, idle or bytes; -age the other way round")
	registerPage(p, &f.page)
	p.BoolVar(&f.kill, "kill", false, "end the sessions that the filters mean")
	p.BoolVar(&f.dryRun, "dry-run", false, "with --kill: say what it would do")
	p.BoolVar(&f.yes, "yes", false, "with --kill: do not ask before")
}

func (f *sessionFlags) check() error {
	switch {
	case f.kill && f.filter.IsZero():
		return errNoFilter
	case f.kill && f.page != adminclient.Page{}:
		return errPagedKill
	case !f.kill && (f.dryRun || f.yes):
		return errOnlyKill
	}
	return checkPage(&f.page)
}

// shownPhase says too which sessions end with the old process.
func shownPhase(s adminclient.Session) string {
	if s.Process == "" {
		return s.Phase
	}
	return s.Phase + " (" + s.Process + " process)"
}

func printSessions(out io.Writer, list adminclient.Sessions) error {
	t := newTable(out, "ID", "CLIENT", "USER", "SOURCE", "DESTINATION", "PHASE", "WAITS FOR", "AGE", "IDLE", "RECEIVED", "SENT", "LISTENER")
	for _, s := range list.Sessions {
		t.row(s.ID, orDash(s.Client), orDash(s.User), orDash(s.Source), orDash(s.Destination), orDash(shownPhase(s)), orDash(s.WaitingFor),
			span(s.AgeSeconds), span(s.IdleSeconds), strconv.FormatUint(s.BytesReceived, 10), strconv.FormatUint(s.BytesSent, 10), s.Listener)
	}
	if err := t.flush(); err != nil {
		return err
	}
	return count(out, len(list.Sessions), list.Total, "sessions", list.Next)
}
