package main

import (
	"net/netip"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

func newBansCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "bans",
		Short: "List whose logins a running daemon refuses",
		Long: `bans lists the clients and users whose logins are refused for a while because too many
have failed, as auth_failures in the policy says.`,
	}
	return a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		list, err := client.Bans(c.Context())
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), list.Raw)
		}
		t := newTable(c.OutOrStdout(), "CLIENT", "USER", "FAILURES", "SINCE", "UNTIL")
		for _, b := range list.Value.Bans {
			t.row(orDash(b.Client), orDash(b.User), strconv.Itoa(b.Failures), moment(b.Since), moment(b.Until))
		}
		return t.flush()
	})
}

func newUnbanCommand() *cobra.Command {
	var a admin
	var user bool
	c := &cobra.Command{
		Use:   "unban ADDRESS|USER",
		Short: "End a ban of a running daemon",
		Long: `unban has the logins of a client or a user looked at again. What reads as an address
or a network is a client, unless --user says that it is a name.`,
		Example: "  troupe unban 192.0.2.7\n  troupe unban 2001:db8:1:2::/64\n  troupe unban mta1",
	}
	c = a.command(c, cobra.ExactArgs(1), func(c *cobra.Command, client *adminclient.Client, args []string) error {
		if user || !isClient(args[0]) {
			return client.UnbanUser(c.Context(), args[0])
		}
		return client.UnbanClient(c.Context(), args[0])
	})
	c.Flags().BoolVar(&user, "user", false, "the argument is the name of a user, whatever it looks like")
	return c
}

// isClient says whether a text is an address or a network.
func isClient(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	_, err := netip.ParsePrefix(text)
	return err == nil
}
