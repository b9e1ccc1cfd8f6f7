package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

func newUpgradeCommand() *cobra.Command {
	var a admin
	var ifRunning bool
	c := &cobra.Command{
		Use:   "upgrade",
		Short: "Have a running daemon hand over to the installed program",
		Long: `upgrade has a running daemon start the program as it is installed now, with its own
arguments, and hand its listening sockets over to it. No client is refused, and
sessions go on in the old process until they end, or until its --drain-timeout.
Should the new process not serve in time, nothing has changed: exit code 1.`,
	}
	c = a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		done, err := client.Upgrade(c.Context())
		if unreachable := (*adminclient.UnreachableError)(nil); ifRunning && errors.As(err, &unreachable) {
			return nil
		}
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), done.Raw)
		}
		return printUpgraded(c.OutOrStdout(), done.Value)
	})
	c.Flags().BoolVar(&ifRunning, "if-running", false, "do nothing, with exit code 0, if no daemon answers")
	return c
}

func printUpgraded(out io.Writer, u adminclient.Upgraded) error {
	_, err := fmt.Fprintf(out, "process %d serves, process %d goes on with %d sessions (%d waiting for the client, %d waiting for the upstream)\n",
		u.NewPID, u.OldPID, u.Sessions, u.WaitingForClient, u.WaitingForUpstream)
	return err
}
