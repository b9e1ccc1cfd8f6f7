package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
	"github.com/troupe-proxy/troupe/web"
)

// errNotServing: the output says already why.
var errNotServing = errors.New("the proxy does not serve")

// daemonStatus is what status says.
type daemonStatus struct {
	Endpoint  string           `json:"endpoint"`
	Accepting bool             `json:"accepting"` // every listener does
	Ready     bool             `json:"ready"`     // and clients had better come
	Text      string           `json:"text"`      // in the daemon's words
	Listeners []listenerStatus `json:"listeners"`
}

// listenerStatus is one SOCKS listener. What the daemon does not tell is empty.
type listenerStatus struct {
	Listener  string     `json:"listener"`
	Accepting bool       `json:"accepting"`
	State     string     `json:"state"` // accepting, or why it does not
	Since     *time.Time `json:"since"` // of one that accepts
	Restarts  uint64     `json:"restarts"`
	Failure   string     `json:"failure,omitempty"` // the last one
	Sessions  int64      `json:"sessions"`
}

func newStatusCommand() *cobra.Command {
	var a admin
	c := &cobra.Command{
		Use:   "status",
		Short: "Say whether a running daemon serves, and how its listeners are",
		Long: `status says whether a running daemon serves clients, and for each of its listeners
since when it is as it is, how often it was restarted, its last failure and how
many sessions it has. Exit code 1: it does not serve, or not everywhere.`,
	}
	return a.command(c, cobra.NoArgs, func(c *cobra.Command, client *adminclient.Client, _ []string) error {
		s, err := askStatus(c.Context(), client)
		if err != nil {
			return err
		}
		if err := s.print(c.OutOrStdout(), a.json); err != nil {
			return err
		}
		if !s.Accepting || !s.Ready {
			return errNotServing
		}
		return nil
	})
}

func askStatus(ctx context.Context, client *adminclient.Client) (*daemonStatus, error) {
	serving, err := client.Serving(ctx)
	if err != nil {
		return nil, err
	}
	ready, err := client.Ready(ctx, "")
	if err != nil {
		return nil, err
	}
	active, err := client.Active(ctx)
	if err != nil {
		return nil, err
	}
	s := &daemonStatus{Endpoint: client.Endpoint(), Accepting: serving.OK, Ready: ready.OK, Text: serving.Text}
	if serving.OK && !ready.OK {
		s.Text = ready.Text
	}
	nodes, err := listenerNodes(ctx, client)
	if err != nil {
		return nil, err
	}
	s.join(active, nodes)
	for i := range s.Listeners {
		if err := s.Listeners[i].ask(ctx, client); err != nil {
			return nil, err
		}
	}
	s.Listeners = slices.DeleteFunc(s.Listeners, func(l listenerStatus) bool { return l.State == removed && l.Sessions == 0 })
	return s, nil
}

// removed is the state of a listener that the daemon does not know, though it has
// figures: a reload has removed it, and its sessions go on.
const removed = "removed"

// ask asks how a listener is.
func (l *listenerStatus) ask(ctx context.Context, client *adminclient.Client) error {
	h, err := client.Ready(ctx, l.Listener)
	l.Accepting, l.State = h.OK, "accepting"
	if !h.OK {
		why, _, _ := strings.Cut(h.Text, "\n")
		if l.State = strings.TrimPrefix(why, "not ready: "); l.State == web.NoSuchListener {
			l.State = removed
		}
		l.Since = nil // that of the actor is not since when it does not accept, which the daemon's text says
	}
	return err
}

// listenerPrefix begins the name of the actor of a listener.
const listenerPrefix = "listener-"

// listenerNodes are the actors that accept, or else the listeners themselves, by
// the address of the listener. A daemon without such a tree has none.
func listenerNodes(ctx context.Context, client *adminclient.Client) (map[string]adminclient.Node, error) {
	tree, err := client.Tree(ctx, adminclient.TreeQuery{Depth: 2, Connections: 0})
	if no, ok := errors.AsType[*adminclient.StatusError](err); ok && no.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	nodes := make(map[string]adminclient.Node)
	for _, n := range tree.Value.Root.Children {
		if n.Kind == "listener" {
			name := n.Path[strings.LastIndexByte(n.Path, '/')+1:]
			if i := slices.IndexFunc(n.Children, isAcceptor); i >= 0 {
				n = n.Children[i]
			}
			nodes[strings.TrimPrefix(name, listenerPrefix)] = n
		}
	}
	return nodes, nil
}

func isAcceptor(n adminclient.Node) bool { return n.Kind == "acceptor" }

// join lists every listener that anybody knows.
func (s *daemonStatus) join(active map[string]int64, nodes map[string]adminclient.Node) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(active)), maps.Keys(nodes))
	slices.Sort(names)
	s.Listeners = []listenerStatus{} // null is no array
	for _, name := range slices.Compact(names) {
		one := listenerStatus{Listener: name, Sessions: active[name]}
		if n, ok := nodes[name]; ok {
			one.Since, one.Restarts = &n.Since, n.Restarts
			if n.LastFailure != nil {
				one.Failure = n.LastFailure.Error
			}
		}
		s.Listeners = append(s.Listeners, one)
	}
}

func (s *daemonStatus) print(out io.Writer, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		return printJSON(out, text)
	}
	fmt.Fprintln(out, s.Text)
	if len(s.Listeners) == 0 {
		return nil
	}
	t := newTable(out, "LISTENER", "STATE", "SINCE", "RESTARTS", "SESSIONS", "LAST FAILURE")
	for _, l := range s.Listeners {
		since := "-"
		if l.Since != nil {
			since = moment(*l.Since)
		}
		t.row(l.Listener, orDash(l.State), since, strconv.FormatUint(l.Restarts, 10), strconv.FormatInt(l.Sessions, 10), orDash(l.Failure))
	}
	return t.flush()
}
