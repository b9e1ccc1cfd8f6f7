package pages

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/internal/adminclient"
	"github.com/troupe-proxy/troupe/internal/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeAPI answers by method and path, and knows what it was asked.
type fakeAPI struct {
	mu      sync.Mutex
	answers map[string]any // a *problem is a refusal
	asked   []string
	last    *http.Request
}

func (a *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = r
	a.asked = append(a.asked, r.Method+" "+r.URL.String())
	switch answer := a.answers[r.Method+" "+r.URL.Path].(type) {
	case nil:
		w.WriteHeader(http.StatusNotFound)
	case *problem:
		http.Error(w, "Error: "+answer.text, answer.status)
	default:
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// newPages are pages over an API and one listener.
func newPages(api *fakeAPI, change func(*Source)) *Pages {
	s := Source{
		API: api, Gatherer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Version: "1.2.3",
		Listeners: func() []Listener { return []Listener{{Address: "127.0.0.1:1080", Accepting: true}} },
	}
	if change != nil {
		change(&s)
	}
	return New(s)
}

// get asks for a page.
func get(t *testing.T, p *Pages, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return serve(t, p, r)
}

// post sends a form.
func post(t *testing.T, p *Pages, path string, fields url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return serve(t, p, r)
}

func serve(t *testing.T, p *Pages, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	for _, route := range p.Routes() {
		if h := route.Methods[r.Method]; route.Path == r.URL.Path && h != nil {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
	}
	t.Fatalf("nothing answers %s %s", r.Method, r.URL.Path)
	return nil
}

// TestConcerns: what needs a person is said first, what does not is not said.
func TestConcerns(t *testing.T) {
	api := &fakeAPI{answers: map[string]any{}}
	if body := get(t, newPages(api, nil), "/").Body.String(); !strings.Contains(body, "there are no figures") {
		t.Error("a proxy without figures is not a concern")
	}
	files := prometheus.NewRegistry()
	for name, n := range map[string]float64{"process_open_fds": 95, "process_max_fds": 100, "policy_fallback": 1} {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name})
		g.Set(n)
		files.MustRegister(g)
	}
	active := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "proxy_active_connections"}, []string{"listener"})
	active.WithLabelValues("127.0.0.1:1080").Set(12345)
	files.MustRegister(active)
	api.answers["GET /api/admin/tree"] = adminclient.Tree{Root: adminclient.Node{Path: "supervisor", Kind: "supervisor", State: "running", Children: []adminclient.Node{
		{Path: "supervisor/web", Kind: "web", State: "failed", LastFailure: &adminclient.Failure{Error: "no web"}},
		{Path: "supervisor/metrics", Kind: "metrics", State: "running", LastFailure: &adminclient.Failure{At: time.Now(), Error: "a fault <b>"}},
		{Path: "supervisor/old", Kind: "metrics", State: "running", LastFailure: &adminclient.Failure{At: time.Now().Add(-time.Hour), Error: "long ago"}},
	}}}
	p := newPages(api, func(s *Source) {
		s.Gatherer = files
		s.Draining = func() bool { return true }
		s.LastReload = func() Reload { return Reload{Result: "failed", Problem: "policy.lua:3: bad"} }
		s.Listeners = func() []Listener {
			return []Listener{{Address: "127.0.0.1:1080", Failure: "address in use"}}
		}
		s.History = func() []history.Sample {
			f := func(n uint64) []history.Figure {
				return []history.Figure{{Listener: "127.0.0.1:1080", Reasons: map[string]uint64{noResources: n, "denied": 3}}}
			}
			return []history.Sample{{At: time.Now().Add(-10 * time.Second), Figures: f(1)}, {At: time.Now(), Figures: f(4)}}
		}
	})
	body := get(t, p, "/").Body.String()
	for _, want := range []string{
		"127.0.0.1:1080 does not accept clients", "address in use", "The proxy is shutting down", "The last reload was refused",
		"policy.lua:3: bad", "kept from an earlier run", "Descriptors are short", "95 of 100", "turned away", "3 in the last 15 minutes",
		"supervisor/web has failed", "supervisor/metrics was brought back", "a fault &lt;b&gt;", "12,345",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got no %q on the page", want)
		}
	}
	for _, bad := range []string{"long ago", "All listeners accept", "<b>"} {
		if strings.Contains(body, bad) {
			t.Errorf("got %q on the page", bad)
		}
	}
	if strings.Index(body, "does not accept") > strings.Index(body, "<h2 id=\"listeners-heading\"") {
		t.Error("what needs a person is not first")
	}
}

