package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/troupe-proxy/troupe/internal/access"
)

// Authority is the policy, as far as it says who may do what. *policy.Hooks
// implements it. Its methods may be called from any goroutine and may wait.
type Authority interface {
	// Login gives what is known of a client once it has shown credentials. The error
	// is access.ErrRefused when they are not good; any other means that the policy
	// could not say, and shows no password.
	Login(ctx context.Context, who access.Auth, c access.Credentials) (access.Auth, error)
	// Authorize decides. With an error nothing is decided.
	Authorize(ctx context.Context, q access.Query) (access.Decision, error)
}

// decisionTime is how long all questions about one request may take together.
const decisionTime = 20 * time.Second

// PolicyAccess is an Access that asks the policy: who a client is that shows
// credentials, and what it may do. Its rules:
//
//   - The privilege is the method, and that of HEAD is GET.
//   - A peer out of TrustedHosts is in the group of trusted ones, if it asks under a
//     name of this host. One on a Unix socket is in any case.
//   - Who shows credentials that are not good gets 401, wherever it comes from.
//   - Who is refused gets 403 if it has shown credentials, or if it would have been
//     trusted but for the name that it asked under; all others get 401 and are told
//     how to log in.
//   - A method that the path has not is 405 for those who may use one that it has.
//   - While the policy cannot say, the answer is 500, but for the health checks,
//     which stay open.
//
// It reads TrustedHosts, Hostname, AllowedHosts, Listener and Log of the Config.
func (c Config) PolicyAccess(a Authority) func(Route) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return func(route Route) http.Handler { return &guarded{config: c, authority: a, route: route} }
}

// guarded is a route behind the policy.
type guarded struct {
	config    Config
	authority Authority
	route     Route
}

// staysOpen are the paths that are answered while the policy cannot say who may:
// whoever takes a proxy out of service for what is wrong with a handler of its
// interface stops the mail.
func staysOpen(path string) bool {
	return slices.Contains([]string{"/proxy/status", "/livez", "/readyz"}, path)
}

// ServeHTTP implements http.Handler.
func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	shown, given, problem := credentialsOf(r)
	if problem != "" {
		writeText(w, http.StatusBadRequest, problem)
		return
	}
	if g.admits(w, r, shown, given) {
		g.route.Handler.ServeHTTP(w, r)
	}
}

// admits lets the request pass, or answers it.
func (g *guarded) admits(w http.ResponseWriter, r *http.Request, shown access.Credentials, given bool) bool {
	ctx, cancel := context.WithTimeout(r.Context(), decisionTime)
	defer cancel()
	who, foreign := g.peer(r)
	if given {
		known, err := g.authority.Login(ctx, who, shown)
		switch {
		case errors.Is(err, access.ErrRefused):
			challenge(w, shown)
			writeText(w, http.StatusUnauthorized, shown.Context+" Authentication Failed for "+cut(shown.Attempted().Identity))
			return false
		case err != nil:
			return g.undecided(w, r, err)
		}
		who = known
	}
	q := access.Query{Resource: access.HTTPResource(g.config.listener(ctx), r.URL.EscapedPath()), Who: who, Privilege: privilegeOf(r)}
	d, err := g.decide(ctx, q)
	switch {
	case err != nil:
		return g.undecided(w, r, err)
	case d.Allow:
		return true
	case given:
		writeText(w, http.StatusForbidden, d.Refusal(q))
	case foreign:
		writeForeignHost(w, r)
	default:
		challenge(w, access.Credentials{})
		writeText(w, http.StatusUnauthorized, d.Refusal(q))
	}
	return false
}

// peer is who asks as far as the address tells, and whether it is an address that
// is trusted under another name than it asks for.
func (g *guarded) peer(r *http.Request) (who access.Auth, foreign bool) {
	who.Peer, _ = peerOf(r)
	switch {
	case !g.config.trustsAddress(r):
		return who, false
	case !g.config.ownName(r):
		return who, true
	}
	who.Groups = []string{access.TrustedGroup}
	return who, false
}

// decide asks about the method, and about those of the route if it has not this
// one: whoever may use one of them may know which there are.
func (g *guarded) decide(ctx context.Context, q access.Query) (access.Decision, error) {
	d, err := g.authority.Authorize(ctx, q)
	if err != nil || d.Allow || slices.Contains(g.route.Methods, q.Privilege) {
		return d, err
	}
	for _, method := range g.route.Methods {
		other := q
		if other.Privilege = method; method == http.MethodHead {
			continue
		}
		if o, err := g.authority.Authorize(ctx, other); err != nil || o.Allow {
			return o, err
		}
	}
	return d, nil
}

func privilegeOf(r *http.Request) string {
	if r.Method == http.MethodHead {
		return http.MethodGet
	}
	return r.Method
}

// undecided lets a health check pass; all else waits until the policy can say.
func (g *guarded) undecided(w http.ResponseWriter, r *http.Request, err error) bool {
	if r.Context().Err() == nil {
		g.config.Log.Error("the policy could not say who may use an HTTP route", slog.String("method", r.Method),
			slog.String("path", g.route.Path), slog.String("peer", peerText(r)), slog.Any("error", err))
	}
	if staysOpen(g.route.Path) {
		return true
	}
	writeText(w, http.StatusInternalServerError, "try again later")
	return false
}

// challenge says how to log in, RFC 9110 section 11.6.1. A token that was refused
// is not to be tried again, RFC 6750 section 3.1.
func challenge(w http.ResponseWriter, shown access.Credentials) {
	bearer := `Bearer realm="troupe"`
	if shown.Context == access.BearerToken {
		bearer += `, error="invalid_token"`
	}
	w.Header()["Www-Authenticate"] = []string{`Basic realm="troupe", charset="UTF-8"`, bearer}
}
