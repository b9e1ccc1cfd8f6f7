package web

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// manySources are of which each differs from the others in every figure.
func manySources() []Source {
	one := func(address string, change func(*Source)) Source {
		s := Source{Address: netip.MustParseAddr(address), Known: true, Plumbed: "yes", State: "serving", Dials: map[string]uint64{"connected": 1}}
		change(&s)
		return s
	}
	return []Source{
		one("192.0.2.1", func(s *Source) { s.Sessions, s.Tried, s.Connected = 5, 10, 10 }),
		one("192.0.2.2", func(s *Source) { s.Plumbed, s.Trouble, s.Tried = "no", 4_000_000, 1 }),
		one("192.0.2.3", func(s *Source) {
			s.State, s.Until, s.Trouble, s.Sessions, s.By, s.Reason = "paused", started.Add(time.Hour), 2_000_000, 2, "ann", "listed"
		}),
		one("192.0.2.10", func(s *Source) {
			s.RefusalText, s.RefusalAt, s.RefusalFrom = "554 blocked", started, netip.MustParseAddrPort("198.51.100.1:25")
			s.Trouble, s.Tried, s.Connected, s.Greetings = 5_000_000, 4, 3, Greetings{Permanent: 1}
		}),
		one("2001:db8::1", func(s *Source) { s.State = "draining"; s.Trouble = 2_000_000 }),
	}
}

// oneByOne is a list whose pages have one each, and of which page gives the one behind a
// mark, as a part of the query, and the next mark.
func oneByOne(page func(after string) (addresses []string, next string)) (all []string) {
	for after := ""; ; {
		addresses, next := page(after)
		all = append(all, addresses...)
		if next == "" {
			return all
		}
		after = "&after=" + next
	}
}

