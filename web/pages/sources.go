package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

const sourcesPath = "/api/admin/sources"

// sourcesView is a part of the list.
type sourcesView struct {
	List adminclient.Sources

	Source, State, Plumbed, Sort string
	Filtered                     bool   // there is a filter
	NextPage                     string // where those that follow are; empty: there are no more
	First                        bool   // the list begins with the first source
}

// percent is a share for people; nil: there is none.
func percent(ratio *float64) string {
	if ratio == nil {
		return "–"
	}
	return strconv.FormatFloat(*ratio*100, 'f', 1, 64)
}

func (p *Pages) sources(r *http.Request) (any, error) {
	values := r.URL.Query()
	v := sourcesView{
		Source: strings.TrimSpace(values.Get("source")), State: values.Get("state"), Plumbed: values.Get("plumbed"),
		Sort: values.Get("sort"), First: values.Get("after") == "",
	}
	v.Filtered = v.Source != "" || v.State != "" || v.Plumbed != ""
	query := url.Values{}
	for name, value := range map[string]string{"source": v.Source, "state": v.State, "plumbed": v.Plumbed, "sort": v.Sort, "after": values.Get("after")} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if err := p.ask(r, http.MethodGet, sourcesPath, query, nil, &v.List); err != nil {
		return v, err
	}
	if v.List.Next != "" {
		query.Set("after", v.List.Next)
		v.NextPage = "/ui/sources?" + query.Encode()
	}
	return v, nil
}

// verbs are what a form may ask for, and what that means.
var verbs = map[string]struct{ title, about string }{
	"pause":  {"Pause", "Clients that ask for it are refused and take another source. Sessions go on."},
	"drain":  {"Drain", "Clients that ask for it are refused and take another source, until somebody resumes it. Sessions go on until they end."},
	"resume": {"Resume", "Clients get it again when they ask for it."},
}

// changeSources is a POST from the page of the sources.
func (p *Pages) changeSources(w http.ResponseWriter, r *http.Request) {
	fields, confirmed, err := posted(r, "source", "do", "for", "reason")
	verb, known := verbs[fields["do"]]
	switch {
	case err != nil:
	case !known:
		err = &problem{http.StatusUnprocessableEntity, "do: expected pause, drain or resume"}
	case fields["source"] == "":
		err = &problem{http.StatusUnprocessableEntity, "source: expected an address or a network"}
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if !confirmed {
		p.confirm(w, r, notice{
			Heading: verb.title + " " + fields["source"] + "?", Text: verb.about, Fields: fields, Button: verb.title + " " + fields["source"],
		})
		return
	}
	body := map[string]string{"source": fields["source"]}
	for _, name := range []string{"for", "reason"} {
		if fields[name] != "" && fields["do"] != "resume" {
			body[name] = fields[name]
		}
	}
	var done adminclient.ChangedSources
	if err := p.ask(r, http.MethodPost, sourcesPath+"/"+fields["do"], nil, body, &done); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.tell(w, r, whatChanged(done))
}

// whatChanged says what was decided.
func whatChanged(d adminclient.ChangedSources) string {
	text := d.Network + " is " + d.State
	if !d.Until.IsZero() {
		text += " until " + d.Until.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	text += fmt.Sprintf(". Sources there: %s, sessions that go on: %s.", formatNumber(float64(len(d.Sources))), formatNumber(float64(d.Sessions)))
	if d.Note != "" {
		text += " " + capital(d.Note) + "."
	}
	return text
}