// TestMarkup: nothing in a page needs a policy that allows scripts or styles in it,
// and what clients say is text.
func TestMarkup(t *testing.T) {
	evil := `"><script>alert(1)</script>`
	api := &fakeAPI{answers: map[string]any{
		"GET /api/admin/sessions": adminclient.Sessions{Sessions: []adminclient.Session{{ID: evil, Client: evil, User: evil, Phase: evil}}, Total: 1, Next: evil},
		"GET /api/admin/tree":     adminclient.Tree{Root: adminclient.Node{Path: evil, Kind: evil, State: evil, LastFailure: &adminclient.Failure{Error: evil}}},
	}}
	p := newPages(api, func(s *Source) {
		s.LogFilter = func() string { return evil }
		s.LastReload = func() Reload { return Reload{Policy: evil, Result: evil, Problem: evil} }
		s.Listeners = func() []Listener { return []Listener{{Address: evil, Failure: evil}} }
	})
	for _, v := range p.views() {
		body := get(t, p, v.path+"?user="+url.QueryEscape(evil)).Body.String()
		if strings.Contains(body, "<script>") || strings.Contains(body, " style=") || strings.Contains(body, "<style") {
			t.Errorf("%s: got markup that its policy forbids, or of somebody else's", v.path)
		}
		for _, want := range []string{`<html lang="en">`, `name="viewport"`, `aria-current="page"`, `href="/rapidoc"`, `href="/metrics"`, "<h1>"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: got no %s", v.path, want)
			}
		}
	}
}

// TestRefusals: what the API refuses is said on the page, with its status.
func TestRefusals(t *testing.T) {
	api := &fakeAPI{answers: map[string]any{
		"GET /api/admin/sessions": &problem{400, "client: expected an address"},
		"GET /api/admin/tree":     &problem{401, "not permitted"},
		"POST /api/admin/reload":  &problem{422, "policy.lua:3: bad"},
	}}
	p := newPages(api, nil)
	for target, want := range map[string]struct {
		status int
		text   string
	}{
		"/ui/sessions?client=x": {400, "client: expected an address"},
		"/ui/tree":              {403, "not permitted"},
	} {
		if got := get(t, p, target); got.Code != want.status || !strings.Contains(got.Body.String(), want.text) {
			t.Errorf("%s: got %d; want %d and %q", target, got.Code, want.status, want.text)
		}
	}
	for _, tt := range []struct {
		path   string
		fields url.Values
		status int
		text   string
	}{
		{"/ui/policy", url.Values{"do": {"reload"}}, 422, "policy.lua:3: bad"},
		{"/ui/policy", url.Values{"do": {"bump"}}, 404, "does not offer"},
		{"/ui/policy", url.Values{}, 422, "expected reload or bump"},
		{"/ui/sessions", url.Values{"cilent": {"x"}}, 422, "not known"},
		{"/ui/sessions", url.Values{"client": {"x", "y"}}, 422, "expected once"},
	} {
		if got := post(t, p, tt.path, tt.fields); got.Code != tt.status || !strings.Contains(got.Body.String(), tt.text) {
			t.Errorf("%s %v: got %d %s; want %d and %q", tt.path, tt.fields, got.Code, got.Body, tt.status, tt.text)
		}
	}
}

