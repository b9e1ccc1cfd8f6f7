package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

func newTreeCommand() *cobra.Command {
	var a admin
	var q adminclient.TreeQuery
	var paths bool
	c := &cobra.Command{
		Use:   "tree [PATH]",
		Short: "Show the actors of a running daemon",
		Long: `tree shows the actors of a running daemon, or the branch at PATH: how each is, since
when, how often it was restarted, what waits in its mailbox and its last failure.
Connections are summed up where there are many.`,
	}
	c = a.command(c, cobra.MaximumNArgs(1), func(c *cobra.Command, client *adminclient.Client, args []string) error {
		if len(args) > 0 {
			q.Path = args[0]
		}
		tree, err := client.Tree(c.Context(), q)
		if err != nil {
			return pathHint(err)
		}
		if a.json {
			return printJSON(c.OutOrStdout(), tree.Raw)
		}
		return printTree(c.OutOrStdout(), tree.Value.Root, paths)
	})
	p := c.Flags()
	p.IntVar(&q.Depth, "depth", -1, "show `n` levels below the root; negative: all")
	p.IntVar(&q.Connections, "connections", -1, "show `n` connections of each listener, up to 1000; negative: 100")
	p.BoolVar(&paths, "paths", false, "show whole paths, as restart takes them")
	p.StringVar(&q.After, "after", "", "go on behind the `mark` of the connections that were shown last")
	return c
}

func newRestartCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "restart PATH",
		Short: "Restart a branch of a running daemon",
		Long: `restart has the branch at PATH, as tree --paths shows it, restarted by its parent, as a
failure would. Listeners and acceptors lose no session by it.`,
		Example: "  troupe restart supervisor/metrics",
	}
	return a.command(c, cobra.ExactArgs(1), func(c *cobra.Command, client *adminclient.Client, args []string) error {
		done, err := client.Restart(c.Context(), args[0])
		if err != nil {
			return pathHint(err)
		}
		if a.json {
			return printJSON(c.OutOrStdout(), done.Raw)
		}
		r := done.Value
		fmt.Fprintf(c.OutOrStdout(), "%s %s: %s, restarts %d\n", visible(r.Kind), visible(r.Path), visible(r.What), r.Restarts)
		return nil
	})
}

// pathHint says where paths are to be had to who has named none that is there.
func pathHint(err error) error {
	if no, ok := errors.AsType[*adminclient.StatusError](err); ok && no.Status == http.StatusNotFound {
		return fmt.Errorf("%w; a path begins with supervisor/, and troupe tree --paths shows all", err)
	}
	return err
}

func printTree(out io.Writer, root adminclient.Node, paths bool) error {
	t := newTable(out, "ACTOR", "KIND", "STATE", "SINCE", "RESTARTS", "MAILBOX", "LAST FAILURE")
	addNode(t, root, root.Path, 0, paths)
	return t.flush()
}

// addNode adds a row for a node and those for what is below it. The name of a
// child is what its path has behind that of its parent, unless whole paths are wanted.
func addNode(t *table, n adminclient.Node, name string, depth int, paths bool) {
	indent := strings.Repeat("  ", depth)
	if paths {
		indent, name = "", n.Path
	}
	failure := "-"
	if f := n.LastFailure; f != nil {
		failure = moment(f.At) + " " + visible(f.Error)
	}
	t.row(indent+visible(name), n.Kind, n.State, moment(n.Since), strconv.FormatUint(n.Restarts, 10), strconv.FormatInt(n.Mailbox, 10), failure)
	for _, child := range n.Children {
		addNode(t, child, strings.TrimPrefix(child.Path, n.Path+"/"), depth+1, paths)
	}
	if s := n.Summarised; s != nil && s.Sources > 0 {
		t.row(fmt.Sprintf("%s  (%d more: troupe sources)", indent, s.Sources), "source", "-", "-", "-", "-", "-")
	}
	if s := n.Summarised; s != nil && s.Connections > 0 {
		var phases []string
		for _, phase := range slices.Sorted(maps.Keys(s.ByPhase)) {
			phases = append(phases, fmt.Sprintf("%d %s", s.ByPhase[phase], phase))
		}
		more := "-"
		if n.Next != "" {
			more = "go on with tree " + visible(n.Path) + " --after " + visible(n.Next)
		}
		t.row(fmt.Sprintf("%s  (%d: %s)", indent, s.Connections, strings.Join(phases, ", ")), "connection", "-", "-", "-", "-", more)
	}
}
