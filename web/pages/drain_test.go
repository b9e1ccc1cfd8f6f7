package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// TestDrain: the page asks before clients are refused, and for no more than it was
// asked for.
func TestDrain(t *testing.T) {
	const one = "127.0.0.1:1080"
	for _, tt := range []struct {
		name   string
		fields url.Values
		status int
		asked  []string
		said   string
	}{
		{"one", url.Values{"do": {"drain"}, "listener": {one}}, 200,
			[]string{"GET /api/admin/sessions?limit=1&listener=127.0.0.1%3A1080"}, "Drain " + one + "?"},
		{"all", url.Values{"do": {"drain"}}, 200, []string{"GET /api/admin/sessions?limit=1"}, "7 sessions go on until they end."},
		{"one, confirmed", url.Values{"do": {"drain"}, "listener": {one}, "confirm": {"yes"}}, 200,
			[]string{"POST /api/admin/drain"}, one + " takes no more clients. 1 session goes on"},
		{"one again", url.Values{"do": {"undrain"}, "listener": {one}}, 200,
			[]string{"DELETE /api/admin/drain?listener=127.0.0.1%3A1080"}, one + " takes clients again."},
		{"all again", url.Values{"do": {"undrain"}}, 200, []string{"DELETE /api/admin/drain"}, "Every listener takes clients again."},
		{"nothing", url.Values{"listener": {one}}, 422, nil, "expected drain or undrain"},
		{"a field too many", url.Values{"do": {"drain"}, "lisetner": {one}}, 422, nil, "not known"},
	} {
		api := &fakeAPI{answers: map[string]any{
			"GET /api/admin/sessions": adminclient.Sessions{Total: 7},
			"POST /api/admin/drain":   adminclient.Drained{Sessions: 1}, "DELETE /api/admin/drain": adminclient.Drained{},
		}}
		got := post(t, newPages(api, nil), "/", tt.fields)
		if got.Code != tt.status || !strings.Contains(got.Body.String(), tt.said) || !slices.Equal(api.asked, tt.asked) {
			t.Errorf("%s: got %d, asked %v: %s; want %d, %v and %q", tt.name, got.Code, api.asked, got.Body, tt.status, tt.asked, tt.said)
		}
		if asks := strings.Contains(got.Body.String(), `name="confirm"`); asks != strings.HasPrefix(tt.said, "Drain ") && tt.name != "all" {
			t.Errorf("%s: asks %v", tt.name, asks)
		}
	}
	refusing := &fakeAPI{answers: map[string]any{"DELETE /api/admin/drain": &problem{http.StatusConflict, "address in use"}}}
	if got := post(t, newPages(refusing, nil), "/", url.Values{"do": {"undrain"}}); got.Code != 409 || !strings.Contains(got.Body.String(), "address in use") {
		t.Errorf("got %d %s; want why it is not undone", got.Code, got.Body)
	}
}

// TestShowsDrained: a drained listener is no failure, and its button undoes it.
func TestShowsDrained(t *testing.T) {
	p := newPages(&fakeAPI{answers: map[string]any{}}, func(s *Source) {
		s.Listeners = func() []Listener {
			return []Listener{{Address: "127.0.0.1:1080", Drained: true, Failure: "drained by request of ann"}, {Address: "127.0.0.1:1081", Accepting: true}}
		}
	})
	body := get(t, p, "/").Body.String()
	for _, want := range []string{"127.0.0.1:1080 is drained", "Drained by request of ann", `id="undrain-all"`, `id="drain-all"`, ">Take clients again<", ">Drain…<"} {
		if !strings.Contains(body, want) {
			t.Errorf("got no %q", want)
		}
	}
	if strings.Contains(body, "does not accept") || strings.Contains(body, "not accepting") {
		t.Error("a drained listener is shown as one that fails")
	}
}
