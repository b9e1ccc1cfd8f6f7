package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

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

// TestForeignHost: a page of somebody else's, whose name has come to mean
// 127.0.0.1, makes a browser on a trusted host ask for it under that name.
func TestForeignHost(t *testing.T) {
	c := newConfig()
	c.Hostname, c.AllowedHosts = "mx1.example.net", []string{"metrics.example.net."}
	h := Handler(c)
	for host, own := range map[string]bool{
		"127.0.0.1:8000": true, "127.0.0.1": true, "[::1]:8000": true, "[::1]": true, "10.1.2.3:80": true, "[fe80::1%25eth0]:80": true,
		"localhost": true, "LOCALHOST:8000": true, "localhost.:8000": true,
		"mx1.example.net:8000": true, "MX1.Example.NET.": true, "metrics.example.net": true,
		"": false, ":8000": false, "attacker.example": false, "attacker.example:8000": false, "127.0.0.1.attacker.example": false,
		"localhost.attacker.example": false, "mx1": false, "example.net": false, "[::1]x": false, "0x7f000001": false, ".": false,
	} {
		got := askAs(h, "GET", "/metrics", trustedPeer, host)
		want := http.StatusForbidden
		if own {
			want = http.StatusOK
		}
		if got.status != want {
			t.Errorf("Host %q: got %d %q; want %d", host, got.status, got.body, want)
		}
		if !own && !strings.Contains(got.body, "allowed_hosts") {
			t.Errorf("Host %q: got %q; want it to say what would be allowed", host, got.body)
		}
	}
	long := askAs(h, "GET", "/metrics", trustedPeer, strings.Repeat("x", 5000))
	if long.status != http.StatusForbidden || len(long.body) > 500 {
		t.Errorf("a long name: got %d and %d bytes; want 403 and few", long.status, len(long.body))
	}
	if got := askAs(h, "GET", "/metrics", untrustedPeer, "attacker.example"); got.status != http.StatusUnauthorized {
		t.Errorf("a peer that is not trusted: got %d; want 401", got.status)
	}
	if got := askAs(h, "GET", "/proxy/status", untrustedPeer, "attacker.example"); got.status != http.StatusOK {
		t.Errorf("what is for everyone: got %d; want 200", got.status)
	}
}

// A foreign page must not learn what only trusted hosts may know.
func TestForeignHostLearnsNoDetails(t *testing.T) {
	c := newConfig()
	c.Status = func() Status { return Status{[]ListenerStatus{{Listener: "10.0.0.1:1080", Failure: "secret"}}} }
	h := Handler(c)
	for _, path := range []string{"/proxy/status", "/readyz"} {
		if got := askAs(h, "GET", path, trustedPeer, "localhost"); !strings.Contains(got.body, "secret") {
			t.Errorf("%s: got %q; want the details", path, got.body)
		}
		if got := askAs(h, "GET", path, trustedPeer, "attacker.example"); strings.Contains(got.body, "secret") {
			t.Errorf("%s as another host: got %q; want no details", path, got.body)
		}
	}
}

// TestOrigin: a page of another origin may change nothing, though the browser
// that shows it runs on a trusted host.
func TestOrigin(t *testing.T) {
	bumped := 0
	c := newConfig()
	c.BumpEpoch = func() { bumped++ }
	h := Handler(c)
	const path = "/api/admin/bump-config-epoch"
	for _, tt := range []struct {
		name   string
		header []string
		status int
	}{
		{"no browser", nil, 200},
		{"the page of the API", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:8000"}, 200},
		{"typed by a person", []string{"Sec-Fetch-Site", "none"}, 200},
		{"an old browser, same origin", []string{"Origin", "http://127.0.0.1:8000"}, 200},
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another port", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:9999"}, 403},
		{"an old browser, another origin", []string{"Origin", "http://attacker.example"}, 403},
		{"a page without an origin", []string{"Origin", "null"}, 403},
	} {
		before := bumped
		got := ask(h, "POST", path, trustedPeer, tt.header...)
		if got.status != tt.status || (bumped > before) != (tt.status == 200) {
			t.Errorf("%s: got %d, bumped %v; want %d", tt.name, got.status, bumped > before, tt.status)
		}
		if tt.status == 403 && !strings.Contains(got.body, "another origin") {
			t.Errorf("%s: got %q; want it to say why", tt.name, got.body)
		}
	}
	if got := ask(h, "DELETE", path, trustedPeer, "Sec-Fetch-Site", "cross-site"); got.status != 403 {
		t.Errorf("DELETE from another site: got %d; want 403", got.status)
	}
	if got := ask(h, "GET", "/metrics", trustedPeer, "Sec-Fetch-Site", "cross-site"); got.status != 200 {
		t.Errorf("GET from another site: got %d; want 200: a browser does not show it what comes", got.status)
	}
}

// TestAccess: who decides instead is asked for every route, before the method is
// looked at, and gets a request whose body is decoded.
func TestAccess(t *testing.T) {
	c := newConfig()
	var routes []Route
	c.Access = func(r Route) http.Handler {
		routes = append(routes, r)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-In") == "" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			r.Handler.ServeHTTP(w, req)
		})
	}
	h := Handler(c)
	if want := len(known) + len(operatorKnown); len(routes) != want {
		t.Fatalf("got %d routes; want %d", len(routes), want)
	}
	for i, k := range known {
		r := routes[i]
		if r.Path != k.path || strings.Join(r.Methods, ", ") != k.allow || (r.Needs == Everyone) != k.everyone {
			t.Errorf("got %s %v, needs %d; want %s %s, everyone %v", r.Path, r.Methods, r.Needs, k.path, k.allow, k.everyone)
		}
		if got := ask(h, "PUT", k.path, trustedPeer); got.status != http.StatusTeapot {
			t.Errorf("%s refused: got %d; want 418", k.path, got.status)
		}
		if got := ask(h, "PUT", k.path, untrustedPeer, "X-In", "1"); got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s let in: got %d; want 405", k.path, got.status)
		}
	}
}
