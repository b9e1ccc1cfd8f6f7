package pages

import (
	"embed"
	"html/template"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/history"
)

// ContentPolicy is the Content-Security-Policy of every page: it may load what this
// host serves, send forms to this host, and nothing else.
const ContentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Source is where the pages get what they show. Its functions are called from any
// goroutine, several at a time, and wait for nobody.
type Source struct {
	// API answers a request as the whole HTTP surface would, access included;
	// required. The pages ask it for paths below /api/admin alone.
	API http.Handler
	// Gatherer gives the figures; required.
	Gatherer prometheus.Gatherer
	// Listeners are all of the policy, in its order; required.
	Listeners func() []Listener
	// Draining reports whether the proxy is on its way out. Nil: it never is.
	Draining func() bool
	// History is what the listeners had counted, the oldest first. Nil: nothing is
	// kept, and there are no plots.
	History func() []history.Sample
	// LastReload is how the policy was read last; nil, or the zero value: it has not
	// been read again since the start.
	LastReload func() Reload
	// LogFilter is the filter in force. Nil: that is not known.
	LogFilter func() string
	// Log is told of pages that could not be made; required.
	Log *slog.Logger
	// Version is the daemon's.
	Version string
}

// Listener is a SOCKS listener of the policy.
type Listener struct {
	Address   string
	Accepting bool
	Drained   bool      // by request: it is not meant to accept
	Since     time.Time // when Accepting last changed
	Restarts  uint64    // of its acceptor
	Failure   string    // why it does not accept; empty when it does
}

// Reload is an attempt to read the policy again.
type Reload struct {
	Policy  string // its file; empty: it is made from flags
	At      time.Time
	Result  string // ok, unchanged or failed
	Problem string // why it failed; empty when it did not
}

// Route is one path, and what answers each method.
type Route struct {
	Path    string
	Methods map[string]http.Handler
}

//go:embed files
var files embed.FS

// Pages makes the pages. It may be used by any goroutine.
type Pages struct {
	source    Source
	glances   glances
	templates map[string]*template.Template
	watchers  chan struct{} // one for each stream there may be
}

// mostWatchers is how many pages follow the proxy at once. Each holds one of the
// few connections that the HTTP listener has.
const mostWatchers = 20

// New reads the templates, which are in the binary: it panics if they are no
// templates.
func New(s Source) *Pages {
	p := &Pages{source: s, templates: make(map[string]*template.Template), watchers: make(chan struct{}, mostWatchers)}
	layout := template.Must(template.New("").Funcs(functions()).ParseFS(files, "files/layout.html", "files/parts.html"))
	for _, v := range p.views() {
		p.templates[v.name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "files/"+v.name+".html"))
	}
	p.templates[noticeName] = template.Must(template.Must(layout.Clone()).ParseFS(files, "files/"+noticeName+".html"))
	return p
}

// Routes are all there is, by their paths.
func (p *Pages) Routes() []Route {
	var all []Route
	for _, v := range p.views() {
		methods := map[string]http.Handler{http.MethodGet: p.show(v)}
		if v.act != nil {
			methods[http.MethodPost] = v.act
		}
		all = append(all, Route{v.path, methods})
	}
	for _, name := range slices.Sorted(maps.Keys(assets)) {
		all = append(all, Route{"/ui/" + name, map[string]http.Handler{http.MethodGet: asset(name)}})
	}
	return all
}

// assets are the files that pages load, with their types.
var assets = map[string]string{
	"page.css": "text/css; charset=utf-8",
	"page.js":  "text/javascript; charset=utf-8",
}

func asset(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		body, err := files.ReadFile("files/" + name)
		if err != nil {
			http.Error(w, "Error: a part of the page is missing", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		write(w, http.StatusOK, assets[name], body)
	})
}
