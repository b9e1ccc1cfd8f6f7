package web

import "net/http"

// sourceOperations are what an operator may look at and decide of sending addresses.
func sourceOperations() []operation {
	decide := func(verb, summary, about string, request any) operation {
		return operation{
			method: http.MethodPost, path: "/api/admin/sources/" + verb, id: verb + "_sources", tag: tagAdmin, needs: Trusted, request: request,
			summary: summary, about: about,
			answers: []reply{
				document(ChangedSources{}, "What was decided, and about which sources."), badBody, late, text(409, "An upgrade is under way."),
				text(422, "The body is not such an object, or there are too many pauses and drains."), broken, notUp,
			},
		}
	}
	return []operation{
		{
			method: http.MethodGet, path: "/api/admin/sources", id: "sources", tag: tagAdmin, needs: Trusted, request: sourcesQuery{},
			summary: "The sending addresses", about: "Those that the policy names, and others that were asked for lately.",
			answers: []reply{document(sourcesDocument{}, "A page of them."), badQuery, broken, notUp},
		},
		decide("pause", "Have sources not used for a while", "Clients that ask for one are refused, and take another. Sessions go on.", holdRequest{}),
		decide("drain", "Have sources not used any more", "Clients that ask for one are refused, and take another. Sessions go on until they end.", holdRequest{}),
		decide("resume", "Have sources used again", "One that a wider network holds back is an exception from that.", resumeRequest{}),
		{
			method: http.MethodGet, path: "/api/admin/destinations", id: "destinations", tag: tagAdmin, needs: Trusted, request: destinationsQuery{},
			summary: "The busiest destinations",
			about:   "The upstream addresses to which most CONNECTs went since the start, by the sessions that have ended. Whatever their number, a fixed number of them is kept; how far a count may be off is said.",
			answers: []reply{document(destinationsDocument{}, "A page of them."), badQuery, notUp},
		},
		{
			method: http.MethodPost, path: "/api/admin/sources/probe", id: "probe_sources", tag: tagAdmin, needs: Trusted, request: probeBody{}, needsBody: true,
			summary: "Try sources towards a mail server",
			about:   "From each source the proxy connects, reads the greeting and says QUIT, past all of its rules, to any destination. It takes up to 15 seconds for each 32 of them.",
			answers: []reply{
				document(probeDocument{}, "What came of each, failed or not."), badBody, late, text(409, "Another probe is under way."),
				text(422, "The body is not such an object, there are no sources or too many, or the destination is not found."), broken, notUp,
			},
		},
	}
}
