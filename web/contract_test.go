package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// spoken is an answer as far as a client relies on it: status, type and text.
type spoken struct {
	status  int
	content string
	body    string // what it begins with; all of it if it is empty
}

const kumoText = "text/plain; charset=utf-8"

// TestContract is what KumoMTA's proxy-server answers, and what is different here,
// with the reason. ours is KumoMTA's where it is not given.
func TestContract(t *testing.T) {
	const refused = "<Unauthenticated>@ ip=192.0.2.9 not permitted "
	unauthorized := func(method, path string) spoken {
		return spoken{401, kumoText, refused + method + " on http_listener/127.0.0.1:8000" + path}
	}
	notAllowed := &spoken{405, "", ""}
	const wrongMethod = "refusing by access control before looking at the method is for those who are not let in"
	for _, tt := range []struct {
		method, path, peer, body string
		content, encoding        string // of the body
		early                    bool   // asked at once after the start
		kumomta                  spoken
		ours                     *spoken
		why                      string // ours is another
	}{
		{method: "GET", path: "/metrics", kumomta: spoken{200, kumoText, "# HELP"},
			ours: &spoken{200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "# HELP"}, why: "/metrics without a version"},
		{method: "GET", path: "/metrics?prefix=p_", kumomta: spoken{200, kumoText, "# HELP p_accepted_total"},
			ours: &spoken{200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "# HELP p_accepted_total"}, why: "/metrics without a version"},
		{method: "GET", path: "/metrics", peer: untrustedPeer, kumomta: unauthorized("GET", "/metrics")},
		{method: "HEAD", path: "/metrics", kumomta: spoken{401, kumoText, refused},
			ours: &spoken{200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "# HELP"}, why: "HEAD always 401"},
		{method: "POST", path: "/metrics", kumomta: spoken{401, kumoText, refused}, ours: notAllowed, why: wrongMethod},
		{method: "PUT", path: "/metrics", peer: untrustedPeer, kumomta: unauthorized("PUT", "/metrics")},
		{method: "GET", path: "/metrics.json", kumomta: spoken{200, "application/json; charset=utf-8", `{"accepted_total":{"help":"Clients accepted.","type":"counter","value":7}}`}},
		{method: "GET", path: "/metrics.json", peer: untrustedPeer, kumomta: unauthorized("GET", "/metrics.json")},
		{method: "GET", path: "/proxy/status", kumomta: spoken{401, kumoText, refused},
			ours: &spoken{200, kumoText, "KumoProxy OK"}, why: "/proxy/status is 401 for everyone"},
		{method: "GET", path: "/proxy/status", peer: untrustedPeer, kumomta: unauthorized("GET", "/proxy/status"),
			ours: &spoken{200, kumoText, "KumoProxy OK"}, why: "/proxy/status is 401 for everyone"},
		{method: "GET", path: "/api/machine-info", kumomta: spoken{200, "application/json", `{"node_id":"`}},
		{method: "GET", path: "/api/machine-info", peer: untrustedPeer, kumomta: unauthorized("GET", "/api/machine-info")},
		{method: "POST", path: "/api/admin/bump-config-epoch", kumomta: spoken{200, "", ""}},
		{method: "POST", path: "/api/admin/bump-config-epoch", peer: untrustedPeer, kumomta: unauthorized("POST", "/api/admin/bump-config-epoch")},
		{method: "GET", path: "/api/admin/bump-config-epoch", kumomta: spoken{405, "", ""}},
		{method: "GET", path: "/api/admin/bump-config-epoch", peer: untrustedPeer, kumomta: unauthorized("GET", "/api/admin/bump-config-epoch")},
		{method: "GET", path: "/api/admin/memory/stats", kumomta: spoken{200, kumoText, "Go"}},
		{method: "GET", path: "/api/admin/memory/stats", peer: untrustedPeer, kumomta: unauthorized("GET", "/api/admin/memory/stats")},
		{method: "GET", path: "/api/admin/task-dump", kumomta: spoken{200, kumoText, "goroutines: "}}, // a text of no form
		{method: "GET", path: "/api/admin/task-dump?timeout=x", kumomta: spoken{400, kumoText, "Failed to deserialize query string: "}},
		{method: "GET", path: "/api/admin/task-dump", peer: untrustedPeer, kumomta: unauthorized("GET", "/api/admin/task-dump")},
		{method: "POST", path: filterPath, content: "application/json", body: `{"filter":"info","x":1}`, kumomta: spoken{200, "", ""}},
		{method: "POST", path: filterPath, content: "application/x+json", body: `{"filter":"info"}`, kumomta: spoken{200, "", ""}},
		{method: "POST", path: filterPath, body: `{"filter":"info"}`, kumomta: spoken{415, kumoText, "Expected request with `Content-Type: application/json`"}},
		{method: "POST", path: filterPath, content: "application/json", body: `{`, kumomta: spoken{400, kumoText, "Failed to parse the request body as JSON: "}},
		{method: "POST", path: filterPath, content: "application/json", body: `{}`, kumomta: spoken{422, kumoText, "Failed to deserialize the JSON body into the target type: "}},
		{method: "POST", path: filterPath, content: "application/json", body: strings.Repeat(" ", 2000),
			kumomta: spoken{413, kumoText, "Failed to buffer the request body: length limit exceeded"}},
		{method: "POST", path: filterPath, content: "application/json", body: `{"filter":"bad"}`,
			kumomta: spoken{500, kumoText, "Error: parsing log filter 'bad'"},
			ours:    &spoken{400, kumoText, "Error: parsing log filter 'bad'"}, why: "bad log filter answers 500"},
		{method: "POST", path: filterPath, peer: untrustedPeer, kumomta: unauthorized("POST", filterPath)},
		{method: "GET", path: "/api-docs/openapi.json", peer: untrustedPeer, kumomta: spoken{200, "application/json", `{`}},
		{method: "GET", path: "/rapidoc", peer: untrustedPeer, kumomta: spoken{200, "text/html; charset=utf-8", "<!doctype html>"}},
		{method: "HEAD", path: "/metrics", peer: untrustedPeer, kumomta: unauthorized("HEAD", "/metrics")},
		{method: "POST", path: "/metrics.json", kumomta: spoken{401, kumoText, refused}, ours: notAllowed, why: wrongMethod},
		{method: "POST", path: "/api/machine-info", kumomta: spoken{401, kumoText, refused}, ours: notAllowed, why: wrongMethod},
		{method: "GET", path: "/api/machine-info", early: true, kumomta: spoken{503, kumoText, "Error: machine info not yet available"}},
		{method: "POST", path: "/proxy/status", kumomta: spoken{401, kumoText, refused}, ours: notAllowed, why: wrongMethod},
		{method: "POST", path: "/rapidoc", kumomta: spoken{401, kumoText, refused}, ours: notAllowed, why: wrongMethod},
		{method: "POST", path: "/api-docs/openapi.json", kumomta: spoken{401, kumoText, refused}, ours: notAllowed, why: wrongMethod},
		{method: "DELETE", path: "/api/admin/bump-config-epoch", kumomta: spoken{405, "", ""}},
		{method: "POST", path: "/api/admin/memory/stats", kumomta: spoken{405, "", ""}},
		{method: "DELETE", path: "/api/admin/task-dump", kumomta: spoken{405, "", ""}},
		{method: "GET", path: filterPath, kumomta: spoken{405, "", ""}},
		{method: "GET", path: filterPath, peer: untrustedPeer, kumomta: unauthorized("GET", filterPath)},
		{method: "PUT", path: filterPath, kumomta: spoken{401, kumoText, refused}, ours: notAllowed, why: wrongMethod},
		{method: "GET", path: "/api/admin/task-dump?timeout=1", kumomta: spoken{200, kumoText, "goroutines: "}},
		{method: "GET", path: "/api/admin/task-dump?timeout=-1", kumomta: spoken{400, kumoText, "Failed to deserialize query string: "}},
		{method: "POST", path: filterPath, content: "text/plain", body: `{"filter":"info"}`, kumomta: spoken{415, kumoText, "Expected request with `Content-Type: application/json`"}},
		{method: "POST", path: filterPath, content: "application/json", body: `{"filter":7}`, kumomta: spoken{422, kumoText, "Failed to deserialize the JSON body into the target type: "}},
		{method: "POST", path: filterPath, encoding: "br", kumomta: spoken{415, "", ""}},
		{method: "GET", path: "/elsewhere", encoding: "br", peer: untrustedPeer, kumomta: spoken{415, "", ""}},
		{method: "GET", path: "/elsewhere", kumomta: spoken{404, "", ""}},
		{method: "POST", path: "/elsewhere", peer: untrustedPeer, kumomta: spoken{404, "", ""}},
	} {
		c := newConfig()
		c.Listener = "127.0.0.1:8000"
		c.SetLogFilter = func(s string) error {
			if s == "bad" {
				return errors.New("parsing log filter 'bad': no good")
			}
			return nil
		}
		if tt.early {
			c.Machine = nil
		}
		if tt.peer == "" {
			tt.peer = trustedPeer
		}
		want := tt.kumomta
		if tt.ours != nil {
			want = *tt.ours
		}
		if (tt.ours != nil) != (tt.why != "") {
			t.Errorf("%s %s: a difference needs its reason", tt.method, tt.path)
		}
		got := send(Handler(c), tt.method, tt.path, tt.peer, strings.NewReader(tt.body), "Content-Type", tt.content, "Content-Encoding", tt.encoding)
		begins := strings.HasPrefix(got.body, want.body) && (want.body != "" || got.body == "")
		if got.status != want.status || got.header.Get("Content-Type") != want.content || !begins {
			t.Errorf("%s %s from %s: got %d %q %.120q; want %d %q %q", tt.method, tt.path, tt.peer,
				got.status, got.header.Get("Content-Type"), got.body, want.status, want.content, want.body)
		}
		allow := ""
		if got.status == http.StatusMethodNotAllowed {
			allow = allowed(tt.path)
		}
		if got.header.Get("Allow") != allow {
			t.Errorf("%s %s: got %d with Allow %q; want %q", tt.method, tt.path, got.status, got.header.Get("Allow"), allow)
		}
	}
}

// allowed is what a path answers, for Allow.
func allowed(path string) string {
	for _, route := range known {
		if route.path == path {
			return route.allow
		}
	}
	return "a path that is known"
}
