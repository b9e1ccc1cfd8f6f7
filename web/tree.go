package web

import (
	"net/http"
	"strconv"
)

// Bounds of how many connections a listener shows, and of the sessions on a page.
const (
	usualPage = 100
	mostPage  = 1000
)

// treeQuery are the parameters of the tree.
type treeQuery struct {
	Path  string `query:"path" minLength:"1" description:"The actor to begin with; without it the root."`
	Depth *uint  `query:"depth" description:"How many levels below it are shown; without it all."`
	Limit uint   `query:"limit" default:"100" minimum:"0" maximum:"1000" description:"How many connections each listener shows; the others are counted."`
	After string `query:"after" minLength:"1" description:"The next of an earlier answer."`
}

// treeDocument is the answer.
type treeDocument struct {
	Root Node `json:"root" required:"true"`
}

// handleTree shows the actors that are alive.
func (c Config) handleTree(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, "path", "depth", "limit", "after")
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	q := TreeQuery{Path: query["path"], Depth: -1, Connections: usualPage, After: query["after"]}
	if text := query["depth"]; text != "" {
		depth, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			writeError(w, http.StatusBadRequest, "depth: expected a whole number, got "+strconv.Quote(cut(text)))
			return
		}
		q.Depth = int(depth)
	}
	if q.Connections, err = parseLimit(query["limit"], 0); err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	root, err := c.Control.Tree(q)
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	writeJSON(w, treeDocument{root})
}
