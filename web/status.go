package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// handleStatus is the health check. Everyone learns whether the proxy works; a
// trusted peer learns which listener does not, and why.
func (c Config) handleStatus(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	status := c.Status()
	if c.Draining != nil && c.Draining() {
		writeText(w, http.StatusServiceUnavailable, "KumoProxy: draining"+c.details(r, status))
		return
	}
	if status.accepting() {
		writeText(w, http.StatusOK, "KumoProxy OK")
		return
	}
	writeText(w, http.StatusServiceUnavailable, "KumoProxy: "+status.want()+c.details(r, status))
}

// want is what is wanting where not all accept. What somebody has drained is no failure.
func (s Status) want() string {
	for _, l := range s.Listeners {
		if !l.Accepting && !l.Drained {
			return "not accepting"
		}
	}
	return "drained"
}

// lines is a line for each listener, each after a newline.
func (s Status) lines() string {
	var b strings.Builder
	for _, l := range s.Listeners {
		state, why := "accepting", "failure"
		switch {
		case l.Drained:
			state, why = "drained", "why"
		case !l.Accepting:
			state = "not accepting"
		}
		fmt.Fprintf(&b, "\n%s: %s since %s, restarts %d",
			l.Listener, state, l.Since.UTC().Format(time.RFC3339), l.Restarts)
		if l.Failure != "" {
			fmt.Fprintf(&b, ", %s %q", why, l.Failure)
		}
	}
	return b.String()
}
