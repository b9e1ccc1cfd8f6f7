package web

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The peers a route can meet, and whether loopback trusts them.
const (
	trustedPeer   = "127.0.0.1:40000"
	trustedPeer6  = "[::1]:40000"
	mappedPeer    = "[::ffff:127.0.0.1]:40000"
	untrustedPeer = "192.0.2.9:40000"
	mappedOther   = "[::ffff:192.0.2.9]:40000"
	linkPeer      = "[fe80::1%eth0]:40000"
)

// concrete is a path that a client may ask for.
func concrete(pattern string) string { return strings.Replace(pattern, "{id}", "00000000000000ff", 1) }

// known is every path there is: who may use it, by which methods, and what a GET
// answers in.
var known = []struct {
	path, allow string
	everyone    bool
	content     string
}{
	{"/metrics", "GET, HEAD", false, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
	{"/metrics.json", "GET, HEAD", false, "application/json; charset=utf-8"},
	{"/proxy/status", "GET, HEAD", true, "text/plain; charset=utf-8"},
	{"/livez", "GET, HEAD", true, "text/plain; charset=utf-8"},
	{"/readyz", "GET, HEAD", true, "text/plain; charset=utf-8"},
	{"/api/machine-info", "GET, HEAD", false, "application/json"},
	{"/api/admin/bump-config-epoch", "POST", false, ""},
	{"/api/admin/memory/stats", "GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api/admin/task-dump", "GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api/admin/set_diagnostic_log_filter/v1", "POST", false, ""},
	{"/api/admin/tree", "GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api/admin/restart", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/sessions", "DELETE, GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api/admin/sessions/{id}", "DELETE", false, "text/plain; charset=utf-8"},
	{"/api/admin/who", "GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api/admin/log/reopen", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/bans", "DELETE, GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api/admin/reload", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/upgrade", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/drain", "DELETE, POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/sources", "GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api/admin/sources/pause", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/sources/drain", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/sources/resume", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/sources/probe", "POST", false, "text/plain; charset=utf-8"},
	{"/api/admin/destinations", "GET, HEAD", false, "text/plain; charset=utf-8"},
	{"/api-docs/openapi.json", "GET, HEAD", true, "application/json"},
	{"/rapidoc", "GET, HEAD", true, "text/html; charset=utf-8"},
	{"/rapidoc/start.js", "GET, HEAD", true, "text/javascript; charset=utf-8"},
	{"/rapidoc/swagger-ui-bundle.js", "GET, HEAD", true, "text/javascript; charset=utf-8"},
	{"/rapidoc/swagger-ui.css", "GET, HEAD", true, "text/css; charset=utf-8"},
}

// unknown are paths that come close to one there is.
var unknown = []string{
	"/metrics/", "//metrics", "/x/../metrics", "/metricsXjson", "/metrics%2ejson", "/%6detrics", "/METRICS", "/proxy",
	"/proxy/status/x", "/proxy%2Fstatus", "/livez/", "/api", "/api/admin", "/api/admin/", "/api/admin/../machine-info",
	"/api/./machine-info", "/api//machine-info", "/api/admin/set_diagnostic_log_filter", "/api/admin/set_diagnostic_log_filter/v2",
	"/rapidoc/", "/rapidoc/../metrics", "/rapidoc/..%2f..%2fetc/passwd", "/rapidoc/index.html", "/rapidoc/page/start.js",
	"/rapidoc/swagger-ui.js", "/rapidoc/%2e%2e/metrics", "/api-docs", "/api-docs/openapi.json.gz", "/etc/passwd", "/..", "/metrics;x",
	"/metrics%00", "/favicon.ico", "/debug/pprof/",
}

var allMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "MADEUP"}

// allPeers are the kinds of peer, and whether loopback trusts them.
var allPeers = map[string]bool{
	trustedPeer: true, trustedPeer6: true, mappedPeer: true,
	untrustedPeer: false, mappedOther: false, linkPeer: false, "@": false, "": false,
}

// TestRoutes is every route by every method for every kind of peer.
func TestRoutes(t *testing.T) {
	h := Handler(newConfig())
	for _, route := range known {
		route.path = concrete(route.path)
		for peer, trusted := range allPeers {
			for _, method := range allMethods {
				got := ask(h, method, route.path, peer)
				want := http.StatusOK
				switch {
				case !trusted && !route.everyone:
					want = http.StatusUnauthorized
				case !slices.Contains(strings.Split(route.allow, ", "), method):
					want = http.StatusMethodNotAllowed
				case strings.Contains(route.path, "log_filter"):
					want = http.StatusUnsupportedMediaType // it has no body yet
				case slices.ContainsFunc(slices.Concat(controlOperations(), sourceOperations()), func(o operation) bool { return concrete(o.path) == route.path }):
					want = http.StatusServiceUnavailable // nothing is there to control
				}
				what := method + " " + route.path + " from " + peer
				if got.status != want {
					t.Errorf("%s: got %d; want %d", what, got.status, want)
					continue
				}
				checkAnswer(t, what, got, route.content, route.allow)
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	h := Handler(newConfig())
	for _, path := range unknown {
		for peer := range allPeers {
			for _, method := range allMethods {
				got := ask(h, method, path, peer)
				if got.status != http.StatusNotFound {
					t.Errorf("%s %s from %q: got %d; want 404", method, path, peer, got.status)
					continue
				}
				checkAnswer(t, method+" "+path+" from "+peer, got, "", "")
			}
		}
	}
}

// TestRowsAreKnown: nothing is served that the tests do not know of.
func TestRowsAreKnown(t *testing.T) {
	var rows, tested []string
	for _, row := range newConfig().rows() {
		rows = append(rows, row.path)
	}
	for _, route := range known {
		tested = append(tested, route.path)
	}
	if !slices.Equal(rows, tested) {
		t.Errorf("got the routes %v; want %v", rows, tested)
	}
}

// checkAnswer checks what each status promises besides its number.
func checkAnswer(t *testing.T, what string, got answer, content, allow string) {
	t.Helper()
	policy := "default-src 'none'; frame-ancestors 'none'"
	if content == "text/html; charset=utf-8" && got.status == http.StatusOK {
		policy = pagePolicy
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Content-Security-Policy":      policy,
		"Location":                     "",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %s: got %q; want %q", what, name, got.header.Get(name), want)
		}
	}
	authenticate := ""
	switch got.status {
	case http.StatusNotFound:
		content, allow = "", ""
	case http.StatusMethodNotAllowed:
		content = ""
	case http.StatusUnauthorized:
		content, allow, authenticate = "text/plain; charset=utf-8", "", `Basic realm="troupe"`
	case http.StatusUnsupportedMediaType:
		content, allow = "text/plain; charset=utf-8", ""
	default:
		allow = ""
	}
	if (content == "") != (got.body == "") {
		t.Errorf("%s: got body %q; want it empty: %v", what, got.body, content == "")
	}
	for name, want := range map[string]string{"Content-Type": content, "Allow": allow, "WWW-Authenticate": authenticate} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %s: got %q; want %q", what, name, got.header.Get(name), want)
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	url := "http://" + serve(t, "tcp", "127.0.0.1:0", Handler(newConfig()), (&logBuffer{}).logger())
	client := newClient(t)
	for _, path := range []string{"/metrics", "/metrics.json", "/proxy/status"} {
		get, err := do(t, client, "GET", url+path, "")
		if err != nil {
			t.Fatal(err)
		}
		head, err := do(t, client, "HEAD", url+path, "")
		if err != nil {
			t.Fatal(err)
		}
		if head.status != http.StatusOK || head.body != "" || get.body == "" {
			t.Errorf("%s: HEAD got %d %q, GET %q; want 200, no body, and one", path, head.status, head.body, get.body)
		}
		if got, want := head.header.Get("Content-Type"), get.header.Get("Content-Type"); got != want {
			t.Errorf("%s: HEAD got type %q; want GET's, %q", path, got, want)
		}
	}
}

// OPTIONS * is answered by net/http itself unless it is told not to.
func TestOptionsStarIsAnotherPath(t *testing.T) {
	address := serve(t, "tcp", "127.0.0.1:0", Handler(newConfig()), (&logBuffer{}).logger())
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("HTTP/1.1 404 Not Found"))
	if _, err := conn.Read(line); err != nil || string(line) != "HTTP/1.1 404 Not Found" {
		t.Errorf("got %q, %v; want 404", line, err)
	}
}