// TestSourcesFilterAndOrder also goes through each list one by one.
func TestSourcesFilterAndOrder(t *testing.T) {
	h := controlHandler(newFakeProxy())
	page := func(query string) (got sourcesDocument) {
		t.Helper()
		a := ask(h, "GET", "/api/admin/sources"+query, trustedPeer)
		if a.status != 200 {
			t.Fatalf("%s: got %d %q; want 200", query, a.status, a.body)
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	addresses := func(list sourcesDocument) (all []string) {
		for _, s := range list.Sources {
			all = append(all, s.Address)
		}
		return all
	}
	for query, want := range map[string]string{
		"?":                        "192.0.2.10 192.0.2.2 192.0.2.3 2001:db8::1 192.0.2.1",
		"?sort=trouble":            "192.0.2.1 192.0.2.3 2001:db8::1 192.0.2.2 192.0.2.10",
		"?sort=address":            "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.10 2001:db8::1",
		"?sort=-address":           "2001:db8::1 192.0.2.10 192.0.2.3 192.0.2.2 192.0.2.1",
		"?sort=-sessions":          "192.0.2.1 192.0.2.3 192.0.2.2 192.0.2.10 2001:db8::1",
		"?sort=-dials":             "192.0.2.1 192.0.2.10 192.0.2.2 192.0.2.3 2001:db8::1",
		"?sort=-failures":          "192.0.2.2 192.0.2.10 192.0.2.1 192.0.2.3 2001:db8::1",
		"?sort=-refusal":           "192.0.2.10 192.0.2.1 192.0.2.2 192.0.2.3 2001:db8::1",
		"?source=192.0.2.0/29":     "192.0.2.2 192.0.2.3 192.0.2.1",
		"?source=192.0.2.3":        "192.0.2.3",
		"?state=paused":            "192.0.2.3",
		"?plumbed=no":              "192.0.2.2",
		"?plumbed=no&state=paused": "",
	} {
		whole := page(query)
		got := addresses(whole)
		one := oneByOne(func(after string) ([]string, string) {
			p := page(query + "&limit=1" + after)
			return addresses(p), p.Next
		})
		if strings.Join(got, " ") != want || strings.Join(one, " ") != want || whole.Total != len(got) {
			t.Errorf("%s: got %v, one by one %v; want %s", query, got, one, want)
		}
	}
	first := page("?limit=1").Sources[0]
	if first.LastRefusal == nil || first.LastRefusal.Text != "554 blocked" || first.DialRatio == nil || *first.DialRatio != .75 || first.Greetings.Permanent != 1 {
		t.Errorf("got %+v; want what was refused", first)
	}
}

func TestSourcesAsked(t *testing.T) {
	for _, tt := range []struct {
		verb, body string
		status     int
		want       string // what was asked, or in the answer
	}{
		{"pause", `{"source":"192.0.2.7","for":"2h","reason":"listed"}`, 200, `paused 192.0.2.7/32 2h0m0s "listed" by 127.0.0.1`},
		{"pause", `{"source":"192.0.2.0/24"}`, 200, `paused 192.0.2.0/24 0s "" by 127.0.0.1`},
		// Written as IPv6 it was taken, and paused none.
		{"pause", `{"source":"::ffff:192.0.2.0/120"}`, 200, `paused 192.0.2.0/24 0s "" by 127.0.0.1`},
		{"drain", `{"source":"2001:db8::/64"}`, 200, `draining 2001:db8::/64 0s "" by 127.0.0.1`},
		{"resume", `{"source":"::ffff:192.0.2.7"}`, 200, `serving 192.0.2.7/32 0s "" by 127.0.0.1`},
		{"pause", `{"source":"192.0.2.7/24"}`, 422, "expected an address or a network"},
		{"pause", `{"source":""}`, 422, "expected an address or a network"},
		{"pause", `{"source":"192.0.2.7","for":"soon"}`, 422, "a duration"},
		{"pause", `{"source":"192.0.2.7","for":""}`, 422, "got nothing"},
		{"pause", `{"source":"192.0.2.7","reason":null}`, 422, "reason: expected a value, got null"},
		{"pause", `{"source":"192.0.2.7","reason":"` + strings.Repeat("x", 501) + `"}`, 422, "at most 500"},
		{"pause", `{"sauce":"192.0.2.7"}`, 422, "sauce"},
		{"pause", `{`, 400, "no JSON"},
		{"resume", `{"source":"fe80::1%eth0"}`, 422, "expected an address or a network"},
		{"resume", `{"source":"192.0.2.7","for":"2h"}`, 422, "for"},
	} {
		s := newFakeProxy()
		c := newConfig()
		c.Control = s.control()
		got := send(Handler(c), "POST", "/api/admin/sources/"+tt.verb, trustedPeer, strings.NewReader(tt.body), "Content-Type", "application/json")
		what := got.body
		if tt.status == 200 {
			what = strings.Join(s.asked, "; ")
		} else if len(s.asked) > 0 {
			t.Errorf("%s %s: was carried out: %q", tt.verb, tt.body, s.asked)
		}
		if got.status != tt.status || !strings.Contains(what, tt.want) {
			t.Errorf("%s %s: got %d %q; want %d and %q", tt.verb, tt.body, got.status, what, tt.status, tt.want)
		}
	}
	for _, query := range []string{"?sort=size", "?state=asleep", "?plumbed=maybe", "?source=x", "?limit=0", "?after=x", "?nonsense=1"} {
		if got := ask(controlHandler(newFakeProxy()), "GET", "/api/admin/sources"+query, trustedPeer); got.status != 400 {
			t.Errorf("%s: got %d; want 400", query, got.status)
		}
	}
}

// TestSourcesAreAsDescribed: the answers have the shapes that the description says.
func TestSourcesAreAsDescribed(t *testing.T) {
	v := newValidator(t, mustDescribe(t))
	for _, tt := range []struct{ method, path, body string }{
		{"GET", "/api/admin/sources", ""}, {"GET", "/api/admin/sources?sort=-dials&limit=2", ""},
		{"POST", "/api/admin/sources/pause", `{"source":"192.0.2.7","for":"2h"}`}, {"POST", "/api/admin/sources/drain", `{"source":"192.0.2.7"}`},
		{"POST", "/api/admin/sources/resume", `{"source":"192.0.2.7"}`},
		{"POST", "/api/admin/sources/probe", `{"sources":["all"],"to":"mx.test:25"}`},
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
		controlHandler(newFakeProxy()).ServeHTTP(w, r)
		if ok, errs := v.ValidateHttpResponse(r, w.Result()); !ok {
			complain(t, tt.method+" "+tt.path, errs)
		}
	}
}
