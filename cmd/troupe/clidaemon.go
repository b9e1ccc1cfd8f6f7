package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/adminclient"
)

var errUndoLimit = errors.New("--undo and --limit do not go together")

func newReloadCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "reload",
		Short: "Have a running daemon read its policy again",
		Long: `reload has a running daemon read its policy again, and says what has changed. If the
policy is refused, nothing has.`,
	}
	return a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		done, err := client.Reload(c.Context())
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), done.Raw)
		}
		return printReload(c.OutOrStdout(), done.Value)
	})
}

// printReload shows the difference as the log has it.
func printReload(out io.Writer, r adminclient.Reloaded) error {
	fmt.Fprintln(out, visible(r.Result))
	d := actors.Difference{Added: r.Difference.Added, Changed: r.Difference.Changed, Removed: r.Difference.Removed, Unchanged: r.Difference.Unchanged}
	for _, line := range d.Lines() {
		fmt.Fprintln(out, visible(line))
	}
	return nil
}

func newDrainCommand() *cobra.Command {
	var a admin
	var listener, limit string
	var undo bool
	c := &cobra.Command{
		Use:   "drain",
		Short: "Have a running daemon take no more clients",
		Long: `drain has a running daemon take no more clients, on all listeners or on one. Its
sessions go on, and /readyz says no. With --undo it takes clients again.`,
		Example: `  troupe drain --limit 5m
  troupe drain --undo`,
	}
	c = a.command(c, noArguments(listenerHint), func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		if undo && limit != "" {
			return usage(errUndoLimit)
		}
		verb, ask := "drained", func() (adminclient.Answer[adminclient.Drained], error) {
			return client.Drain(c.Context(), listener, limit)
		}
		if undo {
			verb, ask = "takes clients", func() (adminclient.Answer[adminclient.Drained], error) {
				return client.Undrain(c.Context(), listener)
			}
		}
		done, err := ask()
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), done.Raw)
		}
		return printDrained(c.OutOrStdout(), verb, done.Value)
	})
	p := c.Flags()
	p.StringVar(&listener, "listener", "", "only the listener on `address:port`")
	p.StringVar(&limit, "limit", "", "end the sessions that are left after a `duration` such as 5m, first those that wait for the client")
	p.BoolVar(&undo, "undo", false, "take clients again")
	return c
}

func listenerHint(given string) string { return "a listener is named with --listener " + given }

func printDrained(out io.Writer, verb string, d adminclient.Drained) error {
	for _, listener := range d.Listeners {
		fmt.Fprintf(out, "%s: %s\n", visible(listener), verb)
	}
	_, err := fmt.Fprintf(out, "%s (%d waiting for the client, %d waiting for the upstream)\n",
		numbered(d.Sessions, "session", "sessions"), d.WaitingForClient, d.WaitingForUpstream)
	return err
}
