package adminclient

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Destinations is a part of the list of the busiest destinations.
type Destinations struct {
	Destinations []Destination `json:"destinations"`
	Total        int           `json:"total"`
	CONNECTs     uint64        `json:"connects"` // to all addresses there are
	Places       uint64        `json:"places"`   // how many are kept at most
	Next         string        `json:"next"`     // empty: there are no more
}

// Destination is an upstream address to which many CONNECTs went.
type Destination struct {
	Address     string            `json:"address"`
	Count       uint64            `json:"count"` // CONNECTs, at most
	Error       uint64            `json:"error"` // by how much Count may be too high
	Since       time.Time         `json:"since"`
	Last        time.Time         `json:"last"`
	Dials       map[string]uint64 `json:"dials"`     // by result, since Since
	Greetings   map[string]uint64 `json:"greetings"` // by class: 2xx, 4xx, 5xx, none
	LastRefusal *RefusedSource    `json:"last_refusal"`
}

// RefusedSource is what a destination said to a source that it would not talk to.
type RefusedSource struct {
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
	Source string    `json:"source"`
}

// Destinations lists those of an address or a network; "" is all.
func (c *Client) Destinations(ctx context.Context, network string, p Page) (Answer[Destinations], error) {
	q := url.Values{}
	setNonEmpty(q, map[string]string{"destination": network})
	p.addTo(q)
	return ask[Destinations](ctx, c, call{method: http.MethodGet, path: "/api/admin/destinations", query: q})
}
