// Package web is what Troupe says over HTTP: its metrics, whether it works, and
// what a person needs who looks into it, under the paths and with the answers of
// KumoMTA's proxy-server. The routes stand on one screen, in routes.go; what
// describes them for machines and people, in operations.go.
//
// It decides nothing but who is let in, when nobody else does: figures come from a
// prometheus.Gatherer, all else from functions, asked anew for each request. They
// must not wait for anybody. What a request may set off are two functions more: the
// log filter and the epoch of the policy. Nothing here opens a socket, knows an
// actor or a policy, or keeps a number. What comes of it goes to the client of the
// request.
package web
