package adminclient

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestEndpoint(t *testing.T) {
	for text, want := range map[string]endpoint{
		"http://127.0.0.1:8000":    {text: "http://127.0.0.1:8000", base: "http://127.0.0.1:8000"},
		"http://127.0.0.1:8000/":   {text: "http://127.0.0.1:8000", base: "http://127.0.0.1:8000"},
		"https://[::1]:8443":       {text: "https://[::1]:8443", base: "https://[::1]:8443", secure: true},
		"https://proxy.example":    {text: "https://proxy.example", base: "https://proxy.example", secure: true},
		"unix:/run/troupe/a.sock":  {text: "unix:/run/troupe/a.sock", base: "http://localhost", socket: "/run/troupe/a.sock"},
		"unix:///run/troupe/a.sck": {text: "unix:///run/troupe/a.sck", base: "http://localhost", socket: "///run/troupe/a.sck"},
	} {
		if got, err := parseEndpoint(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "127.0.0.1:8000", "localhost:8000", "ftp://a", "http://", "http://:80", "http://a/b", "http://a?b", "http://a#b", "http://a?",
		"unix:", "unix:relative", "http://alice:sesame@a", "http://a b", "://", "alice:sesame@host:8000",
	} {
		got, err := parseEndpoint(text)
		if err == nil || got != (endpoint{}) || !strings.Contains(fmt.Sprint(err), endpointForm) {
			t.Errorf("%q: got %+v, %v; want an error that says what is expected", text, got, err)
		}
		if strings.Contains(fmt.Sprint(err), "sesame") {
			t.Errorf("%q: %v shows the password", text, err)
		}
	}
}

func FuzzEndpoint(f *testing.F) {
	for _, text := range []string{"http://127.0.0.1:8000", "unix:/run/a", "https://[::1]:1/", "http://u:p@h", "x", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseEndpoint(text)
		if err != nil {
			return
		}
		again, err := parseEndpoint(e.text)
		if err != nil || again != e {
			t.Errorf("%q: got %+v, and read again %+v, %v", text, e, again, err)
		}
	})
}

func TestActive(t *testing.T) {
	for text, want := range map[string]map[string]int64{
		`{"proxy_active_connections":{"type":"gauge","value":{"listener":{"127.0.0.1:1080":3,"[::1]:1":0}}}}`: {"127.0.0.1:1080": 3, "[::1]:1": 0},
		`{"proxy_active_connections":{"type":"gauge","value":null},"other":{"value":[1]}}`:                    {},
		`{}`: {},
	} {
		d := &daemon{status: 200, body: text}
		if got, err := d.client(t, Options{}).Active(t.Context()); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
}
