package adminclient

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Tree is what the daemon is made of.
type Tree struct {
	Root Node `json:"root"`
}

// Node is one actor, with those below it.
type Node struct {
	Path        string    `json:"path"`
	Kind        string    `json:"kind"`
	State       string    `json:"state"`
	Since       time.Time `json:"since"`
	Restarts    uint64    `json:"restarts"`
	LastFailure *Failure  `json:"last_failure"`
	Mailbox     int64     `json:"mailbox"`
	Children    []Node    `json:"children"`
	// Summarised are connections that are not among the children. Nil: all are.
	Summarised *Summary `json:"summarised"`
	// Next is TreeQuery.After for the connections that follow; empty: none do.
	Next string `json:"next"`
}

// Failure is why an actor was restarted last.
type Failure struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// Summary is how many connections there are, by what they are doing.
type Summary struct {
	Connections int            `json:"connections"`
	ByPhase     map[string]int `json:"by_phase"`
	Sources     int            `json:"sources"` // that are not among the children
}

// TreeQuery says what of the tree is wanted.
type TreeQuery struct {
	Path        string // of the topmost actor; "": all
	Depth       int    // levels below it; negative: all
	Connections int    // that each listener shows; negative: as many as the daemon likes
	After       string // Next of an earlier answer
}

func (t TreeQuery) query() url.Values {
	q := url.Values{}
	for key, value := range map[string]string{"path": t.Path, "after": t.After} {
		if value != "" {
			q.Set(key, value)
		}
	}
	for key, n := range map[string]int{"depth": t.Depth, "limit": t.Connections} {
		if n >= 0 {
			q.Set(key, strconv.Itoa(n))
		}
	}
	return q
}

// Tree gives a branch of the tree.
func (c *Client) Tree(ctx context.Context, q TreeQuery) (Answer[Tree], error) {
	return ask[Tree](ctx, c, call{method: http.MethodGet, path: "/api/admin/tree", query: q.query()})
}

// Restarted is what a restart did.
type Restarted struct {
	Path     string `json:"path"`
	Kind     string `json:"kind"`
	What     string `json:"what"`
	Restarts uint64 `json:"restarts"`
}

// Restart has the branch at a path restarted by its parent.
func (c *Client) Restart(ctx context.Context, path string) (Answer[Restarted], error) {
	return ask[Restarted](ctx, c, call{
		method: http.MethodPost, path: "/api/admin/restart", body: map[string]string{"path": path},
	})
}
