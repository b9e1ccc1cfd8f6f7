package adminclient

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked is a request as a daemon sees it.
type asked struct {
	line, authorization, contentType, body string
}

// daemon answers everything alike, and tells what it was asked.
type daemon struct {
	status int
	body   string
	header http.Header
	last   asked
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.last = asked{r.Method + " " + r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
	for key, values := range d.header {
		w.Header()[key] = values
	}
	w.WriteHeader(d.status)
	io.WriteString(w, d.body)
}

func (d *daemon) client(t *testing.T, o Options) *Client {
	t.Helper()
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	o.Endpoint = server.URL
	return mustNew(t, o)
}

func mustNew(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestRequests: each call asks what the API has.
func TestRequests(t *testing.T) {
	d := &daemon{status: 200, body: "{}"}
	c := d.client(t, Options{})
	ctx := t.Context()
	filter := Filter{Client: "10.0.0.0/8", User: "a&b", IdleLongerThan: "5m"}
	for _, tt := range []struct {
		do         func() error
		line, body string
	}{
		{func() error { _, err := c.Tree(ctx, TreeQuery{Depth: -1, Connections: -1}); return err }, "GET /api/admin/tree", ""},
		{func() error {
			_, err := c.Tree(ctx, TreeQuery{Path: "supervisor/web", Connections: 7, After: "x"})
			return err
		}, "GET /api/admin/tree?after=x&depth=0&limit=7&path=supervisor%2Fweb", ""},
		{func() error { _, err := c.Restart(ctx, "supervisor/web"); return err }, "POST /api/admin/restart", `{"path":"supervisor/web"}`},
		{func() error {
			_, err := c.Sessions(ctx, filter, Page{Sort: "-age", Limit: 7, After: "x y"})
			return err
		},
			"GET /api/admin/sessions?after=x+y&client=10.0.0.0%2F8&idle_longer_than=5m&limit=7&sort=-age&user=a%26b", ""},
		{func() error {
			_, err := c.Sessions(ctx, Filter{Listener: "l", Source: "s", Destination: "d", OlderThan: "9"}, Page{})
			return err
		},
			"GET /api/admin/sessions?destination=d&listener=l&older_than=9&source=s", ""},
		{func() error { _, err := c.EndSession(ctx, "../x"); return err }, "DELETE /api/admin/sessions/..%2Fx", ""},
		{func() error { _, err := c.EndSessions(ctx, Filter{User: "u"}, true); return err }, "DELETE /api/admin/sessions?dry_run=true&user=u", ""},
		{func() error { _, err := c.EndSessions(ctx, Filter{User: "u"}, false); return err }, "DELETE /api/admin/sessions?user=u", ""},
		{func() error { _, err := c.Who(ctx, "[::1]:7"); return err }, "GET /api/admin/who?address=%5B%3A%3A1%5D%3A7", ""},
		{func() error { _, err := c.Reload(ctx); return err }, "POST /api/admin/reload", ""},
		{func() error { _, err := c.Drain(ctx, "l", "5m"); return err }, "POST /api/admin/drain", `{"limit":"5m","listener":"l"}`},
		{func() error { _, err := c.Drain(ctx, "", ""); return err }, "POST /api/admin/drain", `{}`},
		{func() error { _, err := c.Undrain(ctx, "l"); return err }, "DELETE /api/admin/drain?listener=l", ""},
		{func() error {
			_, err := c.Sources(ctx, SourceFilter{Source: "192.0.2.0/24", State: "paused", Plumbed: "no"}, Page{Sort: "address", Limit: 7, After: "x"})
			return err
		}, "GET /api/admin/sources?after=x&limit=7&plumbed=no&sort=address&source=192.0.2.0%2F24&state=paused", ""},
		{func() error { _, err := c.PauseSources(ctx, Hold{"192.0.2.7", "2h", "listed"}); return err }, "POST /api/admin/sources/pause", `{"for":"2h","reason":"listed","source":"192.0.2.7"}`},
		{func() error { _, err := c.DrainSources(ctx, Hold{Source: "192.0.2.7"}); return err }, "POST /api/admin/sources/drain", `{"source":"192.0.2.7"}`},
		{func() error { _, err := c.ResumeSources(ctx, "192.0.2.7"); return err }, "POST /api/admin/sources/resume", `{"source":"192.0.2.7"}`},
		{func() error {
			_, err := c.Probe(ctx, ProbeRequest{Sources: []string{"192.0.2.7", "all"}, To: "mx:25", Echo: "http://ip"})
			return err
		}, "POST /api/admin/sources/probe", `{"sources":["192.0.2.7","all"],"to":"mx:25","echo":"http://ip"}`},
		{func() error { _, err := c.Probe(ctx, ProbeRequest{Sources: []string{"all"}, To: "mx:25"}); return err }, "POST /api/admin/sources/probe", `{"sources":["all"],"to":"mx:25"}`},
		{func() error { return c.SetLogFilter(ctx, `a"b`) }, "POST /api/admin/set_diagnostic_log_filter/v1", `{"filter":"a\"b"}`},
		{func() error { _, err := c.Bans(ctx); return err }, "GET /api/admin/bans", ""},
		{func() error { return c.UnbanClient(ctx, "2001:db8::/64") }, "DELETE /api/admin/bans?client=2001%3Adb8%3A%3A%2F64", ""},
		{func() error { return c.UnbanUser(ctx, "a b") }, "DELETE /api/admin/bans?user=a+b", ""},
		{func() error { return c.ReopenLog(ctx) }, "POST /api/admin/log/reopen", ""},
		{func() error { _, err := c.Serving(ctx); return err }, "GET /proxy/status", ""},
		{func() error { _, err := c.Ready(ctx, ""); return err }, "GET /readyz", ""},
		{func() error { _, err := c.Ready(ctx, "[::1]:1"); return err }, "GET /readyz?listener=%5B%3A%3A1%5D%3A1", ""},
		{func() error { _, err := c.Active(ctx); return err }, "GET /metrics.json", ""},
	} {
		if err := tt.do(); err != nil {
			t.Errorf("%s: %v", tt.line, err)
		}
		if d.last.line != tt.line || d.last.body != tt.body {
			t.Errorf("got %s %s; want %s %s", d.last.line, d.last.body, tt.line, tt.body)
		}
		if json := d.last.contentType == "application/json"; json != (tt.body != "") {
			t.Errorf("%s: got content type %q", tt.line, d.last.contentType)
		}
		if d.last.authorization != "" {
			t.Errorf("%s: got credentials %q; want none", tt.line, d.last.authorization)
		}
	}
}

func TestCredentials(t *testing.T) {
	token, err := Token(" tok-secret\n")
	if err != nil {
		t.Fatal(err)
	}
	login, err := Login("alice:open:sesame")
	if err != nil {
		t.Fatal(err)
	}
	for want, credentials := range map[string]Credentials{
		"Bearer tok-secret": token, "Basic YWxpY2U6b3BlbjpzZXNhbWU=": login,
	} {
		d := &daemon{status: 401, body: "no", header: http.Header{"Location": {"/elsewhere"}}}
		c := d.client(t, Options{Credentials: credentials})
		_, err := c.Reload(t.Context())
		if d.last.authorization != want {
			t.Errorf("got %q; want %q", d.last.authorization, want)
		}
		for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%v %+v %#v %s", credentials, credentials, credentials, credentials)} {
			if strings.Contains(text, "secret") || strings.Contains(text, "sesame") {
				t.Errorf("%q shows a secret", text)
			}
		}
	}
	for _, text := range []string{"", "  ", "two tokens", "t\x00k", "tök"} {
		if _, err := Token(text); !errors.Is(err, ErrToken) {
			t.Errorf("token %q: got %v; want ErrToken", text, err)
		}
	}
	for _, text := range []string{"", "alice", ":sesame", "alice:se\nsame"} {
		if _, err := Login(text); !errors.Is(err, ErrLogin) || strings.Contains(fmt.Sprint(err), "sesame") {
			t.Errorf("login %q: got %v; want ErrLogin", text, err)
		}
	}
}

// TestRedirection: credentials go to the daemon that was named and to no other.
func TestRedirection(t *testing.T) {
	other := &daemon{status: 200, body: "{}"}
	elsewhere := httptest.NewServer(other)
	defer elsewhere.Close()
	d := &daemon{status: 307, header: http.Header{"Location": {elsewhere.URL}}}
	token, _ := Token("tok")
	_, err := d.client(t, Options{Credentials: token}).Reload(t.Context())
	if no, ok := errors.AsType[*StatusError](err); !ok || no.Status != 307 {
		t.Errorf("got %v; want status 307", err)
	}
	if other.last != (asked{}) {
		t.Errorf("somebody else was asked %v", other.last)
	}
}

// TestErrors: who says no, and to what, in words that a terminal can be shown.
func TestErrors(t *testing.T) {
	d := &daemon{status: 422, body: "Error: policy.lua:3: bad\x1b[31m thing\nand more\n"}
	c := d.client(t, Options{})
	_, err := c.Reload(t.Context())
	want := c.Endpoint() + ": POST /api/admin/reload: 422 Unprocessable Entity: policy.lua:3: bad\ufffd[31m thing\nand more"
	if fmt.Sprint(err) != want {
		t.Errorf("got %q; want %q", err, want)
	}
	d.status, d.body = 404, ""
	if _, err := c.Tree(t.Context(), TreeQuery{Depth: -1, Connections: -1}); fmt.Sprint(err) != c.Endpoint()+": GET /api/admin/tree: 404 Not Found" {
		t.Errorf("got %q; want it to say 404 and no more", err)
	}
	d.body = strings.Repeat("é", longestText)
	if _, err := c.Tree(t.Context(), TreeQuery{Depth: -1, Connections: -1}); len(fmt.Sprint(err)) > longestText+200 {
		t.Errorf("got an error of %d bytes; want it cut", len(fmt.Sprint(err)))
	}
	d.status, d.body = 200, "<html>"
	_, err = c.Tree(t.Context(), TreeQuery{Depth: -1, Connections: -1})
	if _, ok := errors.AsType[*UnreachableError](err); ok || err == nil || !strings.Contains(err.Error(), "/api/admin/tree") {
		t.Errorf("got %v; want an error that names what was asked", err)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cut := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}
	done := make(chan struct{})
	go func() { defer close(done); cut.Serve(l) }()
	defer func() { cut.Close(); <-done }()
	none := "unix:" + filepath.Join(t.TempDir(), "none.sock")
	for _, endpoint := range []string{"http://" + l.Addr().String(), "https://" + l.Addr().String(), "http://127.0.0.1:1", none} {
		_, err := mustNew(t, Options{Endpoint: endpoint}).Serving(t.Context())
		if no, ok := errors.AsType[*UnreachableError](err); !ok || no.Endpoint != endpoint {
			t.Errorf("%s: got %v; want an UnreachableError", endpoint, err)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Skipf("no Unix sockets: %v", err)
	}
	server := httptest.NewUnstartedServer(&daemon{status: 503, body: "KumoProxy: not accepting"})
	server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	h, err := mustNew(t, Options{Endpoint: "unix:" + filepath.Join(dir, "s")}).Serving(t.Context())
	if err != nil || h.OK || h.Text != "KumoProxy: not accepting" {
		t.Errorf("got %+v, %v; want no, with its text", h, err)
	}
}

func TestAuthorities(t *testing.T) {
	server := httptest.NewUnstartedServer(&daemon{status: 200, body: "ready"})
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // it tells of handshakes
	server.StartTLS()
	defer server.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	h, err := mustNew(t, Options{Endpoint: server.URL, Authorities: authority}).Ready(t.Context(), "")
	if err != nil || !h.OK || h.Text != "ready" {
		t.Errorf("got %+v, %v; want yes", h, err)
	}
	if _, err := mustNew(t, Options{Endpoint: server.URL}).Ready(t.Context(), ""); err == nil {
		t.Error("a certificate that nobody vouches for was taken")
	}
	if _, err := New(Options{Endpoint: server.URL, Authorities: []byte("none")}); !errors.Is(err, ErrAuthorities) {
		t.Errorf("got %v; want ErrAuthorities", err)
	}
	if _, err := New(Options{Endpoint: "http://127.0.0.1:1", Authorities: authority}); err == nil {
		t.Error("authorities were taken without https")
	}
}
