package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// newSourceCommand is what may be done about sending addresses.
func newSourceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "source",
		GroupID: groupAdmin,
		Short:   "List, pause, drain or resume the sending addresses of a running daemon",
		Long: `source lists the sending addresses of a running daemon, or has them not used. Clients
that ask for a source that is paused, drained or not plumbed are refused, and an MTA
takes another; where the policy chooses, it chooses another. Sessions go on.`,
		Args: func(c *cobra.Command, given []string) error { return usage(cobra.NoArgs(c, given)) },
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddGroup(&cobra.Group{ID: groupAdmin, Title: "Commands:"})
	c.AddCommand(newSourcesCommand("list"),
		newHoldCommand("pause", "drain", "Have sources not used for a while", "192.0.2.7 --for 2h --reason 'listed at example.org'", (*adminclient.Client).PauseSources),
		newHoldCommand("drain", "pause", "Have sources not used any more", "192.0.2.0/28 --reason 'moves to another host'", (*adminclient.Client).DrainSources),
		newResumeCommand())
	return c
}

// change asks the daemon for one.
type change func(*adminclient.Client, context.Context, adminclient.Hold) (adminclient.Answer[adminclient.ChangedSources], error)

// newHoldCommand is one of two that have one effect; the list says which it was.
func newHoldCommand(verb, other, short, example string, ask change) *cobra.Command {
	var a admin
	var hold adminclient.Hold
	c := &cobra.Command{
		Use:   verb + " ADDRESS|NETWORK",
		Short: short,
		Long: `With source ` + verb + ` an address, or all of a network, is used no more: until it is
resumed, or for a while with --for. New requests for it are refused; sessions go on.
It outlives a reload, and a restart if the daemon has a state directory. source ` + other + `
has the same effect; the list says which of the two it was.`,
		Example: `  troupe source ` + verb + ` ` + example,
	}
	c = a.command(c, cobra.ExactArgs(1), func(c *cobra.Command, client *adminclient.Client, args []string) error {
		hold.Source = args[0]
		done, err := ask(client, c.Context(), hold)
		if err != nil {
			return err
		}
		return printChanged(c, a.json, done)
	})
	c.Flags().StringVar(&hold.For, "for", "", "for a `duration` such as 2h; without it, until they are resumed")
	c.Flags().StringVar(&hold.Reason, "reason", "", "`text` for people who look at the list")
	return c
}

func newResumeCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "resume ADDRESS|NETWORK",
		Short: "Have sources used again",
		Long: `source resume has an address, or all of a network, used again. An address in a network
that is paused is an exception from that then.`,
	}
	return a.command(c, cobra.ExactArgs(1), func(c *cobra.Command, client *adminclient.Client, args []string) error {
		done, err := client.ResumeSources(c.Context(), args[0])
		if err != nil {
			return err
		}
		return printChanged(c, a.json, done)
	})
}

func printChanged(c *cobra.Command, asJSON bool, done adminclient.Answer[adminclient.ChangedSources]) error {
	out := c.OutOrStdout()
	if asJSON {
		return printJSON(out, done.Raw)
	}
	d := done.Value
	until := ""
	if !d.Until.IsZero() {
		until = " until " + moment(d.Until)
	}
	fmt.Fprintf(out, "%s: %s%s; %s there, with %s\n", visible(d.Network), visible(d.State), until,
		numbered(len(d.Sources), "source is", "sources are"), numbered(int(d.Sessions), "session that goes on", "sessions that go on"))
	if d.Note != "" {
		fmt.Fprintln(c.ErrOrStderr(), "troupe: "+visible(d.Note))
	}
	return nil
}

// newSourcesCommand is the list, under one of its two names.
func newSourcesCommand(name string) *cobra.Command {
	var a admin
	var filter adminclient.SourceFilter
	var page adminclient.Page
	c := &cobra.Command{
		Use:   name,
		Short: "Show the sending addresses of a running daemon, those in trouble first",
		Long: `It shows the sending addresses of a running daemon: whether each is plumbed, what was
decided about it, its sessions, the share of its dials that connected, how upstreams
answered by the first digit of what they said, and what one said last that refused.
First come those that were refused, that are not plumbed, that somebody holds back,
and whose dials fail.`,
		Example: `  troupe sources --sort -sessions
  troupe sources --source 192.0.2.0/24 --state paused`,
	}
	c = a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		if err := checkPage(&page); err != nil {
			return usage(err)
		}
		list, err := client.Sources(c.Context(), filter, page)
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(c.OutOrStdout(), list.Raw)
		}
		return printSources(c.OutOrStdout(), list.Value)
	})
	p := c.Flags()
	p.StringVar(&filter.Source, "source", "", "those of an `address` or network")
	p.StringVar(&filter.State, "state", "", "those that are in a `state`: serving, paused or draining")
	p.StringVar(&filter.Plumbed, "plumbed", "", "those that are plumbed or not: `yes`, no, unknown or freebind")
	p.StringVar(&page.Sort, "sort", "", "`order`: trouble, address, sessions, dials, failures or refusal; -trouble the other way round (default -trouble)")
	registerPage(p, &page)
	return c
}

func printSources(out io.Writer, list adminclient.Sources) error {
	t := newTable(out, "SOURCE", "PLUMBED", "STATE", "SESSIONS", "DIAL %", "2xx/4xx/5xx", "LAST REFUSAL")
	for _, s := range list.Sources {
		t.row(s.Address, s.Plumbed, stateText(s), strconv.FormatInt(s.Sessions, 10), percent(s.DialRatio),
			fmt.Sprintf("%d/%d/%d", s.Greetings["2xx"], s.Greetings["4xx"], s.Greetings["5xx"]), refusalText(s.LastRefusal))
	}
	if err := t.flush(); err != nil {
		return err
	}
	return count(out, len(list.Sources), list.Total, "sources", list.Next)
}

// stateText says also for how long, and why.
func stateText(s adminclient.Source) string {
	text := s.State
	if !s.Until.IsZero() {
		text += " until " + s.Until.Local().Format(time.DateTime)
	}
	if s.Reason != "" {
		text += " (" + s.Reason + ")"
	}
	return text
}

func percent(ratio *float64) string {
	if ratio == nil {
		return "-"
	}
	return strconv.FormatFloat(*ratio*100, 'f', 1, 64)
}

// refusalText is the text whole, with when it was said and by whom.
func refusalText(r *adminclient.Refusal) string {
	if r == nil {
		return "-"
	}
	return moment(r.At) + " " + r.From + " " + r.Text
}
