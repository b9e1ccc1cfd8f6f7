package web

import "net/http"

// Answers that several operations of an operator may give.
var (
	badQuery = text(400, "The query cannot be read.")
	badBody  = text(400, "The body is no JSON.")
	late     = text(408, "The body did not come in time.")
	broken   = text(500, "It could not be done, through no fault of the request.")
	notUp    = text(503, "The proxy is not up yet, or about to end.")
)

func document(body any, about string) reply {
	return reply{status: 200, types: []string{jsonType}, body: body, about: about}
}

// controlOperations are what an operator may look at and set off.
func controlOperations() []operation {
	return []operation{
		{
			method: http.MethodGet, path: "/api/admin/tree", id: "tree", tag: tagAdmin, needs: Trusted, request: treeQuery{},
			summary: "The actors that are alive", about: "No actor is asked, and no session waits for that.",
			answers: []reply{document(treeDocument{}, "The tree, or a branch."), badQuery, text(404, "There is no such actor, or it has just ended."), broken, notUp},
		},
		{
			method: http.MethodPost, path: "/api/admin/restart", id: "restart", tag: tagAdmin, needs: Trusted, request: restartRequest{}, needsBody: true,
			summary: "Restart an actor", about: "Its parent does that, as after a failure. No session is lost by the restart of a listener's acceptor.",
			answers: []reply{
				document(Restarted{}, "What was done."), badBody, text(404, "There is no such actor, or it has just ended."), late,
				text(409, "It is about to be restarted already."), text(422, "The body is not such an object, or an actor of this kind is not restarted."), broken, notUp,
			},
		},
		{
			method: http.MethodGet, path: "/api/admin/sessions", id: "sessions", tag: tagAdmin, needs: Trusted, request: sessionsQuery{},
			summary: "The sessions that are open", about: "Those that all of the filters mean, the oldest first as a rule.",
			answers: []reply{document(sessionsDocument{}, "A page of them."), badQuery, broken, notUp},
		},
		{
			method: http.MethodDelete, path: "/api/admin/sessions", id: "end_sessions", tag: tagAdmin, needs: Trusted, request: endQuery{},
			summary: "End the sessions that all of the filters mean", about: "Those that wait for their client are ended first: of those that wait for the upstream a mail may be sent twice.",
			answers: []reply{document(endDocument{}, "How many there were."), badQuery, text(422, "There is no filter."), broken, notUp},
		},
		{
			method: http.MethodDelete, path: "/api/admin/sessions/{id}", id: "end_session", tag: tagAdmin, needs: Trusted, request: oneSession{},
			summary: "End a session",
			answers: []reply{document(endDocument{}, "What it was waiting for."), badQuery, text(404, "It is not open."), broken, notUp},
		},
		{
			method: http.MethodGet, path: "/api/admin/who", id: "who", tag: tagAdmin, needs: Trusted, request: whoQuery{},
			summary: "Whose a source port is", about: "Of the sessions that are open; the access log knows the others.",
			answers: []reply{document(whoDocument{}, "Who has it."), badQuery, text(404, "No open session has it."), broken, notUp},
		},
		{
			method: http.MethodPost, path: "/api/admin/log/reopen", id: "reopen_log", tag: tagAdmin, needs: Trusted,
			summary: "Open the access log anew", about: "As after its file was renamed. SIGUSR1 does the same.",
			answers: []reply{{status: 200, about: "The new file is written."}, text(409, "The policy configures no access log."), broken, notUp},
		},
		{
			method: http.MethodGet, path: "/api/admin/bans", id: "bans", tag: tagAdmin, needs: Trusted,
			summary: "Whose logins are refused because too many have failed",
			answers: []reply{document(bansDocument{}, "The bans in force, the first to end first."), broken, notUp},
		},
		{
			method: http.MethodDelete, path: "/api/admin/bans", id: "unban", tag: tagAdmin, needs: Trusted, request: unbanQuery{},
			summary: "End a ban", about: "One of client and user says whose.",
			answers: []reply{{status: 200, about: "It is over."}, badQuery, text(404, "There is no such ban."), broken, notUp},
		},
		{
			method: http.MethodPost, path: "/api/admin/reload", id: "reload", tag: tagAdmin, needs: Trusted,
			summary: "Read the policy and the certificates anew",
			answers: []reply{document(Reloaded{}, "What has changed of the listeners."), text(422, "The policy is broken, and the one before goes on; the text says why."), broken, notUp},
		},
		upgradeOperation(),
		{
			method: http.MethodPost, path: "/api/admin/drain", id: "drain", tag: tagAdmin, needs: Trusted, request: drainRequest{},
			summary: "Have listeners take no more clients", about: "Their sockets are closed once those are served who have come. Sessions go on until the limit.",
			answers: []reply{document(Drained{}, "The listeners, and the sessions that are left."), badBody, text(404, "There is no such listener."), late, text(422, "The body is not such an object."), broken, notUp},
		},
		{
			method: http.MethodDelete, path: "/api/admin/drain", id: "undrain", tag: tagAdmin, needs: Trusted, request: undrainQuery{},
			summary: "Have listeners take clients again",
			answers: []reply{document(Drained{}, "The listeners, and their sessions."), badQuery, text(404, "There is no such listener."), text(409, "An address cannot be had at the moment; it is tried again and again."), broken, notUp},
		},
	}
}
