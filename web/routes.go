package web

import (
	"cmp"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"
)

// Handler is the whole surface. Its rules:
//
//   - A path is what the client wrote: it is not cleaned, decoded or completed,
//     and nothing is redirected. Another path is 404 with an empty body, for
//     everyone.
//   - On a path for trusted peers another peer is refused with 401, before its
//     method is looked at. Who is trusted is in trust.go.
//   - HEAD is answered as GET. Another method is 405 with Allow and an empty body.
//   - A body longer than the limit is 413, even where nothing reads it.
//   - Errors are text/plain, "Error: " and the reason.
//   - A panic is 500, is logged, and ends the request alone.
//   - Every answer forbids a browser to guess its type and to load anything for it.
func Handler(c Config) http.Handler {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	trusted, everyone := c.trustedOnly(), anyPeer

	r := mux.NewRouter().UseEncodedPath().SkipClean(true)
	r.NotFoundHandler = http.HandlerFunc(handleNotFound)
	for _, route := range []struct {
		path    string
		access  func(http.Handler) http.Handler
		methods methods
	}{
		{"/metrics", trusted, methods{"GET": newMetricsHandler(c)}},
		{"/metrics.json", trusted, methods{"GET": http.HandlerFunc(c.handleMetricsJSON)}},
		{"/proxy/status", everyone, methods{"GET": http.HandlerFunc(c.handleStatus)}},
	} {
		r.Handle(route.path, route.access(limitBody(c.RequestBodyLimit, route.methods)))
	}
	return guard(c.Log, secure(r))
}

func handleNotFound(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
