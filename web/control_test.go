package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestSessionsFilterAndOrder(t *testing.T) {
	s := newFakeProxy()
	for query, want := range map[string]string{
		"": "7654321", "?sort=age": "1234567", "?sort=-age": "7654321", "?sort=idle": "7654321", "?sort=-idle": "1234567",
		"?sort=bytes": "1267354", "?listener=127.0.0.1:1081": "642", "?user=ann": "52", "?client=192.0.2.3": "4",
		"?client=192.0.2.3:1003": "4", "?client=192.0.2.3:1": "", "?client=192.0.2.4/31": "65",
		// An IPv4 address that was written as IPv6, with a port or as a network, was none of ours.
		"?client=[::ffff:192.0.2.3]:1003": "4", "?client=::ffff:192.0.2.4/127": "65", "?source=2001:db8::/32": "654321",
		"?source=[2001:db8::1]:25": "2", "?destination=198.51.100.1": "43", "?destination=0.0.0.0/0": "654321",
		"?older_than=5h30m": "76", "?older_than=19800": "76", "?idle_longer_than=330": "21", "?user=bob&listener=127.0.0.1:1080": "3",
		"?user=nobody": "",
	} {
		if ids, got := listed(t, s, query); ids != want || got.Total != len(want) || got.Next != "" {
			t.Errorf("%s: got %s of %d, next %q; want %s and no more", query, ids, got.Total, got.Next, want)
		}
	}
	_, got := listed(t, s, "?client=192.0.2.3")
	one := got.Sessions[0]
	age, idle := one.Age, one.Idle
	one.Age, one.Idle = 0, 0
	want := sessionDocument{
		ID: "0000000000000004", Listener: "127.0.0.1:1081", Client: "192.0.2.3:1003", Source: "[2001:db8::3]:25",
		Destination: "198.51.100.1:25", Phase: "relaying", WaitingFor: "client", Received: 9, Sent: 100,
	}
	if one != want || age < 4*3600 || age > 5*3600 || idle < 240 || idle > 300 {
		t.Errorf("got %+v, age %v, idle %v; want %+v, 4 h and 240 s", one, age, idle, want)
	}
}

// A source port in a complaint leads to the client that had it.
func TestWho(t *testing.T) {
	h := controlHandler(newFakeProxy())
	for query, want := range map[string]struct {
		status int
		body   string
	}{
		"?address=[2001:db8::3]:25": {200, `{"client":"192.0.2.3:1003","user":"","listener":"127.0.0.1:1081","destination":"198.51.100.1:25","session":"0000000000000004","rule":"rule of 4"}` + "\n"},
		"?address=[2001:db8::3]:26": {404, "Error: no session that is open has the source [2001:db8::3]:26"},
		"?address=192.0.2.3":        {400, `Error: address: expected an address and a port such as 192.0.2.7:40312, got "192.0.2.3"`},
		"?address=":                 {400, "Error: address: expected a value, got nothing"},
		"":                          {400, `Error: address: expected an address and a port such as 192.0.2.7:40312, got ""`},
		"?source=192.0.2.3:1":       {400, "Error: source: there is no such parameter"},
	} {
		if a := ask(h, "GET", "/api/admin/who"+query, trustedPeer); a.status != want.status || a.body != want.body {
			t.Errorf("%s: got %d %q; want %d %q", query, a.status, a.body, want.status, want.body)
		}
	}
}

func TestLogReopen(t *testing.T) {
	s := newFakeProxy()
	if a := ask(controlHandler(s), "POST", "/api/admin/log/reopen", trustedPeer); a.status != 200 || a.body != "" || len(s.asked) != 1 {
		t.Errorf("got %d %q, asked %q; want 200, nothing, and once", a.status, a.body, s.asked)
	}
	s.err = &Refused{Status: 409, Err: errors.New("there is none")}
	if a := ask(controlHandler(s), "POST", "/api/admin/log/reopen", trustedPeer); a.status != 409 || a.body != "Error: there is none" {
		t.Errorf("got %d %q; want 409 and why", a.status, a.body)
	}
}

