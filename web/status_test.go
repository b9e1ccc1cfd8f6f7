package web

import (
	"net/http"
	"testing"
	"time"
)

func TestStatus(t *testing.T) {
	since := time.Date(2026, 8, 5, 12, 11, 12, 999, time.FixedZone("CEST", 2*3600))
	up := ListenerStatus{Listener: "127.0.0.1:1080", Accepting: true, Since: since}
	down := ListenerStatus{Listener: "[::1]:1081", Since: since, Restarts: 4, Failure: "bind: address already in use\nX"}
	const short = "KumoProxy: not accepting"
	const long = short +
		"\n127.0.0.1:1080: accepting since 2026-08-05T10:11:12Z, restarts 0" +
		"\n[::1]:1081: not accepting since 2026-08-05T10:11:12Z, restarts 4, failure \"bind: address already in use\\nX\""
	drained := ListenerStatus{Listener: "[::1]:1082", Drained: true, Since: since, Failure: "drained by request of ann"}
	const drainedLine = "\n[::1]:1082: drained since 2026-08-05T10:11:12Z, restarts 0, why \"drained by request of ann\""
	tests := []struct {
		name      string
		listeners []ListenerStatus
		status    int
		trusted   string
		everyone  string
	}{
		{"all accept", []ListenerStatus{up, up}, http.StatusOK, "KumoProxy OK", "KumoProxy OK"},
		{"no listeners", nil, http.StatusOK, "KumoProxy OK", "KumoProxy OK"},
		{"one does not", []ListenerStatus{up, down}, http.StatusServiceUnavailable, long, short},
		{"one is drained", []ListenerStatus{drained}, http.StatusServiceUnavailable, "KumoProxy: drained" + drainedLine, "KumoProxy: drained"},
		{"one does not, one is drained", []ListenerStatus{up, down, drained}, http.StatusServiceUnavailable, long + drainedLine, short},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConfig()
			c.Status = func() Status { return Status{tt.listeners} }
			h := Handler(c)
			for peer, want := range map[string]string{trustedPeer: tt.trusted, mappedPeer: tt.trusted, untrustedPeer: tt.everyone} {
				got := ask(h, "GET", "/proxy/status", peer)
				if got.status != tt.status || got.body != want {
					t.Errorf("%s: got %d %q; want %d %q", peer, got.status, got.body, tt.status, want)
				}
				if got := got.header.Get("Cache-Control"); got != "no-store" {
					t.Errorf("%s: got Cache-Control %q; want no-store", peer, got)
				}
			}
		})
	}
}

func TestStatusIsAskedEachTime(t *testing.T) {
	c := newConfig()
	accepting := false
	c.Status = func() Status { return Status{[]ListenerStatus{{Accepting: accepting}}} }
	h := Handler(c)
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		if got := ask(h, "GET", "/proxy/status", untrustedPeer).status; got != want {
			t.Errorf("got %d; want %d", got, want)
		}
		accepting = true
	}
}
