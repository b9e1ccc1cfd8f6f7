package web

import "net/http"

// Upgraded says which process serves from now on, and what is left with this one.
type Upgraded struct {
	OldPID             int `json:"old_pid" required:"true" description:"Of the process that this was asked of. It ends with its sessions."`
	NewPID             int `json:"new_pid" required:"true" description:"Of the process that serves from now on."`
	Sessions           int `json:"sessions" required:"true" description:"That go on in the old process."`
	WaitingForClient   int `json:"waiting_for_client" required:"true"`
	WaitingForUpstream int `json:"waiting_for_upstream" required:"true"`
}

// handleUpgrade has the installed program take over.
func (c Config) handleUpgrade(w http.ResponseWriter, r *http.Request) {
	done, err := c.Control.Upgrade(r.Context(), peerText(r))
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	writeJSON(w, done)
}

// upgradeOperation describes that.
func upgradeOperation() operation {
	return operation{
		method: http.MethodPost, path: "/api/admin/upgrade", id: "upgrade", tag: tagAdmin, needs: Trusted,
		summary: "Hand over to the installed program",
		about:   "It is started, gets the listening sockets, and serves; nobody is refused. Sessions go on in the old process, as in a drain.",
		answers: []reply{
			document(Upgraded{}, "The new process serves."), text(409, "An upgrade is under way, or the process before this one has not ended yet."),
			text(422, "The new process could not take over, and this one goes on as if nothing had been."),
			text(501, "This system cannot pass sockets on."), broken, notUp,
		},
	}
}
