package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

var errProbeArguments = errors.New("--source and --to are needed: what is to be tried, and towards what")

func newProbeCommand() *cobra.Command {
	var a admin
	var request adminclient.ProbeRequest
	c := &cobra.Command{
		Use:   "probe",
		Short: "Try sending addresses of a running daemon towards a mail server",
		Long: `probe has a running daemon connect from each source to a mail server, read its greeting
and say QUIT. It shows whether the source is plumbed, what was decided about it, how
long the connection took, the names that the DNS has for it and whether one of them
leads back to it, and what the server said. Paused and draining sources are tried,
too. The rules and figures of the proxy have no part in it, and it tries 32 sources
at once. The server must greet in the clear: not on port 465.

Exit code 1 also if a source failed: it is not plumbed, there was no connection or no
greeting, or the greeting was 4xx or 5xx. They are named.`,
		Example: `  troupe probe --source all --to mx.example.org:25
  troupe probe --source 192.0.2.7 --source 192.0.2.8 --to mx.example.org:25 --echo https://ip.example.org/`,
	}
	c = a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		if len(request.Sources) == 0 || request.To == "" {
			return usage(errProbeArguments)
		}
		done, err := client.Probe(c.Context(), request)
		if err != nil {
			return err
		}
		if a.json {
			err = printJSON(c.OutOrStdout(), done.Raw)
		} else {
			err = printProbe(c.OutOrStdout(), done.Value, request.Echo != "")
		}
		if err != nil {
			return err
		}
		return failedSources(done.Value)
	})
	p := c.Flags()
	p.StringArrayVar(&request.Sources, "source", nil, "an `address` to send from, or all: those that the policy names and others that are plumbed; repeatable")
	p.StringVar(&request.To, "to", "", "the mail server: `host:port`")
	p.StringVar(&request.Echo, "echo", "", "also get a page at `URL` from each source: one that says which address the world sees")
	return c
}

func printProbe(out io.Writer, done adminclient.Probe, echoed bool) error {
	head := []string{"SOURCE", "PLUMBED", "STATE", "ROUTE", "CONNECT ms", "PTR", "BANNER or ERROR"}
	if echoed {
		head = append(head[:6], "SEEN", head[6])
	}
	t := newTable(out, head...)
	for _, s := range done.Sources {
		cells := []string{s.Address, s.Plumbed, s.State, s.Route, connectText(s.Connect), ptrText(s)}
		if echoed {
			cells = append(cells, orDash(s.Seen))
		}
		t.row(append(cells, probedText(s))...)
	}
	if err := t.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d sources failed towards %s\n", done.Failed, len(done.Sources), visible(done.To))
	return err
}

func connectText(ms *float64) string {
	if ms == nil {
		return "-"
	}
	return strconv.FormatFloat(*ms, 'f', 1, 64)
}

// ptrText marks what a receiver would not believe.
func ptrText(s adminclient.Probed) string {
	switch {
	case s.PTRError != "":
		return "?" // why is in the last column, where it widens no other
	case len(s.PTR) == 0:
		return "-"
	case s.Confirmed:
		return strings.Join(s.PTR, " ")
	}
	return strings.Join(s.PTR, " ") + " (not confirmed)"
}

// probedText is one line, whatever the server has made of its own, with why there
// are no names.
func probedText(s adminclient.Probed) string {
	text := s.Banner
	if s.Failure != "" {
		text = s.Error
	}
	if s.PTRError != "" {
		text += "; PTR: " + s.PTRError
	}
	return strings.ReplaceAll(text, "\n", " / ")
}

// failedSources names those that failed, and why.
func failedSources(done adminclient.Probe) error {
	var all []string
	for _, s := range done.Sources {
		if s.Failure != "" {
			all = append(all, visible(s.Address)+" ("+visible(s.Failure)+")")
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d sources failed: %s", len(all), len(done.Sources), strings.Join(all, ", "))
}
