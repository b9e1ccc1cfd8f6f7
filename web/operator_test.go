package web

import (
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/web/pages"
)

// The pages for people, and what they load.
var operatorKnown = []struct{ path, allow, content string }{
	{"/", "GET, HEAD, POST", "text/html; charset=utf-8"},
	{"/ui/sources", "GET, HEAD, POST", "text/html; charset=utf-8"},
	{"/ui/tree", "GET, HEAD, POST", "text/html; charset=utf-8"},
	{"/ui/sessions", "GET, HEAD, POST", "text/html; charset=utf-8"},
	{"/ui/destinations", "GET, HEAD", "text/html; charset=utf-8"},
	{"/ui/policy", "GET, HEAD, POST", "text/html; charset=utf-8"},
	{"/ui/log", "GET, HEAD, POST", "text/html; charset=utf-8"},
	{"/ui/page.css", "GET, HEAD", "text/css; charset=utf-8"},
	{"/ui/page.js", "GET, HEAD", "text/javascript; charset=utf-8"},
}

// operated is a surface with a tree and one session.
func operated() (Config, *[]uint64) {
	c, gone := newConfig(), new([]uint64)
	c.Control = &Control{
		Tree: func(TreeQuery) (Node, error) {
			return Node{Path: "supervisor", Kind: "supervisor", State: "running", Children: []Node{}}, nil
		},
		Sessions: func() iter.Seq[Session] {
			return func(yield func(Session) bool) { yield(Session{ID: 7, User: "alice"}) }
		},
		Sources:          func() ([]Source, error) { return manySources(), nil },
		BusyDestinations: func() BusyDestinations { return BusyDestinations{All: busyOnes(), CONNECTs: 1000, Places: 4} },
		EndSessions: func(ids []uint64, _ string) Ended {
			*gone = append(*gone, ids...)
			return Ended{WaitingForClient: len(ids)}
		},
	}
	return c, gone
}

// TestOperatorRoutes: the pages are for trusted peers alone, and there are no others.
func TestOperatorRoutes(t *testing.T) {
	c, _ := operated()
	h := Handler(c)
	var served []string
	for _, row := range c.operatorRows(h) {
		served = append(served, row.path)
	}
	for _, route := range operatorKnown {
		if !slices.Contains(served, route.path) {
			t.Errorf("%s is not among %v", route.path, served)
		}
		for peer, trusted := range allPeers {
			for _, method := range allMethods {
				got := ask(h, method, route.path, peer)
				want := http.StatusOK
				switch {
				case !trusted:
					want = http.StatusUnauthorized
				case !slices.Contains(strings.Split(route.allow, ", "), method):
					want = http.StatusMethodNotAllowed
				case method == http.MethodPost:
					continue // what it answers depends on the form
				}
				if got.status != want {
					t.Errorf("%s %s from %q: got %d; want %d", method, route.path, peer, got.status, want)
				}
				if want == http.StatusOK && got.header.Get("Content-Type") != route.content {
					t.Errorf("%s: got %q; want %q", route.path, got.header.Get("Content-Type"), route.content)
				}
				if want == http.StatusMethodNotAllowed && got.header.Get("Allow") != route.allow {
					t.Errorf("%s: got Allow %q; want %q", route.path, got.header.Get("Allow"), route.allow)
				}
			}
		}
	}
	if len(served) != len(operatorKnown) {
		t.Errorf("got the routes %v; want %d", served, len(operatorKnown))
	}
	for _, path := range []string{"//", "/ui", "/ui/", "/ui/tree/", "/ui/layout.html", "/ui/files/page.css", "/ui/..%2fetc/passwd", "/ui/Tree"} {
		if got := ask(h, "GET", path, trustedPeer); got.status != http.StatusNotFound || got.body != "" {
			t.Errorf("%s: got %d %q; want 404 and nothing", path, got.status, got.body)
		}
	}
}

// TestOperatorPolicy: a page loads from this host alone, and is in no frame.
func TestOperatorPolicy(t *testing.T) {
	c, _ := operated()
	for _, route := range operatorKnown[:5] {
		got := ask(Handler(c), "GET", route.path, trustedPeer)
		if policy := got.header.Get("Content-Security-Policy"); policy != pages.ContentPolicy || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: got the policy %q", route.path, policy)
		}
		if frames := got.header.Get("X-Frame-Options"); frames != "DENY" {
			t.Errorf("%s: got X-Frame-Options %q; want DENY", route.path, frames)
		}
	}
}