// Page by page, each session comes once, in the order of all.
func TestSessionsPages(t *testing.T) {
	s := newFakeProxy()
	for _, order := range []string{"age", "-age", "idle", "-idle", "bytes", "-bytes"} {
		want, _ := listed(t, s, "?sort="+order)
		var got string
		for after, pages := "", 0; ; pages++ {
			ids, page := listed(t, s, "?limit=3&sort="+order+after)
			if got += ids; page.Total != 7 || len(page.Sessions) > 3 || pages > 3 {
				t.Fatalf("%s: got a page %+v", order, page)
			}
			if page.Next == "" {
				break
			}
			after = "&after=" + page.Next
		}
		if got != want {
			t.Errorf("%s: the pages have %s; want %s", order, got, want)
		}
	}
}

// What cannot be read is refused, and nothing is done by half.
func TestControlRefuses(t *testing.T) {
	const sessions, drain, restart = "/api/admin/sessions", "/api/admin/drain", "/api/admin/restart"
	for _, tt := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"GET", sessions + "?sort=name", "", 400, "age, idle or bytes"},
		{"GET", sessions + "?limit=1001", "", 400, "1 to 1000"},
		{"GET", sessions + "?limit=0", "", 400, "1 to 1000"},
		{"GET", sessions + "?after=x!", "", 400, "as next"},
		{"GET", sessions + "?client=somewhere", "", 400, "192.0.2.0/24"},
		{"GET", sessions + "?clients=192.0.2.1", "", 400, "no such parameter"},
		{"DELETE", sessions, "", 422, "expected a filter"},
		{"DELETE", sessions + "?dry_run=true", "", 422, "expected a filter"},
		{"DELETE", sessions + "?client=", "", 400, "got nothing"},
		{"DELETE", sessions + "?user=x&older=5m", "", 400, "no such parameter"},
		{"DELETE", sessions + "?older_than=-5m", "", 400, "a duration"},
		{"DELETE", sessions + "?older_than=NaN", "", 400, "a duration"},
		{"DELETE", sessions + "?older_than=1e300", "", 400, "a duration"},
		{"DELETE", sessions + "?user=x&dry_run=perhaps", "", 400, "true or false"},
		{"DELETE", sessions + "?user=x&user=y", "", 400, "once"},
		{"DELETE", sessions + "/000000000000dead", "", 404, "no session"},
		{"DELETE", sessions + "/7", "", 404, "no session"},
		{"DELETE", sessions + "/000000000000DEAD", "", 404, "no session"},
		{"GET", "/api/admin/tree?depth=-1", "", 400, "whole number"},
		{"GET", "/api/admin/tree?limit=x", "", 400, "0 to 1000"},
		{"POST", restart, `{}`, 422, "missing"},
		{"POST", restart, `{"path":5}`, 422, "string"},
		{"POST", restart, `{"paht":"x"}`, 422, "paht"},
		{"POST", restart, `null`, 422, "object"},
		{"POST", restart, `{"path":"x"}{}`, 422, "more than one"},
		{"POST", restart, `{`, 400, "no JSON"},
		{"POST", restart, ``, 400, "no JSON"},
		{"POST", drain, `{"limit":"soon"}`, 422, "a duration"},
		{"POST", drain, `{"limit":"-1s"}`, 422, "a duration"},
		{"POST", drain, `{"listener":null}`, 422, "got null"},
		{"POST", drain, `{"listener":""}`, 422, "got nothing"},
		{"POST", drain, `{"listener":7}`, 422, "string"},
		{"POST", drain, `{"lisetner":"x"}`, 422, "no such member"},
		{"DELETE", drain + "?listener=", "", 400, "got nothing"},
		{"DELETE", drain + "?limit=5m", "", 400, "no such parameter"},
	} {
		s := newFakeProxy()
		c := newConfig()
		c.Control = s.control()
		got := send(Handler(c), tt.method, tt.path, trustedPeer, strings.NewReader(tt.body), "Content-Type", "application/json")
		if got.status != tt.status || !strings.Contains(got.body, tt.text) || got.body != "" && !strings.HasPrefix(got.body, "Error: ") {
			t.Errorf("%s %s %s: got %d %q; want %d and %q", tt.method, tt.path, tt.body, got.status, got.body, tt.status, tt.text)
		}
		if len(s.asked) > 0 && !strings.Contains(tt.path, "dead") {
			t.Errorf("%s %s %s: was carried out: %q", tt.method, tt.path, tt.body, s.asked)
		}
	}
}

