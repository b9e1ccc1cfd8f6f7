package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

// whoQuery is the parameter of who.
type whoQuery struct {
	Address string `query:"address" required:"true" description:"Address and port from which the proxy has reached an upstream." example:"192.0.2.7:40312"`
}

// whoDocument is whose a source port is.
type whoDocument struct {
	Client      string `json:"client" required:"true"`
	User        string `json:"user" required:"true" description:"Empty: the policy was not asked."`
	Listener    string `json:"listener" required:"true"`
	Destination string `json:"destination" required:"true"`
	Session     string `json:"session" required:"true" description:"Its id, which the access log has too."`
	Rule        string `json:"rule" required:"true" description:"The entry of allow_sources, or else of source, by which the client may have that address, as of when the session was accepted. Empty: the listener's rules name no such source."`
}

// handleWho finds the open session with a source port, as it stands in a complaint
// or in the log of an upstream.
func (c Config) handleWho(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, "address")
	var source netip.AddrPort
	if err == nil {
		if source, err = netip.ParseAddrPort(query["address"]); err != nil {
			err = fmt.Errorf("address: expected an address and a port such as 192.0.2.7:40312, got %q", cut(query["address"]))
		}
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	source = netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
	for s := range c.Control.Sessions() {
		if s.Source == source {
			d := describeSession(&s, time.Now())
			writeJSON(w, whoDocument{Client: d.Client, User: d.User, Listener: d.Listener, Destination: d.Destination, Session: d.ID, Rule: c.Control.SourceRule(s.ID)})
			return
		}
	}
	writeError(w, http.StatusNotFound, fmt.Sprintf("no session that is open has the source %s", source))
}

// handleLogReopen opens the access log anew, as after its file was renamed.
func (c Config) handleLogReopen(w http.ResponseWriter, r *http.Request) {
	if err := c.Control.ReopenLog(r.Context()); err != nil {
		c.writeProblem(w, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}
