package pages

import (
	"bytes"
	"net/http"
	"strconv"
)

// view is one page.
type view struct {
	name  string // of its template
	path  string
	title string
	// data is what the template shows now. A *problem is shown in its place.
	data func(*http.Request) (any, error)
	// act does what a form of the page asks for; nil: it has none.
	act http.HandlerFunc
}

// views are all pages, in the order of the menu.
func (p *Pages) views() []view {
	return []view{
		{"sources", "/ui/sources", "Sources", p.sources, p.changeSources},
		{"overview", "/", "Overview", p.overview, p.drain},
		{"tree", "/ui/tree", "Actors", p.tree, p.restart},
		{"sessions", "/ui/sessions", "Sessions", p.sessions, p.endSessions},
		{"destinations", "/ui/destinations", "Destinations", p.destinations, nil},
		{"policy", "/ui/policy", "Policy", p.policy, p.reload},
		{"log", "/ui/log", "Log", p.log, p.setLogFilter},
	}
}

// frame is what every template is given.
type frame struct {
	Path, Title, Version string
	Menu                 []view
	Live                 bool // it follows the proxy
	Problem              string
	Data                 any
}

// Path and Title are for the template of the menu.
func (v view) Path() string  { return v.path }
func (v view) Title() string { return v.title }

// show is a GET of a page: the page itself, or what of it changes, as a stream.
func (p *Pages) show(v view) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if r.Header.Get("Accept") == eventStream {
			p.follow(w, r, v)
			return
		}
		status, f := p.frame(v, r)
		p.render(w, status, v.name, f)
	})
}

// frame is the data of a page as it is now, and the status that goes with it.
func (p *Pages) frame(v view, r *http.Request) (status int, f frame) {
	f = frame{Path: v.path, Title: v.title, Version: p.source.Version, Menu: p.views(), Live: true}
	data, err := v.data(r)
	if err != nil {
		refused := asProblem(err)
		f.Problem = refused.text
		return refused.status, f
	}
	f.Data = data
	return http.StatusOK, f
}

// render sends a page.
func (p *Pages) render(w http.ResponseWriter, status int, name string, f frame) {
	var out bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&out, "layout", f); err != nil {
		p.source.Log.Error("a page could not be made: " + err.Error())
		http.Error(w, "Error: the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", ContentPolicy)
	h.Set("Cache-Control", "no-store")
	write(w, status, "text/html; charset=utf-8", out.Bytes())
}

// live is the part of a page that changes.
func (p *Pages) live(v view, r *http.Request) ([]byte, error) {
	_, f := p.frame(v, r)
	var out bytes.Buffer
	err := p.templates[v.name].ExecuteTemplate(&out, "live", f)
	return out.Bytes(), err
}

// write sends an answer. An error means that the client has gone.
func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