func TestControlAsks(t *testing.T) {
	for _, tt := range []struct{ method, path, body, asked string }{
		{"GET", "/api/admin/tree", "", "tree  -1 100 "},
		{"GET", "/api/admin/tree?path=a/b&depth=2&limit=7&after=x", "", "tree a/b 2 7 x"},
		{"POST", "/api/admin/restart", `{"path":"a/b"}`, "restart a/b by 127.0.0.1"},
		{"DELETE", "/api/admin/sessions?user=ann", "", "end 2 by 127.0.0.1"},
		{"DELETE", "/api/admin/sessions?user=ann&dry_run=false", "", "end 2 by 127.0.0.1"},
		{"DELETE", "/api/admin/sessions/00000000000000ff", "", "end 1 by 127.0.0.1"},
		{"POST", "/api/admin/reload", "", "reload"},
		{"POST", "/api/admin/drain", "", `drain "" 0s by 127.0.0.1`},
		{"POST", "/api/admin/drain", `{"listener":"127.0.0.1:1080","limit":"5m"}`, `drain "127.0.0.1:1080" 5m0s by 127.0.0.1`},
		{"POST", "/api/admin/drain", `{"limit":"90"}`, `drain "" 1m30s by 127.0.0.1`},
		{"POST", "/api/admin/upgrade", "", `upgrade by 127.0.0.1`},
		{"DELETE", "/api/admin/drain", "", `undrain "" by 127.0.0.1`},
		{"DELETE", "/api/admin/drain?listener=x", "", `undrain "x" by 127.0.0.1`},
	} {
		s := newFakeProxy()
		c := newConfig()
		c.Control = s.control()
		header := []string{"Content-Type", "application/json"}
		got := send(Handler(c), tt.method, tt.path, trustedPeer, strings.NewReader(tt.body), header...)
		if got.status != 200 || got.header.Get("Content-Type") != jsonType || got.header.Get("Cache-Control") != "no-store" || !json.Valid([]byte(got.body)) {
			t.Errorf("%s %s: got %d %q; want 200 and JSON", tt.method, tt.path, got.status, got.body)
		}
		if len(s.asked) != 1 || s.asked[0] != tt.asked {
			t.Errorf("%s %s: asked %q; want %q", tt.method, tt.path, s.asked, tt.asked)
		}
	}
}

