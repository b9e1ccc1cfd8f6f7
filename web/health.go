package web

import (
	"context"
	"net/http"
	"time"
)

// NoSuchListener is what /readyz says after "not ready: " of a listener that there is
// not, or no more.
const NoSuchListener = "there is no such listener"

// patience is how long a loop may take to move. One that takes longer serves
// nobody in time.
const patience = 2 * time.Second

// handleLive says whether the proxy moves at all, for whoever would start it
// anew if not. What a restart would not mend is not its business.
func (c Config) handleLive(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if c.Alive != nil {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if err := c.Alive(ctx); err != nil {
			writeText(w, http.StatusServiceUnavailable, "not alive: "+err.Error())
			return
		}
	}
	writeText(w, http.StatusOK, "alive")
}

// readyQuery are the parameters of /readyz.
type readyQuery struct {
	Listener string `query:"listener" description:"The address of one listener, as its metrics have it; without it all of them have to be ready." example:"127.0.0.1:1080"`
}

// handleReady says whether clients had better be sent here, to all listeners or
// to one: it does not while the proxy is on its way out.
func (c Config) handleReady(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	query, err := parseQuery(r.URL, "listener")
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	status := c.Status()
	if one := query["listener"]; one != "" {
		status = status.only(one)
	}
	switch {
	case c.Draining != nil && c.Draining():
		writeText(w, http.StatusServiceUnavailable, "not ready: draining")
	case len(status.Listeners) == 0 && query["listener"] != "":
		writeText(w, http.StatusServiceUnavailable, "not ready: "+NoSuchListener)
	case !status.accepting():
		writeText(w, http.StatusServiceUnavailable, "not ready: "+status.want()+c.details(r, status))
	default:
		writeText(w, http.StatusOK, "ready")
	}
}

// only is the status of one listener.
func (s Status) only(listener string) (one Status) {
	for _, l := range s.Listeners {
		if l.Listener == listener {
			one.Listeners = append(one.Listeners, l)
		}
	}
	return one
}

// details are the listeners, for those who may know about them.
func (c Config) details(r *http.Request, s Status) string {
	if !c.trusts(r) {
		return ""
	}
	return s.lines()
}
