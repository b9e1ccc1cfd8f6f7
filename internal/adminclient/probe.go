package adminclient

import (
	"context"
	"net/http"
	"time"
)

// probeTime is how long a probe may take, a little more than the daemon gives it.
const probeTime = 5 * time.Minute

// Probe is what came of trying sources.
type Probe struct {
	To      string   `json:"to"`
	Failed  int      `json:"failed"`
	Sources []Probed `json:"sources"`
}

// Probed is what came of one source.
type Probed struct {
	Address     string   `json:"address"`
	Plumbed     string   `json:"plumbed"`     // yes, no, unknown or freebind
	State       string   `json:"state"`       // serving, paused or draining
	Route       string   `json:"route"`       // yes, no, unknown or freebind
	Destination string   `json:"destination"` // "": there is none of its family
	Connect     *float64 `json:"connect_ms"`  // nil: it was not connected
	Banner      string   `json:"banner"`
	PTR         []string `json:"ptr"`
	Confirmed   bool     `json:"confirmed"` // one of them has the address
	PTRError    string   `json:"ptr_error"`
	Seen        string   `json:"seen"`
	Failure     string   `json:"failure"` // "": none
	Error       string   `json:"error"`
}

// ProbeRequest says what is to be tried.
type ProbeRequest struct {
	Sources []string `json:"sources"` // addresses, or all
	To      string   `json:"to"`      // host:port
	Echo    string   `json:"echo,omitempty"`
}

// Probe has the daemon try sources towards a mail server. It waits for longer than
// other requests do.
func (c *Client) Probe(ctx context.Context, r ProbeRequest) (Answer[Probe], error) {
	patient := *c.http
	patient.Timeout = probeTime
	longer := *c
	longer.http = &patient
	return ask[Probe](ctx, &longer, call{method: http.MethodPost, path: sourcesPath + "/probe", body: r})
}
