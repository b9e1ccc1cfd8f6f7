package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

var errNotAgreed = errors.New("nothing was ended: the answer was not yes")

func newKillCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "kill ID...",
		Short: "End sessions of a running daemon by their ids",
		Long:  `sessions kill ends the sessions with these ids, as sessions lists them, and does not ask.`,
	}
	return a.command(c, cobra.MinimumNArgs(1), func(c *cobra.Command, client *adminclient.Client, ids []string) error {
		var failed []error
		for _, id := range ids {
			ended, err := client.EndSession(c.Context(), id)
			if _, no := errors.AsType[*adminclient.StatusError](err); no {
				failed = append(failed, err) // the others may be there
				continue
			}
			if err == nil {
				err = printEnded(c.OutOrStdout(), ended, a.json)
			}
			if err != nil {
				return errors.Join(append(failed, err)...)
			}
		}
		return errors.Join(failed...)
	})
}

// killMatching ends the sessions that the filters mean, once somebody who knows
// how many these are has agreed.
func killMatching(c *cobra.Command, a *admin, f *sessionFlags, client *adminclient.Client) error {
	if f.dryRun || !f.yes {
		would, err := client.EndSessions(c.Context(), f.filter, true)
		if err != nil {
			return err
		}
		if f.dryRun || would.Value.Ended == 0 {
			return printEnded(c.OutOrStdout(), would, a.json)
		}
		if !agreed(c.InOrStdin(), c.ErrOrStderr(), would.Value) {
			return errNotAgreed
		}
	}
	ended, err := client.EndSessions(c.Context(), f.filter, false)
	if err != nil {
		return err
	}
	return printEnded(c.OutOrStdout(), ended, a.json)
}

// agreed asks on stderr, so that the answer of the daemon is alone on stdout. No
// answer is no.
func agreed(in io.Reader, out io.Writer, would adminclient.Ended) bool {
	fmt.Fprintf(out, "End %s? [y/N] ", inNumbers(would))
	answer, _ := bufio.NewReader(in).ReadString('\n') // what there is, if its end is missing
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

func printEnded(out io.Writer, ended adminclient.Answer[adminclient.Ended], asJSON bool) error {
	if asJSON {
		return printJSON(out, ended.Raw)
	}
	verb := "ended"
	if ended.Value.DryRun {
		verb = "would end"
	}
	_, err := fmt.Fprintf(out, "%s %s\n", verb, inNumbers(ended.Value))
	return err
}

func inNumbers(e adminclient.Ended) string {
	return fmt.Sprintf("%s (%d waiting for the client, %d waiting for the upstream: possible duplicate mails)",
		numbered(e.Ended, "session", "sessions"), e.WaitingForClient, e.WaitingForUpstream)
}