// TestAsking: the API is asked by the same client, and not for what the page was.
func TestAsking(t *testing.T) {
	api := &fakeAPI{answers: map[string]any{"POST /api/admin/reload": map[string]any{"result": "ok", "difference": map[string]any{"added": []string{"listener x"}}}}}
	r := httptest.NewRequest(http.MethodPost, "/ui/policy?x=1", strings.NewReader("do=reload"))
	r.RemoteAddr = "192.0.2.9:4000"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer tok")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	got := serve(t, newPages(api, nil), r)
	if got.Code != 200 || !strings.Contains(got.Body.String(), "Added: listener x.") {
		t.Errorf("got %d %s; want what has changed", got.Code, got.Body)
	}
	asked := api.last
	if asked.RemoteAddr != r.RemoteAddr || asked.Header.Get("Authorization") != "Bearer tok" || asked.Header.Get("Sec-Fetch-Site") != "same-origin" {
		t.Errorf("got %s %v; want the client's", asked.RemoteAddr, asked.Header)
	}
	if asked.URL.RawQuery != "" || asked.ContentLength != 0 || asked.Header.Get("Content-Type") != "" {
		t.Errorf("got %s with a body of %d %q; want none", asked.URL, asked.ContentLength, asked.Header.Get("Content-Type"))
	}
}

// TestAsksFirst: without a yes nothing is restarted or ended, and the question says
// what will happen.
func TestAsksFirst(t *testing.T) {
	api := &fakeAPI{answers: map[string]any{
		"GET /api/admin/tree":          adminclient.Tree{Root: adminclient.Node{Path: "supervisor/web", Kind: "web"}},
		"POST /api/admin/restart":      map[string]string{"path": "supervisor/web", "what": "restarted"},
		"DELETE /api/admin/sessions":   adminclient.Ended{Ended: 3, WaitingForClient: 2, WaitingForUpstream: 1},
		"DELETE /api/admin/sessions/7": adminclient.Ended{Ended: 1, WaitingForUpstream: 1},
	}}
	for _, tt := range []struct {
		path           string
		fields         url.Values
		asked, done    string // of the API
		question, said string
	}{
		{"/ui/tree", url.Values{"path": {"supervisor/web"}, "confirm": {"no"}}, "GET /api/admin/tree?depth=0&limit=0&path=supervisor%2Fweb",
			"POST /api/admin/restart", "Other HTTP requests that are under way are cut off", "supervisor/web: restarted."},
		{"/ui/sessions", url.Values{"id": {"7"}, "client": {"10.0.0.1:1"}}, "DELETE /api/admin/sessions/7?dry_run=true",
			"DELETE /api/admin/sessions/7", "may be delivered twice", "1 session ended"},
		{"/ui/sessions", url.Values{"user": {"ann"}, "client": {" "}}, "DELETE /api/admin/sessions?dry_run=true&user=ann",
			"DELETE /api/admin/sessions?user=ann", "End 3 sessions?", "3 sessions ended"},
	} {
		api.asked = nil
		p := newPages(api, nil)
		got := post(t, p, tt.path, tt.fields)
		if got.Code != 200 || !strings.Contains(got.Body.String(), tt.question) || !strings.Contains(got.Body.String(), `name="confirm" value="yes"`) {
			t.Errorf("%s: got %d %s; want the question %q", tt.path, got.Code, got.Body, tt.question)
		}
		if len(api.asked) != 1 || api.asked[0] != tt.asked {
			t.Errorf("%s: got %v; want %s alone", tt.path, api.asked, tt.asked)
		}
		tt.fields.Set("confirm", "yes")
		if got := post(t, p, tt.path, tt.fields); got.Code != 200 || !strings.Contains(got.Body.String(), tt.said) {
			t.Errorf("%s, confirmed: got %d %s; want %q", tt.path, got.Code, got.Body, tt.said)
		}
		if api.asked[len(api.asked)-1] != tt.done {
			t.Errorf("%s, confirmed: got %v; want %s", tt.path, api.asked, tt.done)
		}
	}
	if got := post(t, newPages(api, nil), "/ui/sessions", url.Values{"id": {"8"}}); got.Code != 404 {
		t.Errorf("a session that has ended: got %d; want 404", got.Code)
	}
}