// TestOperatorRowsAgreeWithTheBuiltinLists: and "/" opens no other path.
func TestOperatorRowsAgreeWithTheBuiltinLists(t *testing.T) {
	builtin := access.NewEngine(nil)
	trusted := access.Auth{Groups: []string{access.TrustedGroup}}
	decide := func(path, method string, who access.Auth) bool {
		t.Helper()
		q := access.Query{Resource: access.HTTPResource("0.0.0.0:8000", path), Who: who, Privilege: method}
		d, err := builtin.Decide(t.Context(), q, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d.Allow
	}
	for _, row := range newConfig().operatorRows(nil) {
		for _, method := range row.methods.names() {
			if method == http.MethodHead {
				continue // GET's
			}
			if !decide(row.path, method, trusted) || decide(row.path, method, access.Auth{}) {
				t.Errorf("%s %s is not for trusted hosts, or not for them alone", method, row.path)
			}
		}
	}
	for _, path := range []string{"/other", "/uix"} {
		if decide(path, http.MethodGet, trusted) {
			t.Errorf("GET %s is allowed; want no list for it", path)
		}
	}
}

// form sends a form as a browser does for a page of this host, or another.
func form(h http.Handler, path, peer, site string, fields url.Values) answer {
	return send(h, "POST", path, peer, strings.NewReader(fields.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", site)
}

// TestOperatorActs: a form of a page asks, and then does what the API does, for who
// may and from a page of this host.
func TestOperatorActs(t *testing.T) {
	c, gone := operated()
	h := Handler(c)
	one := url.Values{"user": {"alice"}}
	asked := form(h, "/ui/sessions", trustedPeer, "same-origin", one)
	if asked.status != 200 || !strings.Contains(asked.body, "End 1 session?") || len(*gone) != 0 {
		t.Fatalf("got %d, ended %v, %q; want a question", asked.status, *gone, asked.body)
	}
	one.Set("confirm", "yes")
	if got := form(h, "/ui/sessions", trustedPeer, "cross-site", one); got.status != 403 || len(*gone) != 0 {
		t.Errorf("a page of another origin: got %d, ended %v; want 403", got.status, *gone)
	}
	if got := form(h, "/ui/sessions", untrustedPeer, "same-origin", one); got.status != 401 || len(*gone) != 0 {
		t.Errorf("an untrusted peer: got %d, ended %v; want 401", got.status, *gone)
	}
	if got := form(h, "/ui/sessions", trustedPeer, "same-origin", one); got.status != 200 || !slices.Equal(*gone, []uint64{7}) {
		t.Errorf("got %d, ended %v; want session 7 ended", got.status, *gone)
	}
}

// TestOperatorIsBoundByTheAPI: who may use the pages and not the API gets from a
// page what the API would say.
func TestOperatorIsBoundByTheAPI(t *testing.T) {
	c, gone := operated()
	deny := &access.List{Rules: []access.Rule{{Criteria: access.Any, Privilege: "DELETE"}}}
	c.Access = c.PolicyAccess(&fakePolicy{rules: map[string]*access.List{"http_listener/*/api/admin/sessions": deny}})
	got := form(Handler(c), "/ui/sessions", trustedPeer, "same-origin", url.Values{"user": {"alice"}, "confirm": {"yes"}})
	if got.status != 403 || len(*gone) != 0 || !strings.Contains(got.body, "denied DELETE") {
		t.Errorf("got %d, ended %v, %q; want 403 and why", got.status, *gone, got.body)
	}
}

// TestOperatorBody: a form longer than the limit is refused as any other body.
func TestOperatorBody(t *testing.T) {
	c, _ := operated()
	long := url.Values{"user": {strings.Repeat("x", int(c.RequestBodyLimit))}}
	if got := form(Handler(c), "/ui/sessions", trustedPeer, "same-origin", long); got.status != 413 {
		t.Errorf("got %d; want 413", got.status)
	}
}

// TestOperatorPagesStaySmall: with 8,000 sessions no page is longer than 1 MiB, even
// for a browser that knows no compression, and none shows them all.
func TestOperatorPagesStaySmall(t *testing.T) {
	s := newScene(8000)
	h := Handler(s.config())
	for _, route := range operatorKnown {
		got := ask(h, "GET", route.path, trustedPeer)
		if got.status != 200 || len(got.body) > 1<<20 {
			t.Errorf("%s: got %d with %d bytes; want 200 with at most 1 MiB", route.path, got.status, len(got.body))
		}
	}
	if body := ask(h, "GET", "/ui/sessions", trustedPeer).body; !strings.Contains(body, "<strong>8,000</strong>") || strings.Count(body, "<tr>") != 101 {
		t.Errorf("got %d rows; want 8,000 counted, and 100 shown under the heads", strings.Count(body, "<tr>"))
	}
}

// BenchmarkOperatorPages is what a page costs with 8,000 sessions.
func BenchmarkOperatorPages(b *testing.B) {
	h := Handler(newScene(8000).config())
	for _, path := range []string{"/", "/ui/tree", "/ui/sessions"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				ask(h, "GET", path, trustedPeer)
			}
		})
	}
}
