// Package web is what Troupe says over HTTP: its metrics and whether its
// listeners accept. The routes stand on one screen, in routes.go.
//
// It answers and decides nothing: no route changes anything, and nothing here
// opens a socket, knows an actor or keeps a number. Figures come from a
// prometheus.Gatherer, the state of the listeners from a function; both are
// asked anew for each request and must not wait for anybody. What comes of
// them goes to the client of the request.
package web
