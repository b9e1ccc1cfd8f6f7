package pages

import (
	"net/http"
	"net/url"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// each calls f with n and all below it.
func each(n *adminclient.Node, f func(*adminclient.Node)) {
	f(n)
	for i := range n.Children {
		each(&n.Children[i], f)
	}
}

// restartable: the root has no parent who could, and a session is ended instead.
func restartable(n adminclient.Node) bool { return n.Kind != "supervisor" && n.Kind != kindConnection }

const kindConnection = "connection"

// shownConnections is how many each listener shows in the tree: there may be
// thousands, and the page for them is another.
const shownConnections = "10"

func (p *Pages) tree(r *http.Request) (any, error) {
	var tree adminclient.Tree
	err := p.ask(r, http.MethodGet, "/api/admin/tree", url.Values{"limit": {shownConnections}}, nil, &tree)
	return tree.Root, err
}

// whatRestarts says what a restart of each kind of actor will do.
var whatRestarts = map[string]string{
	"acceptor": "Its socket is opened by the listener and stays. Sessions go on, and clients that come meanwhile wait in the queue.",
	"listener": "It goes on with its socket and its sessions. To have it accept anew, restart its acceptor.",
	"metrics":  "All figures are kept. Sessions go on.",
	"sources":  "What is known of the sources and was decided about them is kept. Sessions go on.",
	"source":   "It goes on, and what is known of it is kept.",
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
	var done adminclient.Restarted
	if err := p.ask(r, http.MethodPost, "/api/admin/restart", nil, path, &done); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.tell(w, r, done.Path+": "+done.What+".")
}

// askRestart says what the restart will do.
func (p *Pages) askRestart(w http.ResponseWriter, r *http.Request, path string) {
	var tree adminclient.Tree
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
