package adminclient

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

const sourcesPath = "/api/admin/sources"

// SourceFilter says which sources are meant; empty fields say nothing.
type SourceFilter struct {
	Source  string // an address or a network
	State   string // serving, paused or draining
	Plumbed string // yes, no, unknown or freebind
}

// Sources is a part of the list of sending addresses.
type Sources struct {
	Sources []Source `json:"sources"`
	Total   int      `json:"total"`
	Next    string   `json:"next"` // empty: there are no more
}

// Source is one sending address.
type Source struct {
	Address     string            `json:"address"`
	Known       bool              `json:"known"` // the policy names it
	Plumbed     string            `json:"plumbed"`
	State       string            `json:"state"`
	Since       time.Time         `json:"since"`
	Until       time.Time         `json:"until"` // zero: until it is resumed
	Reason      string            `json:"reason"`
	By          string            `json:"by"`
	Sessions    int64             `json:"sessions"`
	Dials       map[string]uint64 `json:"dials"`
	DialRatio   *float64          `json:"dial_ratio"` // nil: there was none
	Greetings   map[string]uint64 `json:"greetings"`  // by class: 2xx, 4xx, 5xx, none
	LastSuccess time.Time         `json:"last_success"`
	LastRefusal *Refusal          `json:"last_refusal"`
	PortsUsed   float64           `json:"ports_used_ratio"`
}

// Refusal is what an upstream said that would not talk to a source.
type Refusal struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	From string    `json:"from"`
}

// Sources lists those that a filter means.
func (c *Client) Sources(ctx context.Context, f SourceFilter, p Page) (Answer[Sources], error) {
	q := url.Values{}
	setNonEmpty(q, map[string]string{"source": f.Source, "state": f.State, "plumbed": f.Plumbed})
	p.addTo(q)
	return ask[Sources](ctx, c, call{method: http.MethodGet, path: sourcesPath, query: q})
}

// ChangedSources is what was decided about sources.
type ChangedSources struct {
	Network  string    `json:"network"`
	State    string    `json:"state"`
	Until    time.Time `json:"until"` // zero: until they are resumed
	Sources  []string  `json:"sources"`
	Sessions int64     `json:"sessions"` // which go on
	Ended    int       `json:"ended"`
	Kept     bool      `json:"kept"`
	Note     string    `json:"note"` // why it is not kept
}

// Hold is a pause or a drain that is wanted.
type Hold struct {
	Source string // an address or a network
	For    string // a duration; "": until they are resumed
	Reason string // for people
}

// PauseSources has sources not used for a while.
func (c *Client) PauseSources(ctx context.Context, h Hold) (Answer[ChangedSources], error) {
	return c.changeSources(ctx, "pause", h)
}

// DrainSources has sources not used any more, while what uses them goes on.
func (c *Client) DrainSources(ctx context.Context, h Hold) (Answer[ChangedSources], error) {
	return c.changeSources(ctx, "drain", h)
}

// ResumeSources has the sources of a network, or an address, used again.
func (c *Client) ResumeSources(ctx context.Context, source string) (Answer[ChangedSources], error) {
	return c.changeSources(ctx, "resume", Hold{Source: source})
}

func (c *Client) changeSources(ctx context.Context, verb string, h Hold) (Answer[ChangedSources], error) {
	body := map[string]string{"source": h.Source}
	for key, value := range map[string]string{"for": h.For, "reason": h.Reason} {
		if value != "" {
			body[key] = value
		}
	}
	return ask[ChangedSources](ctx, c, call{method: http.MethodPost, path: sourcesPath + "/" + verb, body: body})
}
