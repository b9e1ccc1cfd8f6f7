package main

import (
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

func newWhoCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "who IP:PORT",
		Short: "Say whose a source port of a running daemon is",
		Long: `who says which client, user and live session a source address and port belong to, as
they stand in a complaint, and which rule of the listener lets the client have that
source: "-" where no rule names it.`,
		Example: "  troupe who 192.0.2.7:40312\n  troupe who '[2001:db8::7]:40312'",
	}
	return a.command(c, cobra.ExactArgs(1), func(c *cobra.Command, client *adminclient.Client, args []string) error {
		source, err := netip.ParseAddrPort(args[0])
		if err != nil {
			return usage(fmt.Errorf("expected ip:port such as 192.0.2.7:40312, got %q", args[0]))
		}
		owner, err := client.Who(c.Context(), source.String())
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), owner.Raw)
		}
		t := newTable(c.OutOrStdout())
		t.row("client", orDash(owner.Value.Client))
		t.row("user", orDash(owner.Value.User))
		t.row("listener", orDash(owner.Value.Listener))
		t.row("destination", orDash(owner.Value.Destination))
		t.row("session", orDash(owner.Value.Session))
		t.row("rule", orDash(owner.Value.Rule))
		return t.flush()
	})
}
