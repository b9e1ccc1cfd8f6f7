package web

import (
	"net"
	"net/http"
	"net/netip"
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

// TestRoutes is every route by every method for every kind of peer.
func TestRoutes(t *testing.T) {
	h := Handler(newConfig())
	peers := map[string]bool{
		trustedPeer: true, trustedPeer6: true, mappedPeer: true,
		untrustedPeer: false, mappedOther: false, linkPeer: false, "@": false, "": false,
	}
	routes := []struct {
		path     string
		known    bool
		everyone bool
		content  string
	}{
		{path: "/metrics", known: true, content: "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{path: "/metrics.json", known: true, content: "application/json; charset=utf-8"},
		{path: "/proxy/status", known: true, everyone: true, content: "text/plain; charset=utf-8"},
		{path: "/"}, {path: "/metrics/"}, {path: "//metrics"}, {path: "/x/../metrics"}, {path: "/metricsXjson"},
		{path: "/metrics%2ejson"}, {path: "/%6detrics"}, {path: "/METRICS"}, {path: "/proxy"}, {path: "/proxy/status/x"},
		{path: "/proxy%2Fstatus"}, {path: "/api/admin/bump-config-epoch"},
	}
	for _, route := range routes {
		for peer, trusted := range peers {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "MADEUP"} {
				got := ask(h, method, route.path, peer)
				want := http.StatusOK
				switch {
				case !route.known:
					want = http.StatusNotFound
				case !trusted && !route.everyone:
					want = http.StatusUnauthorized
				case method != "GET" && method != "HEAD":
					want = http.StatusMethodNotAllowed
				}
				if got.status != want {
					t.Errorf("%s %s from %q: got %d; want %d", method, route.path, peer, got.status, want)
					continue
				}
				checkAnswer(t, method+" "+route.path+" from "+peer, got, route.content)
			}
		}
	}
}

// checkAnswer checks what each status promises besides its number.
func checkAnswer(t *testing.T, what string, got answer, content string) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Location":                "",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %s: got %q; want %q", what, name, got.header.Get(name), want)
		}
	}
	allow, authenticate := "", ""
	empty := false
	switch got.status {
	case http.StatusNotFound:
		content, empty = "", true
	case http.StatusMethodNotAllowed:
		content, empty, allow = "", true, "GET, HEAD"
	case http.StatusUnauthorized:
		content, authenticate = "text/plain; charset=utf-8", `Basic realm="troupe"`
	}
	if empty != (got.body == "") {
		t.Errorf("%s: got body %q; want it empty: %v", what, got.body, empty)
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

func TestRefusalNamesPeerAndListener(t *testing.T) {
	c := newConfig()
	c.Listener = "0.0.0.0:8080"
	got := ask(Handler(c), "GET", "/metrics?prefix=x", "[::ffff:10.1.2.3]:999")
	want := "<Unauthenticated>@ ip=10.1.2.3 not permitted GET on http_listener/0.0.0.0:8080/metrics"
	if got.body != want {
		t.Errorf("got %q; want %q", got.body, want)
	}
}

// Without a name of its own the listener is the address the client connected to.
func TestRefusalOverTCP(t *testing.T) {
	c := newConfig()
	c.TrustedHosts = nil
	address := serve(t, "tcp", "127.0.0.1:0", Handler(c), (&logBuffer{}).logger())
	got, err := do(t, newClient(t), "GET", "http://"+address+"/metrics.json", "")
	want := "<Unauthenticated>@ ip=127.0.0.1 not permitted GET on http_listener/" + address + "/metrics.json"
	if err != nil || got.status != http.StatusUnauthorized || got.body != want {
		t.Errorf("got %d %q, %v; want 401 %q", got.status, got.body, err, want)
	}
}

// A dual-stack socket shows an IPv4 client as ::ffff:127.0.0.1.
func TestTrustOnDualStackSocket(t *testing.T) {
	address := serve(t, "tcp", "[::]:0", Handler(newConfig()), (&logBuffer{}).logger())
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	got, err := do(t, newClient(t), "GET", "http://127.0.0.1:"+port+"/metrics", "")
	if err != nil || got.status != http.StatusOK {
		t.Errorf("got %d %q, %v; want 200", got.status, got.body, err)
	}
}

func TestTrust(t *testing.T) {
	tests := []struct {
		hosts, peer string
		trusted     bool
	}{
		{"127.0.0.1/32", trustedPeer, true},
		{"127.0.0.1/32", mappedPeer, true},
		{"127.0.0.1/32", "127.0.0.2:1", false},
		{"10.0.0.0/8", "[::ffff:10.200.0.1]:1", true},
		{"10.0.0.0/8", "11.0.0.1:1", false},
		{"::ffff:10.0.0.0/104", "10.200.0.1:1", true},
		{"::ffff:10.0.0.0/104", "[::ffff:11.0.0.1]:1", false},
		{"fe80::/10", linkPeer, true},
		{"::/0", trustedPeer6, true},
		{"::/0", trustedPeer, false},
		{"0.0.0.0/0", trustedPeer6, false},
		{"", trustedPeer, false},
		{"0.0.0.0/0,::/0", "not an address", false},
	}
	for _, tt := range tests {
		c := newConfig()
		c.TrustedHosts = nil
		for s := range strings.SplitSeq(tt.hosts, ",") {
			if s != "" {
				c.TrustedHosts = append(c.TrustedHosts, netip.MustParsePrefix(s))
			}
		}
		got := ask(Handler(c), "GET", "/metrics", tt.peer).status == http.StatusOK
		if got != tt.trusted {
			t.Errorf("hosts %q, peer %s: got %v; want %v", tt.hosts, tt.peer, got, tt.trusted)
		}
	}
}

func TestHeadersDoNotMakeTrust(t *testing.T) {
	got := ask(Handler(newConfig()), "GET", "/metrics", untrustedPeer,
		"X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1", "Forwarded", "for=127.0.0.1",
		"Authorization", "Basic YWRtaW46YWRtaW4=")
	if got.status != http.StatusUnauthorized {
		t.Errorf("got %d; want 401", got.status)
	}
}
