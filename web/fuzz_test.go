package web

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

// bodied are the requests that come with a document.
var bodied = []string{"/api/admin/restart", "/api/admin/drain", "/api/admin/sources/pause", "/api/admin/sources/drain", "/api/admin/sources/resume", "/api/admin/sources/probe"}

// FuzzAdminBodies: a document is carried out once and answered with another, or it is
// refused with a reason and nothing has happened.
func FuzzAdminBodies(f *testing.F) {
	for i, seed := range []string{
		`{"path":"supervisor/web"}`, `{"listener":"127.0.0.1:1080","limit":"5m"}`, `{"source":"192.0.2.0/24","for":"2h","reason":"why"}`,
		`{"source":"::ffff:192.0.2.7"}`, `{"source":"2001:db8::/32"}`, `{"sources":["192.0.2.7","all"],"to":"mx.example.org:25","echo":"https://echo.example"}`,
		`{"path":null}`, `null`, `[]`, `{}{}`, `{"limit":1e999}`, `{"source":"10.0.0.1/8"}`, "{\"path\":\"\xff\"}", `{"path":"a","path":"b"}`, `{"for":"-1"}`, ``, `{"sources":[]}`,
	} {
		f.Add(uint8(i), "application/json", seed)
	}
	f.Fuzz(func(t *testing.T, which uint8, content, body string) {
		s := newFakeProxy()
		path := bodied[int(which)%len(bodied)]
		got := send(controlHandler(s), "POST", path, trustedPeer, strings.NewReader(body), "Content-Type", content)
		switch got.status {
		case 200:
			if len(s.asked) != 1 || !json.Valid([]byte(got.body)) {
				t.Errorf("%s %q: got 200 %q and asked %q; want a document and once", path, body, got.body, s.asked)
			}
			if body != "" && !json.Valid([]byte(body)) {
				t.Errorf("%s %q: it was carried out; it is no JSON", path, body)
			}
		case 400, 413, 415, 422:
			if len(s.asked) > 0 || got.body == "" || !utf8.ValidString(got.body) || len(got.body) > 1000 {
				t.Errorf("%s %q: got %d %q and asked %q; want a short reason and nothing asked", path, body, got.status, got.body, s.asked)
			}
		default:
			t.Errorf("%s %q: got %d %q", path, body, got.status, got.body)
		}
	})
}

// FuzzNetworks: addresses and networks in requests mean the same wherever they stand
// and however they are written.
func FuzzNetworks(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.7", "192.0.2.0/24", "192.0.2.7/24", "::ffff:192.0.2.7", "::ffff:192.0.2.0/120", "::ffff:0:0/90", "2001:db8::/32",
		"2001:db8:1:2::/64", "::/0", "0.0.0.0/0", "fe80::1%eth0", "[::1]:25", "192.0.2.7:25", "[::ffff:192.0.2.7]:25", "", "010.0.0.1", "1.2.3.4/033",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, ferr := parseAddressFilter("client", text)
		network, err := parseNetwork("source", text)
		if err == nil {
			if network != network.Masked() || network.Addr().Is4In6() || network.Addr().Zone() != "" {
				t.Errorf("%q: got the network %v; want it canonical", text, network)
			}
			if again, err := parseNetwork("source", network.String()); err != nil || again != network {
				t.Errorf("%q: %v is read as %v, %v", text, network, again, err)
			}
			if ferr != nil || !filter.means(netip.AddrPortFrom(network.Addr(), 25)) {
				t.Errorf("%q: as a filter it does not mean %v, %v", text, network.Addr(), ferr)
			}
		}
		if one, err := netip.ParseAddrPort(text); err == nil && !filter.means(netip.AddrPortFrom(one.Addr().Unmap(), one.Port())) {
			t.Errorf("%q: as a filter it does not mean itself", text)
		}
		banned, err := parseBanned(map[string]string{"client": text})
		if err != nil {
			return
		}
		again, err := parseBanned(map[string]string{"client": banned.String()})
		if err != nil || again != banned || banned != banned.Masked() || banned.Addr().Is4In6() {
			t.Errorf("%q: got the client %v, which is read as %v, %v", text, banned, again, err)
		}
	})
}
