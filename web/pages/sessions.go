package pages

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

const sessionsPath = "/api/admin/sessions"

// sessionsView is a part of the list.
type sessionsView struct {
	List adminclient.Sessions

	Filters  []filter
	Filtered bool // there is a filter
	Sort     string
	NextPage string // where those that follow are; empty: there are no more
	First    bool   // the list begins with the first session
}

// filter is a field of the form that says which sessions are meant.
type filter struct{ Name, Label, Value, Hint string }

var filters = []filter{
	{Name: "client", Label: "Client", Hint: "an address, or a network such as 10.0.0.0/8"},
	{Name: "destination", Label: "Destination", Hint: "an address or a network"},
	{Name: "source", Label: "Source", Hint: "our address towards the upstream"},
	{Name: "user", Label: "User", Hint: "as the policy calls the client"},
	{Name: "listener", Label: "Listener", Hint: "its address and port"},
	{Name: "older_than", Label: "Older than", Hint: "such as 90 (seconds) or 5m"},
	{Name: "idle_longer_than", Label: "Idle for longer than", Hint: "such as 90 (seconds) or 5m"},
}

// filtersOf are the filters with the values that a form has for them, and a query
// for the API of those that have one.
func filtersOf(values url.Values) (fields []filter, query url.Values) {
	query = url.Values{}
	for _, f := range filters {
		f.Value = strings.TrimSpace(values.Get(f.Name))
		fields = append(fields, f)
		if f.Value != "" {
			query.Set(f.Name, f.Value)
		}
	}
	return fields, query
}

func (p *Pages) sessions(r *http.Request) (any, error) {
	values := r.URL.Query()
	fields, query := filtersOf(values)
	v := sessionsView{Filters: fields, Filtered: len(query) > 0, Sort: values.Get("sort"), First: values.Get("after") == ""}
	for _, name := range []string{"sort", "after"} {
		if values.Get(name) != "" {
			query.Set(name, values.Get(name))
		}
	}
	if err := p.ask(r, http.MethodGet, sessionsPath, query, nil, &v.List); err != nil {
		return v, err
	}
	if v.List.Next != "" {
		query.Set("after", v.List.Next)
		v.NextPage = "/ui/sessions?" + query.Encode()
	}
	return v, nil
}

// endSessions is a POST from the page of the sessions: for one that has an id, or
// for those that the filters mean.
func (p *Pages) endSessions(w http.ResponseWriter, r *http.Request) {
	names := []string{"id"}
	for _, f := range filters {
		names = append(names, f.Name)
	}
	fields, confirmed, err := posted(r, names...)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	path, query := sessionsPath, url.Values{}
	if id := fields["id"]; id != "" {
		path += "/" + url.PathEscape(id)
	} else {
		for name, value := range fields {
			query.Set(name, value)
		}
	}
	if !confirmed {
		p.askEnd(w, r, fields, path, query)
		return
	}
	var done adminclient.Ended
	if err := p.ask(r, http.MethodDelete, path, query, nil, &done); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.tell(w, r, capital(howMany(done.Ended))+" ended: "+consequences(done, "waited"))
}

// askEnd says which sessions will be cut, and what that means for their mail.
func (p *Pages) askEnd(w http.ResponseWriter, r *http.Request, fields map[string]string, path string, query url.Values) {
	var would adminclient.Ended
	query.Set("dry_run", "true")
	err := p.ask(r, http.MethodDelete, path, query, nil, &would)
	if err == nil && would.Ended == 0 {
		err = &problem{http.StatusNotFound, "there is no such session any more"}
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.confirm(w, r, notice{
		Heading: "End " + howMany(would.Ended) + "?", Text: consequences(would, "waiting"),
		Fields: maps.Clone(fields), Button: "End " + howMany(would.Ended),
	})
}

func howMany(n int) string {
	if n == 1 {
		return "1 session"
	}
	return formatNumber(float64(n)) + " sessions"
}

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

// consequences say what it means for the mail.
func consequences(e adminclient.Ended, waiting string) string {
	text := fmt.Sprintf("%s %s for the client: nothing is lost, it will connect again.", howMany(e.WaitingForClient), waiting)
	if e.WaitingForUpstream > 0 {
		text += fmt.Sprintf(" %s %s for the upstream: a mail under way may be delivered twice.", howMany(e.WaitingForUpstream), waiting)
	}
	return text
}
