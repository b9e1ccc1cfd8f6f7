package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/swaggest/swgui/v5/static"
)

// Types of what the page is made of.
const (
	typePage   = "text/html; charset=utf-8"
	typeScript = "text/javascript; charset=utf-8"
	typeStyle  = "text/css; charset=utf-8"
)

// pagePolicy lets the page load what this host serves, and nothing else. The
// style sheet has pictures in it, as data.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var pageFiles embed.FS

// page is the API for people, to read and to try out: Swagger UI, under an index
// and a start script of our own, so that no script has to be in the page itself.
type page struct {
	own    fs.FS
	assets fs.FS // compressed
	config Config
}

func newPage(c Config) page { return page{own: pageFiles, assets: static.FS, config: c} }

// index is the page.
func (p page) index() http.Handler {
	serve := p.file("page/index.html", typePage)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		serve.ServeHTTP(w, r)
	})
}

// script starts what the page shows.
func (p page) script() http.Handler { return p.file("page/start.js", typeScript) }

// file is one of ours.
func (p page) file(name, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		body, err := fs.ReadFile(p.own, name)
		if err != nil {
			p.missing(w, err)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		writeWhole(w, http.StatusOK, contentType, body)
	})
}

// asset is one that is compressed already, and sent so to whom accepts it.
func (p page) asset(name, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := fs.ReadFile(p.assets, name+".gz")
		if err != nil {
			p.missing(w, err)
			return
		}
		h := w.Header()
		addVary(h)
		h.Set("Cache-Control", "no-cache")
		if acceptedCoding(r.Header) == "gzip" {
			h.Set("Content-Encoding", "gzip")
			writeWhole(w, http.StatusOK, contentType, body)
			return
		}
		plain, err := gunzip(body)
		if err != nil {
			p.missing(w, err)
			return
		}
		writeWhole(w, http.StatusOK, contentType, plain)
	})
}

// missing is told of a file that the binary ought to have.
func (p page) missing(w http.ResponseWriter, err error) {
	p.config.Log.Error("a part of the page for the API cannot be read: " + err.Error())
	writeError(w, http.StatusInternalServerError, "a part of the page is missing: "+strings.TrimSpace(err.Error()))
}

func gunzip(compressed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
