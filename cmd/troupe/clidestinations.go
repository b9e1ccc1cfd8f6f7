package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// newDestinationsCommand is the list of the busiest destinations.
func newDestinationsCommand() *cobra.Command {
	var a admin
	var network string
	var page adminclient.Page
	c := &cobra.Command{
		Use:   "destinations",
		Short: "Show the busiest destinations of a running daemon",
		Long: `destinations shows the upstream addresses to which most CONNECTs went since the daemon
started, by the sessions that have ended: how many, and by how much that may be too
high; how many connected since the address is kept; how the upstream answered by the
first digit of what it said; and what it said last that refused, and to which source.`,
		Example: `  troupe destinations --sort -refused
  troupe destinations --destination 198.51.100.0/24`,
	}
	c = a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		if err := checkPage(&page); err != nil {
			return usage(err)
		}
		list, err := client.Destinations(c.Context(), network, page)
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), list.Raw)
		}
		return printDestinations(c.OutOrStdout(), list.Value)
	})
	p := c.Flags()
	p.StringVar(&network, "destination", "", "those of an `address` or network")
	p.StringVar(&page.Sort, "sort", "", "`order`: count, address, failures, refused or refusal; -count the other way round (default -count)")
	registerPage(p, &page)
	return c
}

func printDestinations(out io.Writer, list adminclient.Destinations) error {
	t := newTable(out, "DESTINATION", "CONNECTS", "ERROR", "CONNECTED", "FAILED", "2xx/4xx/5xx", "LAST REFUSAL")
	for _, d := range list.Destinations {
		connected := d.Dials["connected"]
		t.row(d.Address, strconv.FormatUint(d.Count, 10), strconv.FormatUint(d.Error, 10),
			strconv.FormatUint(connected, 10), strconv.FormatUint(d.Count-d.Error-connected, 10),
			fmt.Sprintf("%d/%d/%d", d.Greetings["2xx"], d.Greetings["4xx"], d.Greetings["5xx"]), refusedText(d.LastRefusal))
	}
	if err := t.flush(); err != nil {
		return err
	}
	return count(out, len(list.Destinations), list.Total, fmt.Sprintf("destinations, %d CONNECTs to all there are", list.CONNECTs), list.Next)
}

// refusedText is the text whole, with when it was said and to whom.
func refusedText(r *adminclient.RefusedSource) string {
	if r == nil {
		return "-"
	}
	return moment(r.At) + " to " + r.Source + " " + r.Text
}
