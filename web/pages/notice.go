package pages

import (
	"errors"
	"net/http"
	"strings"
)

const noticeName = "notice"

// notice is what a form gets: what was done, why it was not, or a question. The
// script of a page takes it out of the answer; without it, it is a page.
type notice struct {
	Heading string
	Text    string
	Back    string // the page to go on with
	Failed  bool
	// Fields and Button are of the form that says yes to a question; no button: it
	// is none.
	Fields map[string]string
	Button string
}

// posted are the fields of a form that have a value, and whether it was confirmed.
// One that is not known is an error, since it may be a filter that would be missed.
func posted(r *http.Request, names ...string) (fields map[string]string, confirmed bool, err error) {
	if err := r.ParseForm(); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return nil, false, &problem{http.StatusRequestEntityTooLarge, "the form is longer than request_body_limit"}
		}
		return nil, false, &problem{http.StatusBadRequest, "the form cannot be read: " + err.Error()}
	}
	known := make(map[string]bool)
	for _, name := range append(names, "confirm") {
		known[name] = true
	}
	fields = make(map[string]string)
	for name, values := range r.PostForm {
		switch {
		case !known[name]:
			return nil, false, &problem{http.StatusUnprocessableEntity, "the form has a field that is not known"}
		case len(values) > 1:
			return nil, false, &problem{http.StatusUnprocessableEntity, name + ": expected once"}
		case name == "confirm":
			confirmed = values[0] == "yes"
		case strings.TrimSpace(values[0]) != "":
			fields[name] = strings.TrimSpace(values[0])
		}
	}
	return fields, confirmed, nil
}

// tell says what was done.
func (p *Pages) tell(w http.ResponseWriter, r *http.Request, text string) {
	p.notify(w, http.StatusOK, notice{Heading: "Done", Text: text, Back: r.URL.Path})
}

// confirm asks before something is done.
func (p *Pages) confirm(w http.ResponseWriter, r *http.Request, n notice) {
	n.Back = r.URL.Path
	p.notify(w, http.StatusOK, n)
}

// refuse says why something was not done.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := asProblem(err)
	p.notify(w, refused.status, notice{Heading: "Not done", Text: refused.text, Back: r.URL.Path, Failed: true})
}

func (p *Pages) notify(w http.ResponseWriter, status int, n notice) {
	title := n.Heading
	for _, v := range p.views() {
		if v.path == n.Back {
			title = v.title
		}
	}
	p.render(w, status, noticeName, frame{
		Path: n.Back, Title: title, Version: p.source.Version, Menu: p.views(), Data: n,
	})
}
