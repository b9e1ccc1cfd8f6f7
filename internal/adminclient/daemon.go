package adminclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

const drainPath = "/api/admin/drain"

// Health is what a health check says.
type Health struct {
	OK   bool
	Text string
}

// Serving asks whether every listener accepts.
func (c *Client) Serving(ctx context.Context) (Health, error) {
	return c.health(ctx, call{method: http.MethodGet, path: "/proxy/status"})
}

// Ready asks whether clients had better be sent there: to one listener, or to all
// if it is "".
func (c *Client) Ready(ctx context.Context, listener string) (Health, error) {
	return c.health(ctx, call{method: http.MethodGet, path: "/readyz", query: listenerQuery(listener)})
}

// health takes 503 for an answer.
func (c *Client) health(ctx context.Context, one call) (Health, error) {
	body, err := c.do(ctx, one)
	if no, ok := errors.AsType[*StatusError](err); ok && no.Status == http.StatusServiceUnavailable {
		return Health{Text: no.Text}, nil
	}
	return Health{OK: err == nil, Text: plain(body)}, err
}

// Active gives the live sessions of each listener.
func (c *Client) Active(ctx context.Context) (map[string]int64, error) {
	type family struct {
		Value struct {
			Listener map[string]float64 `json:"listener"`
		} `json:"value"`
	}
	families, err := ask[map[string]json.RawMessage](ctx, c, call{method: http.MethodGet, path: "/metrics.json"})
	if err != nil {
		return nil, err
	}
	active := make(map[string]int64)
	text := families.Value["proxy_active_connections"]
	if text == nil {
		return active, nil
	}
	var f family
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	for listener, n := range f.Value.Listener {
		active[listener] = int64(n)
	}
	return active, nil
}

// Reloaded is what a reload did.
type Reloaded struct {
	Result     string     `json:"result"` // ok or unchanged
	Difference Difference `json:"difference"`
}

// Difference is what a reload has changed of the listeners.
type Difference struct {
	Added     []string `json:"added"`
	Changed   []string `json:"changed"`
	Removed   []string `json:"removed"`
	Unchanged int      `json:"unchanged"`
}

// Reload has the policy read again. A *StatusError with 422 says that it was
// refused, and why.
func (c *Client) Reload(ctx context.Context) (Answer[Reloaded], error) {
	return ask[Reloaded](ctx, c, call{method: http.MethodPost, path: "/api/admin/reload"})
}

// Upgraded says which process serves now, and how many sessions the old one has, by
// the side that these wait for.
type Upgraded struct {
	OldPID             int `json:"old_pid"`
	NewPID             int `json:"new_pid"`
	Sessions           int `json:"sessions"`
	WaitingForClient   int `json:"waiting_for_client"`
	WaitingForUpstream int `json:"waiting_for_upstream"`
}

// Upgrade has the program as it is installed now take over. A *StatusError with 409
// says why that cannot be, and one with 422 that it was tried, and nothing is changed.
func (c *Client) Upgrade(ctx context.Context) (Answer[Upgraded], error) {
	return ask[Upgraded](ctx, c, call{method: http.MethodPost, path: "/api/admin/upgrade"})
}

// Drained says which listeners are drained, or are no more, and how many sessions
// they have, by the side that these wait for.
type Drained struct {
	Listeners          []string `json:"listeners"`
	Sessions           int      `json:"sessions"`
	WaitingForClient   int      `json:"waiting_for_client"`
	WaitingForUpstream int      `json:"waiting_for_upstream"`
}

// Drain has a listener, or all if it is "", take no more clients until Undrain.
// Sessions go on, until a limit such as "5m" is over if there is one.
func (c *Client) Drain(ctx context.Context, listener, limit string) (Answer[Drained], error) {
	body := map[string]string{}
	for key, value := range map[string]string{"listener": listener, "limit": limit} {
		if value != "" {
			body[key] = value
		}
	}
	return ask[Drained](ctx, c, call{method: http.MethodPost, path: drainPath, body: body})
}

// Undrain has a listener, or all if it is "", take clients again.
func (c *Client) Undrain(ctx context.Context, listener string) (Answer[Drained], error) {
	return ask[Drained](ctx, c, call{method: http.MethodDelete, path: drainPath, query: listenerQuery(listener)})
}

func listenerQuery(listener string) url.Values {
	if listener == "" {
		return nil
	}
	return url.Values{"listener": {listener}}
}

// SetLogFilter changes what is logged. A *StatusError with 400 says what is wrong
// with the filter.
func (c *Client) SetLogFilter(ctx context.Context, filter string) error {
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: "/api/admin/set_diagnostic_log_filter/v1", body: map[string]string{"filter": filter},
	})
	return err
}

// ReopenLog has the files of the log opened anew.
func (c *Client) ReopenLog(ctx context.Context) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/admin/log/reopen"})
	return err
}
