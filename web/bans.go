package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/limit"
)

// Ban says whose logins are refused: a client's or a user's, of whom the other is
// zero.
type Ban struct {
	Client       netip.Prefix
	User         string
	Failures     int
	Since, Until time.Time
}

// banDocument is a ban as the API has it.
type banDocument struct {
	Client   string    `json:"client" required:"true" description:"An IPv4 address or an IPv6 network; empty: the ban is a user's."`
	User     string    `json:"user" required:"true" description:"The name that clients log in by; empty: the ban is a client's."`
	Failures int       `json:"failures" required:"true" description:"Logins that had failed."`
	Since    time.Time `json:"since" required:"true"`
	Until    time.Time `json:"until" required:"true"`
}

// bansDocument are all.
type bansDocument struct {
	Bans []banDocument `json:"bans" required:"true" nullable:"false"`
}

// unbanQuery are the parameters of the end of a ban.
type unbanQuery struct {
	Client string `query:"client" description:"An address, or an IPv6 network as the list has it." example:"192.0.2.7"`
	User   string `query:"user" description:"The name that clients log in by."`
}

// handleBansList lists the bans in force.
func (c Config) handleBansList(w http.ResponseWriter, _ *http.Request) {
	list := bansDocument{Bans: []banDocument{}}
	for _, b := range c.Control.Bans() {
		d := banDocument{User: b.User, Failures: b.Failures, Since: b.Since, Until: b.Until}
		if b.Client.IsValid() {
			d.Client = limit.Offender{Client: b.Client}.String()
		}
		list.Bans = append(list.Bans, d)
	}
	writeJSON(w, list)
}

// handleBanLift ends a ban.
func (c Config) handleBanLift(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, "client", "user")
	var client netip.Prefix
	if err == nil {
		client, err = parseBanned(query)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if !c.Control.Unban(client, query["user"], peerText(r)) {
		writeError(w, http.StatusNotFound, "there is no such ban, or it has ended")
		return
	}
	w.WriteHeader(http.StatusOK)
}

var errWhoseBan = errors.New("expected one of client and user")

// parseBanned reads whose ban is meant; it is not valid for a user's.
func parseBanned(query map[string]string) (client netip.Prefix, err error) {
	text := query["client"]
	if (text == "") == (query["user"] == "") {
		return client, errWhoseBan
	}
	if text == "" {
		return client, nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		var network netip.Prefix
		if network, err = netip.ParsePrefix(text); err == nil {
			addr = network.Addr()
		}
		if client = limit.Client(addr); err == nil && client == network.Masked() {
			return client, nil
		}
		return netip.Prefix{}, fmt.Errorf("client: expected an address such as 192.0.2.7, or a network such as 2001:db8:1:2::/64, got %q", cut(text))
	}
	return limit.Client(addr), nil
}
