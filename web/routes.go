package web

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// Handler is the whole surface. Its rules:
//
//   - A path is what the client wrote: it is not cleaned, decoded or completed,
//     and nothing is redirected. Another path is 404 with an empty body, for
//     everyone.
//   - A body in an encoding that is not known is 415 with an empty body and says
//     in Accept-Encoding which are, for everyone and on any path.
//   - A browser that asks to change something for a page of another origin is
//     refused with 403.
//   - Who may not use a path is refused before its method is looked at: with 401,
//     and with 403 for a trusted peer that asked under a name of someone else's.
//     See access in this file, and trust.go.
//   - HEAD is answered as GET. Another method is 405 with Allow and an empty body.
//   - A body longer than the limit, decompressed, is 413, even where nothing reads it.
//   - Errors are text/plain, "Error: " and the reason, but for those that KumoMTA
//     words otherwise.
//   - A panic is 500, is logged, and ends the request alone.
//   - Every answer forbids a browser to guess its type, to show it in a frame, and,
//     pages excepted, to load anything for it.
func Handler(c Config) http.Handler {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	r := mux.NewRouter().UseEncodedPath().SkipClean(true)
	r.NotFoundHandler = http.HandlerFunc(handleNotFound)
	origin := newOriginCheck()
	for _, row := range slices.Concat(c.rows(), c.operatorRows(r)) {
		route := Route{
			Path: row.path, Needs: row.needs, Methods: row.methods.names(),
			Handler: limitBody(c.RequestBodyLimit, row.methods),
		}
		r.Handle(row.path, origin.Handler(c.access()(route)))
	}
	return busy(guard(c.Log, secure(newCompressor().compress(decodeBody(c.RequestBodyLimit, r)))))
}

// row is a path, what a client needs to be let in, and what answers it.
type row struct {
	path    string
	needs   Privilege
	methods methods
}

// rows are all there is.
func (c Config) rows() []row {
	document, page := newDocument(c), newPage(c)
	return []row{
		{"/metrics", Trusted, methods{"GET": newMetricsHandler(c)}},
		{"/metrics.json", Trusted, methods{"GET": http.HandlerFunc(c.handleMetricsJSON)}},
		{"/proxy/status", Everyone, methods{"GET": http.HandlerFunc(c.handleStatus)}},
		{"/livez", Everyone, methods{"GET": http.HandlerFunc(c.handleLive)}},
		{"/readyz", Everyone, methods{"GET": http.HandlerFunc(c.handleReady)}},
		{"/api/machine-info", Trusted, methods{"GET": http.HandlerFunc(c.handleMachineInfo)}},
		{"/api/admin/bump-config-epoch", Trusted, methods{"POST": http.HandlerFunc(c.handleEpochBump)}},
		{"/api/admin/memory/stats", Trusted, methods{"GET": http.HandlerFunc(c.handleMemoryStats)}},
		{"/api/admin/task-dump", Trusted, methods{"GET": newTaskDump()}},
		{"/api/admin/set_diagnostic_log_filter/v1", Trusted, methods{"POST": http.HandlerFunc(c.handleLogFilterSet)}},
		{"/api/admin/tree", Trusted, methods{"GET": c.controlled(c.handleTree)}},
		{"/api/admin/restart", Trusted, methods{"POST": c.controlled(c.handleRestart)}},
		{"/api/admin/sessions", Trusted, methods{"GET": c.controlled(c.handleSessionsList), "DELETE": c.controlled(c.handleSessionsEnd)}},
		{"/api/admin/sessions/{id}", Trusted, methods{"DELETE": withID(c.controlled(c.handleSessionEnd))}},
		{"/api/admin/who", Trusted, methods{"GET": c.controlled(c.handleWho)}},
		{"/api/admin/log/reopen", Trusted, methods{"POST": c.controlled(c.handleLogReopen)}},
		{"/api/admin/bans", Trusted, methods{"GET": c.controlled(c.handleBansList), "DELETE": c.controlled(c.handleBanLift)}},
		{"/api/admin/reload", Trusted, methods{"POST": c.controlled(c.handleReload)}},
		{"/api/admin/upgrade", Trusted, methods{"POST": c.controlled(c.handleUpgrade)}},
		{"/api/admin/drain", Trusted, methods{"POST": c.controlled(c.handleDrain), "DELETE": c.controlled(c.handleUndrain)}},
		{"/api/admin/sources", Trusted, methods{"GET": c.controlled(c.handleSourcesList)}},
		{"/api/admin/sources/pause", Trusted, methods{"POST": c.controlled(c.handleSourcesHold("paused"))}},
		{"/api/admin/sources/drain", Trusted, methods{"POST": c.controlled(c.handleSourcesHold("draining"))}},
		{"/api/admin/sources/resume", Trusted, methods{"POST": c.controlled(c.handleSourcesResume)}},
		{"/api/admin/sources/probe", Trusted, methods{"POST": c.controlled(c.handleSourcesProbe)}},
		{"/api/admin/destinations", Trusted, methods{"GET": c.controlled(c.handleDestinationsList)}},
		{"/api-docs/openapi.json", Everyone, methods{"GET": document}},
		{"/rapidoc", Everyone, methods{"GET": page.index()}},
		{"/rapidoc/start.js", Everyone, methods{"GET": page.script()}},
		{"/rapidoc/swagger-ui-bundle.js", Everyone, methods{"GET": page.asset("swagger-ui-bundle.js", typeScript)}},
		{"/rapidoc/swagger-ui.css", Everyone, methods{"GET": page.asset("swagger-ui.css", typeStyle)}},
	}
}

// Privilege is what a client needs for a route when no policy says otherwise.
type Privilege uint8

const (
	// Everyone may use the route.
	Everyone Privilege = iota
	// Trusted hosts may use the route.
	Trusted
)

// Route is one row, for whoever decides about access. A client has to be
// permitted the method of its request, which need not be one of the route's.
type Route struct {
	Path    string // no pattern; it begins with a slash
	Needs   Privilege
	Methods []string // that are answered, sorted
	// Handler answers who is let in. The body it reads is decompressed already.
	Handler http.Handler
}

// access is what decides about each route.
func (c Config) access() func(Route) http.Handler {
	if c.Access != nil {
		return c.Access
	}
	return c.trustedHosts
}

// methods is one path: a handler for each method. HEAD is GET's unless it has
// its own; net/http leaves the body out.
type methods map[string]http.Handler

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if _, own := m[method]; !own && method == http.MethodHead {
		method = http.MethodGet
	}
	if h, known := m[method]; known {
		h.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(m.names(), ", "))
	w.WriteHeader(http.StatusMethodNotAllowed)
}

// names are the methods that are answered, sorted.
func (m methods) names() []string {
	names := slices.Collect(maps.Keys(m))
	if _, get := m[http.MethodGet]; get && m[http.MethodHead] == nil {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return names
}

func handleNotFound(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
