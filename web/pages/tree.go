package pages

import (
	"net/http"
	"net/url"
	"time"
)

// treeDocument is what the API says of the actors.
type treeDocument struct {
	Root node `json:"root"`
}

// node is an actor, with those below it.
type node struct {
	Path        string    `json:"path"`
	Kind        string    `json:"kind"`
	State       string    `json:"state"`
	Since       time.Time `json:"since"`
	Restarts    uint64    `json:"restarts"`
	LastFailure *failure  `json:"last_failure"`
	Mailbox     int64     `json:"mailbox"`
	Children    []node    `json:"children"`
	Summarised  *leftOut  `json:"summarised"`
}

type failure struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// leftOut counts the connections that are not among the children.
type leftOut struct {
	Connections int            `json:"connections"`
	ByPhase     map[string]int `json:"by_phase"`
}

// each calls f with n and all below it.
func (n *node) each(f func(*node)) {
	f(n)
	for i := range n.Children {
		n.Children[i].each(f)
	}
}

// Restartable: the root has no parent who could, and a session is ended instead.
func (n node) Restartable() bool { return n.Kind != "supervisor" && n.Kind != kindConnection }

const kindConnection = "connection"

// shownConnections is how many each listener shows in the tree: there may be
// thousands, and the page for them is another.
const shownConnections = "10"

func (p *Pages) tree(r *http.Request) (any, error) {
	var tree treeDocument
	err := p.ask(r, http.MethodGet, "/api/admin/tree", url.Values{"limit": {shownConnections}}, nil, &tree)
	return tree.Root, err
}

// whatRestarts says what a restart of each kind of actor will do.
var whatRestarts = map[string]string{
	"acceptor": "Its socket is opened by the listener and stays. Sessions go on, and clients that come meanwhile wait in the queue.",
	"listener": "It goes on with its socket and its sessions. To have it accept anew, restart its acceptor.",
	"metrics":  "All figures are kept. Sessions go on.",
	"web":      "Other HTTP requests that are under way are cut off. Sessions go on.",
}

// restart is a POST from the page of the tree.
func (p *Pages) restart(w http.ResponseWriter, r *http.Request) {
	path, confirmed, err := posted(r, "path")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if !confirmed {
		p.askRestart(w, r, path["path"])
		return
	}
	var done struct{ Path, What string }
	if err := p.ask(r, http.MethodPost, "/api/admin/restart", nil, path, &done); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.tell(w, r, done.Path+": "+done.What+".")
}

// askRestart says what the restart will do.
func (p *Pages) askRestart(w http.ResponseWriter, r *http.Request, path string) {
	var tree treeDocument
	query := url.Values{"path": {path}, "depth": {"0"}, "limit": {"0"}}
	if err := p.ask(r, http.MethodGet, "/api/admin/tree", query, nil, &tree); err != nil {
		p.refuse(w, r, err)
		return
	}
	what := whatRestarts[tree.Root.Kind]
	if what == "" {
		what = "Its parent brings it back, as after a failure."
	}
	p.confirm(w, r, notice{
		Heading: "Restart " + path + "?", Text: what,
		Fields: map[string]string{"path": path}, Button: "Restart it",
	})
}
