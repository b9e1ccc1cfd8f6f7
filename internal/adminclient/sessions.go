package adminclient

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

const sessionsPath = "/api/admin/sessions"

// Filter says which sessions are meant; empty fields say nothing. Addresses are
// exact, or networks; times are durations such as "90" (seconds) or "5m".
type Filter struct {
	Listener, Client, User, Source, Destination string
	OlderThan, IdleLongerThan                   string
}

// IsZero reports whether all sessions are meant.
func (f Filter) IsZero() bool { return f == Filter{} }

func (f Filter) query() url.Values {
	q := url.Values{}
	setNonEmpty(q, map[string]string{
		"listener": f.Listener, "client": f.Client, "user": f.User, "source": f.Source,
		"destination": f.Destination, "older_than": f.OlderThan, "idle_longer_than": f.IdleLongerThan,
	})
	return q
}

// Page says which part of a list is wanted, and in what order.
type Page struct {
	Sort  string // by what, as the list has it; with - before it the other way round
	Limit int    // 0: as many as the daemon gives
	After string // Next of the part before
}

// addTo puts it into the query of a list.
func (p Page) addTo(q url.Values) {
	setNonEmpty(q, map[string]string{"sort": p.Sort, "after": p.After})
	if p.Limit > 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
}

// setNonEmpty puts the parameters into a query that say something.
func setNonEmpty(q url.Values, parameters map[string]string) {
	for key, value := range parameters {
		if value != "" {
			q.Set(key, value)
		}
	}
}

// Sessions is a part of the list.
type Sessions struct {
	Sessions []Session `json:"sessions"`
	Total    int       `json:"total"`
	Next     string    `json:"next"` // empty: there are no more
}

// Session is one client's. Addresses are ip:port, and empty as long as they are
// not known.
type Session struct {
	ID            string  `json:"id"`
	Listener      string  `json:"listener"`
	Client        string  `json:"client"`
	User          string  `json:"user"`
	Source        string  `json:"source"`
	Destination   string  `json:"destination"`
	Group         string  `json:"group"` // of the destination; empty: none
	Phase         string  `json:"phase"`
	WaitingFor    string  `json:"waiting_for"` // client or upstream
	AgeSeconds    float64 `json:"age_seconds"`
	IdleSeconds   float64 `json:"idle_seconds"`
	BytesReceived uint64  `json:"bytes_received"`
	BytesSent     uint64  `json:"bytes_sent"`
	Process       string  `json:"process"` // old: of the one that was taken over from
}

// Sessions lists those that a filter means.
func (c *Client) Sessions(ctx context.Context, f Filter, p Page) (Answer[Sessions], error) {
	q := f.query()
	p.addTo(q)
	return ask[Sessions](ctx, c, call{method: http.MethodGet, path: sessionsPath, query: q})
}

// Ended is what came of ending sessions.
type Ended struct {
	Ended int `json:"ended"`
	// WaitingForUpstream are those whose mail may be delivered twice: the client
	// had sent it and not heard the answer.
	WaitingForClient   int  `json:"waiting_for_client"`
	WaitingForUpstream int  `json:"waiting_for_upstream"`
	DryRun             bool `json:"dry_run"`
}

// EndSession ends one.
func (c *Client) EndSession(ctx context.Context, id string) (Answer[Ended], error) {
	return ask[Ended](ctx, c, call{method: http.MethodDelete, path: sessionsPath + "/" + url.PathEscape(id)})
}

// EndSessions ends those that a filter means, which must not be all, or says what
// that would do.
func (c *Client) EndSessions(ctx context.Context, f Filter, dryRun bool) (Answer[Ended], error) {
	q := f.query()
	if dryRun {
		q.Set("dry_run", "true")
	}
	return ask[Ended](ctx, c, call{method: http.MethodDelete, path: sessionsPath, query: q})
}

// Owner is who a source port belongs to.
type Owner struct {
	Client      string `json:"client"`
	User        string `json:"user"`
	Listener    string `json:"listener"`
	Destination string `json:"destination"`
	Session     string `json:"session"`
	Rule        string `json:"rule"`
}

// Who gives the session with a source, which is ip:port.
func (c *Client) Who(ctx context.Context, source string) (Answer[Owner], error) {
	return ask[Owner](ctx, c, call{
		method: http.MethodGet, path: "/api/admin/who", query: url.Values{"address": {source}},
	})
}