// A dry run ends nobody and says who would be, of one session too that is far down
// the list.
func TestDryRun(t *testing.T) {
	s := newFakeProxy()
	far := s.sessions[0]
	far.ID, far.WaitsForUpstream = 0xff, true
	for range 200 {
		s.sessions = append(s.sessions, Session{Client: netip.MustParseAddrPort("203.0.113.1:1"), Since: s.base})
	}
	s.sessions = append(s.sessions, far)
	c := newConfig()
	c.Control = s.control()
	for query, want := range map[string]string{
		"?user=ann&dry_run":                         "Error: dry_run: expected a value, got nothing",
		"/00000000000000ff?dry_run":                 "Error: dry_run: expected a value, got nothing",
		"/00000000000000ff?dry_run=":                "Error: dry_run: expected a value, got nothing",
		"/00000000000000ff?dryrun=true":             "Error: dryrun: there is no such parameter",
		"/00000000000000ff?dry_run=1":               `{"ended":1,"waiting_for_client":0,"waiting_for_upstream":1,"dry_run":true}`,
		"?destination=198.51.100.0/24&dry_run=true": `{"ended":7,"waiting_for_client":3,"waiting_for_upstream":4,"dry_run":true}`,
		"/00000000000000ff?dry_run=true":            `{"ended":1,"waiting_for_client":0,"waiting_for_upstream":1,"dry_run":true}`,
		"/00000000000000fe?dry_run=true":            "Error: there is no session \"00000000000000fe\", or it has ended",
	} {
		if got := ask(Handler(c), "DELETE", "/api/admin/sessions"+query, trustedPeer); strings.TrimSpace(got.body) != want {
			t.Errorf("%s: got %d %q; want %q", query, got.status, got.body, want)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("sessions were ended: %q", s.asked)
	}
}

// An error of the proxy has the status that it asks for, and is ours otherwise.
func TestControlProblems(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
	}{{&Refused{409, errors.New("not now")}, 409}, {fmt.Errorf("more: %w", &Refused{404, errors.New("not now")}), 404}, {errors.New("not now"), 500}} {
		s := &fakeProxy{err: tt.err}
		c := newConfig()
		c.Control = s.control()
		for _, one := range [][2]string{{"GET", "tree"}, {"POST", "reload"}, {"POST", "drain"}, {"DELETE", "drain"}} {
			got := ask(Handler(c), one[0], "/api/admin/"+one[1], trustedPeer)
			if got.status != tt.status || !strings.Contains(got.body, "not now") {
				t.Errorf("%v: %v: got %d %q; want %d", one, tt.err, got.status, got.body, tt.status)
			}
		}
	}
}

// TestControlIsAsDescribed: the answers have the shapes that the description says.
func TestControlIsAsDescribed(t *testing.T) {
	v := newValidator(t, mustDescribe(t))
	c := newConfig()
	c.Control = newFakeProxy().control()
	for _, tt := range []struct{ method, path, body string }{
		{"GET", "/api/admin/tree", ""}, {"GET", "/api/admin/sessions?limit=2", ""}, {"GET", "/api/admin/sessions?sort=-idle&user=ann", ""},
		{"DELETE", "/api/admin/sessions?user=ann", ""}, {"DELETE", "/api/admin/sessions", ""}, {"DELETE", "/api/admin/sessions/00000000000000ff", ""},
		{"POST", "/api/admin/restart", `{"path":"x"}`}, {"POST", "/api/admin/reload", ""}, {"POST", "/api/admin/upgrade", ""}, {"POST", "/api/admin/drain", `{"limit":"5m"}`}, {"DELETE", "/api/admin/drain", ""},
	} {
		r := httptest.NewRequest(tt.method, "http://127.0.0.1:8000"+tt.path, strings.NewReader(tt.body))
		r.RemoteAddr = trustedPeer
		if tt.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if ok, errs := v.ValidateHttpRequest(r); !ok {
			complain(t, tt.method+" "+tt.path, errs)
		}
		w := httptest.NewRecorder()
		Handler(c).ServeHTTP(w, r)
		if ok, errs := v.ValidateHttpResponse(r, w.Result()); !ok {
			complain(t, tt.method+" "+tt.path, errs)
		}
	}
}

// BenchmarkSessionsList is a page of 8,000 sessions.
func BenchmarkSessionsList(b *testing.B) {
	var all []Session
	for i := range 8000 {
		one := manySessions()[i%7]
		one.ID = uint64(i)
		all = append(all, one)
	}
	c := newConfig()
	c.Control = (&fakeProxy{sessions: all, base: time.Now()}).control()
	h := Handler(c)
	for b.Loop() {
		if got := ask(h, "GET", "/api/admin/sessions?sort=-idle", trustedPeer); got.status != 200 {
			b.Fatal(got.status)
		}
	}
}
