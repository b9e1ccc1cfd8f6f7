package pages

import (
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// TestDestinations: the page shows what the API has, what receivers say as text, and
// leads to those that follow by the same filter.
func TestDestinations(t *testing.T) {
	api := &fakeAPI{answers: map[string]any{"GET /api/admin/destinations": adminclient.Destinations{
		Destinations: []adminclient.Destination{{
			Address: "203.0.113.10", Count: 60, Error: 7, Dials: map[string]uint64{"connected": 50, "host_unreachable": 3, "aborted": 0},
			Greetings:   map[string]uint64{"2xx": 1, "5xx": 4},
			LastRefusal: &adminclient.RefusedSource{Text: "554 <b>blocked", At: time.Unix(1e9, 0), Source: "192.0.2.7"},
		}}, Total: 2, CONNECTs: 99, Places: 1000, Next: "mark",
	}}}
	body := get(t, newPages(api, nil), "/ui/destinations?destination=203.0.113.0/24&sort=-refused").Body.String()
	for _, want := range []string{
		"203.0.113.10", ">60<", ">7<", "connected 50", "host unreachable 3", "1/0/4", "to 192.0.2.7: 554 &lt;b&gt;blocked", "1 are shown",
		`href="/ui/destinations?after=mark&amp;destination=203.0.113.0%2F24&amp;sort=-refused"`, `value="-refused" selected`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got no %s on the page", want)
		}
	}
	if strings.Contains(body, "aborted") {
		t.Error("got a result that has not happened")
	}
	if want := "GET /api/admin/destinations?destination=203.0.113.0%2F24&sort=-refused"; api.asked[0] != want {
		t.Errorf("asked %q; want %q", api.asked[0], want)
	}
}
