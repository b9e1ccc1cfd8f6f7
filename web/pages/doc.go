// Package pages is what a person sees of a running proxy in a browser: what needs
// them, the listeners with their rates, the tree of actors, the sessions, the policy
// and the log filter, with buttons for what can be done about it.
//
// It has no data of its own. Figures come from a prometheus.Gatherer and a history,
// how listeners fare from a function, and all that the HTTP API has too from the
// API itself, asked within the process in the name of the client: a page shows no
// more and does no more than its client may. What a page says goes to the client
// alone. The pages are made on the server and work without JavaScript; with it they
// follow the proxy by server-sent events and ask in a dialog. No script, style or
// picture comes from elsewhere, and none is in the markup.
//
// It serves no routes, decides about no access and opens no socket: package web
// does that.
package pages
