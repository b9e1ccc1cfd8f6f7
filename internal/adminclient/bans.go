package adminclient

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

const bansPath = "/api/admin/bans"

// Ban says whose logins are refused: those of a client, or of a user.
type Ban struct {
	Client   string    `json:"client"` // "" of a user's
	User     string    `json:"user"`   // "" of a client's
	Failures int       `json:"failures"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
}

// BanList are the bans in force.
type BanList struct {
	Bans []Ban `json:"bans"`
}

// Bans lists those in force, the first to end first.
func (c *Client) Bans(ctx context.Context) (Answer[BanList], error) {
	return ask[BanList](ctx, c, call{method: http.MethodGet, path: bansPath})
}

// UnbanClient ends the ban of a client: an address, or an IPv6 network of 64 bits. A
// *StatusError with 404 says that there is none.
func (c *Client) UnbanClient(ctx context.Context, client string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: bansPath, query: url.Values{"client": {client}}})
	return err
}

// UnbanUser ends the ban of a user by name, as UnbanClient does.
func (c *Client) UnbanUser(ctx context.Context, name string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: bansPath, query: url.Values{"user": {name}}})
	return err
}
