package web

import (
	"errors"
	"strings"
	"testing"
)

func TestEpochBump(t *testing.T) {
	bumped := 0
	c := newConfig()
	c.BumpEpoch = func() { bumped++ }
	h := Handler(c)
	const path = "/api/admin/bump-config-epoch"
	for _, body := range []string{"", "x", `{"any":"thing"}`} {
		if got := send(h, "POST", path, trustedPeer, strings.NewReader(body)); got.status != 200 || got.body != "" {
			t.Errorf("with body %q: got %d %q; want 200 and nothing", body, got.status, got.body)
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		if got := ask(h, method, path, trustedPeer); got.status != 405 || got.header.Get("Allow") != "POST" {
			t.Errorf("%s: got %d, Allow %q; want 405, POST", method, got.status, got.header.Get("Allow"))
		}
	}
	if got := ask(h, "POST", path, untrustedPeer); got.status != 401 {
		t.Errorf("from elsewhere: got %d; want 401", got.status)
	}
	if bumped != 3 {
		t.Errorf("bumped %d times; want 3", bumped)
	}
}

func TestLogFilterSet(t *testing.T) {
	const jsonContent = "application/json"
	const unparsed = "Failed to parse the request body as JSON: "
	for _, tt := range []struct {
		name, content, body string
		status              int
		want                string // what the answer begins with
	}{
		{"a filter", jsonContent, `{"filter":"info,lua=debug"}`, 200, ""},
		{"more than that", jsonContent, `{"filter":"", "more":[1,{}]}`, 200, ""},
		{"with a character set", "application/json; charset=utf-8", `{"filter":"info"}`, 200, ""},
		{"made of JSON", "application/vnd.example+json", `{"filter":"info"}`, 200, ""},
		{"upper case", "Application/JSON", `{"filter":"info"}`, 200, ""},
		{"no type", "", `{"filter":"info"}`, 415, "Expected request with `Content-Type: application/json`"},
		{"a form", "application/x-www-form-urlencoded", `filter=info`, 415, "Expected request with `Content-Type: application/json`"},
		{"what a form of a page could send", "text/plain", `{"filter":"info"}`, 415, "Expected"},
		{"no type at all", "json", `{"filter":"info"}`, 415, "Expected"},
		{"a broken type", "application/json;;;=", `{"filter":"info"}`, 415, "Expected"},
		{"nothing", jsonContent, "", 400, unparsed + "unexpected end of JSON input at line 1 column 0"},
		{"half of it", jsonContent, `{"filter":`, 400, unparsed + "unexpected end of JSON input"},
		{"no JSON", jsonContent, "{\n  filter: 1}", 400, unparsed + "invalid character 'f' looking for beginning of object key string at line 2 column 3"},
		{"something after it", jsonContent, `{"filter":"info"} x`, 400, unparsed},
		{"too deep", jsonContent, strings.Repeat("[", 20000), 400, unparsed},
		{"another type", jsonContent, `{"filter":5}`, 422, undecodable + "filter: expected a string, got number at line 1 column 11"},
		{"a list", jsonContent, `[]`, 422, undecodable + `expected an object such as {"filter":"info"}, got array`},
		{"null", jsonContent, `null`, 422, undecodable + "filter: expected a string, and it is missing or null"},
		{"no filter", jsonContent, `{}`, 422, undecodable + "filter: expected a string, and it is missing or null"},
		{"a filter of null", jsonContent, `{"filter":null}`, 422, undecodable + "filter: expected a string"},
		{"no filter the log knows", jsonContent, `{"filter":"bad"}`, 400, "Error: parsing log filter 'bad': no good"},
	} {
		c := newConfig()
		c.RequestBodyLimit = 1 << 20
		var set []string
		c.SetLogFilter = func(s string) error {
			if s == "bad" {
				return errors.New("parsing log filter 'bad': no good")
			}
			set = append(set, s)
			return nil
		}
		got := send(Handler(c), "POST", filterPath, trustedPeer, strings.NewReader(tt.body), "Content-Type", tt.content)
		if got.status != tt.status || !strings.HasPrefix(got.body, tt.want) || (tt.want == "") != (got.body == "") {
			t.Errorf("%s: got %d %q; want %d %q", tt.name, got.status, got.body, tt.status, tt.want)
		}
		if (len(set) == 1) != (tt.status == 200) {
			t.Errorf("%s: got the filters %q after %d", tt.name, set, got.status)
		}
	}
}

func FuzzLogFilterSet(f *testing.F) {
	for _, seed := range []string{`{"filter":"info"}`, `{"filter":null}`, "[", "", `{"filter":5}`, "\xff"} {
		f.Add("application/json", seed)
	}
	h, set := filters(1 << 12)
	f.Fuzz(func(t *testing.T, content, body string) {
		before := len(*set)
		got := send(h, "POST", filterPath, trustedPeer, strings.NewReader(body), "Content-Type", content)
		switch got.status {
		case 200:
			if len(*set) != before+1 || got.body != "" {
				t.Errorf("%q: got 200 %q and %d filters more", body, got.body, len(*set)-before)
			}
		case 400, 413, 415, 422:
			if len(*set) != before || got.body == "" {
				t.Errorf("%q: got %d %q and %d filters more", body, got.status, got.body, len(*set)-before)
			}
		default:
			t.Errorf("%q: got %d", body, got.status)
		}
	})
}
