package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
	"github.com/troupe-proxy/troupe/internal/logging"
)

var errLogWhat = errors.New("expected what to do with the log: troupe log reopen")

func newLogFilterCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "log-filter FILTER",
		Short: "Change what a running daemon logs",
		Long: `log-filter has a running daemon log what FILTER says, in the grammar of $TROUPE_LOG,
until it ends or is told otherwise.`,
		Example: "  troupe log-filter info,lua=debug",
	}
	return a.command(c, cobra.ExactArgs(1), func(c *cobra.Command, client *adminclient.Client, args []string) error {
		if err := client.SetLogFilter(c.Context(), args[0]); err != nil || a.json {
			return err // the daemon answers with no JSON
		}
		now := visible(args[0])
		if filter, err := logging.ParseFilter(args[0]); err == nil {
			now = filter.String()
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), "the log filter is now "+now)
		return err
	})
}

func newLogCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "log",
		Short:   "Have a running daemon open its log files anew",
		GroupID: groupAdmin,
		RunE:    func(*cobra.Command, []string) error { return usage(errLogWhat) },
	}
	var a admin
	reopen := &cobra.Command{
		Use:   "reopen",
		Short: "Have a running daemon open its log files anew",
		Long:  `log reopen has a running daemon open its log files anew, after somebody has moved them.`,
	}
	c.AddCommand(a.command(reopen, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		return client.ReopenLog(c.Context())
	}))
	c.AddGroup(&cobra.Group{ID: groupAdmin, Title: "Commands:"})
	return c
}
