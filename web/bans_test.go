package web

import (
	"slices"
	"strings"
	"testing"
)

func TestBansAreListed(t *testing.T) {
	got := ask(controlHandler(newFakeProxy()), "GET", "/api/admin/bans", trustedPeer)
	const times = `"since":"2026-08-05T10:11:12Z","until":"2026-08-05T10:12:12Z"}`
	want := `{"bans":[{"client":"192.0.2.7","user":"","failures":3,` + times +
		`,{"client":"2001:db8:1::/64","user":"","failures":4,` + times +
		`,{"client":"","user":"ann","failures":5,` + times + "]}\n"
	if got.status != 200 || got.body != want {
		t.Errorf("got %d %s; want 200 %s", got.status, got.body, want)
	}
}

func TestBansAreLifted(t *testing.T) {
	const expected = `expected an address such as 192.0.2.7, or a network such as 2001:db8:1:2::/64, got `
	for query, want := range map[string]struct {
		status int
		text   string // of the error, or what was asked
	}{
		"?client=192.0.2.7":                 {200, `unban 192.0.2.7/32 "" by 127.0.0.1`},
		"?client=::ffff:192.0.2.7":          {200, `unban 192.0.2.7/32 "" by 127.0.0.1`},
		"?client=2001:db8:1::7":             {200, `unban 2001:db8:1::/64 "" by 127.0.0.1`},
		"?client=2001:db8:1::/64":           {200, `unban 2001:db8:1::/64 "" by 127.0.0.1`},
		"?client=192.0.2.7/32":              {200, `unban 192.0.2.7/32 "" by 127.0.0.1`},
		"?user=ann":                         {200, `unban invalid Prefix "ann" by 127.0.0.1`},
		"?user=nobody":                      {404, "Error: there is no such ban, or it has ended"},
		"":                                  {400, "Error: expected one of client and user"},
		"?user=ann&client=192.0.2.7":        {400, "Error: expected one of client and user"},
		"?client=192.0.2.0/24":              {400, expected},
		"?client=2001:db8::/48":             {400, expected},
		"?client=example.com":               {400, expected},
		"?usr=ann":                          {400, "Error: usr: there is no such parameter"},
		"?user=" + strings.Repeat("x", 300): {200, ""},
	} {
		s := newFakeProxy()
		got := ask(controlHandler(s), "DELETE", "/api/admin/bans"+query, trustedPeer)
		said := got.body
		if want.status == 200 {
			said = strings.Join(s.asked, "\n")
		}
		if got.status != want.status || !strings.Contains(said, want.text) {
			t.Errorf("%.60s: got %d %q; want %d and %q", query, got.status, said, want.status, want.text)
		}
		if want.status == 400 && slices.ContainsFunc(s.asked, func(a string) bool { return strings.HasPrefix(a, "unban") }) {
			t.Errorf("%s: a ban was lifted all the same", query)
		}
	}
}