// TestStream: an event has the part that changes, and comes again when it has.
func TestStream(t *testing.T) {
	var filter sync.Map
	filter.Store("now", "info\n\nevent: x")
	p := newPages(&fakeAPI{}, func(s *Source) {
		s.LogFilter = func() string { text, _ := filter.Load("now"); return text.(string) }
	})
	server := httptest.NewServer(p.show(p.views()[6]))
	defer server.Close()
	ctx, end := context.WithTimeout(t.Context(), 30*time.Second)
	defer end()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", eventStream)
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != eventStream {
		t.Errorf("got the type %q; want %q", got, eventStream)
	}
	lines := bufio.NewScanner(response.Body)
	awaitLine := func(want string) {
		t.Helper()
		for lines.Scan() {
			line := lines.Text()
			if strings.Contains(line, want) {
				return
			}
			if line != "" && line != "event: live" && !strings.HasPrefix(line, "data: ") && !strings.HasPrefix(line, "retry: ") {
				t.Errorf("got the line %q", line)
			}
		}
		t.Fatalf("got no %q: %v", want, lines.Err())
	}
	awaitLine("info")
	filter.Store("now", "lua=debug")
	awaitLine("lua=debug")
}

// TestMostWatchers: one page too many is not followed, and can be seen all the same.
func TestMostWatchers(t *testing.T) {
	p := newPages(&fakeAPI{}, nil)
	for range mostWatchers {
		p.watchers <- struct{}{}
	}
	if got := get(t, p, "/ui/log", "Accept", eventStream); got.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d; want 503", got.Code)
	}
	if got := get(t, p, "/ui/log"); got.Code != 200 {
		t.Errorf("got %d; want 200", got.Code)
	}
}

// TestSessionsPage: the part that follows is linked, with the filters.
func TestSessionsPage(t *testing.T) {
	api := &fakeAPI{answers: map[string]any{"GET /api/admin/sessions": adminclient.Sessions{Total: 8000, Next: "mark", Sessions: manySessions(100)}}}
	got := get(t, newPages(api, nil), "/ui/sessions?user=a%26b&sort=-idle&client=&nonsense=1").Body.String()
	if want := "GET /api/admin/sessions?sort=-idle&user=a%26b"; api.asked[0] != want {
		t.Errorf("got %s; want %s", api.asked[0], want)
	}
	for _, want := range []string{"8,000", "100 are shown", `href="/ui/sessions?after=mark&amp;sort=-idle&amp;user=a%26b"`, "End all such sessions"} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q", want)
		}
	}
	if len(got) > 1<<20 {
		t.Errorf("got a page of %d bytes; want at most 1 MiB", len(got))
	}
}

func manySessions(n int) (all []adminclient.Session) {
	for i := range n {
		all = append(all, adminclient.Session{
			ID: fmt.Sprintf("%016x", i), Listener: "127.0.0.1:1080", Client: fmt.Sprintf("[2001:db8:ffff:ffff::%x]:40000", i), User: "somebody",
			Source: "[2001:db8:ffff:ffff::1]:40000", Destination: "[2001:db8:ffff:ffff::2]:25", Phase: "relaying", WaitingFor: "client",
		})
	}
	return all
}

// TestFiguresFail: no figures are an error, and some with an error are better than
// none.
func TestFiguresFail(t *testing.T) {
	if _, err := Figures(prometheus.NewRegistry()); !errors.Is(err, errNoFigures) {
		t.Errorf("got %v; want errNoFigures", err)
	}
	broken, name, kind, value := errors.New("broken"), "proxy_active_connections", dto.MetricType_GAUGE, 3.0
	some := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		return []*dto.MetricFamily{{Name: &name, Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}}}, broken
	})
	if got, err := Figures(some); err != nil || len(got) != 1 || got[0].Active != 3 {
		t.Errorf("got %v, %v; want what there is", got, err)
	}
	none := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return nil, broken })
	if _, err := Figures(none); !errors.Is(err, broken) {
		t.Errorf("got %v; want broken", err)
	}
}

// TestLogPageSaysHowLong: a reload leaves the filter alone.
func TestLogPageSaysHowLong(t *testing.T) {
	const want = "until the next change or restart."
	if got := get(t, newPages(&fakeAPI{}, nil), "/ui/log"); !strings.Contains(got.Body.String(), want) {
		t.Errorf("got\n%s\nwant %q", got.Body, want)
	}
}
