package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// manyProbed are one that is well and one of which nothing is known.
func manyProbed() []ProbedSource {
	return []ProbedSource{
		{
			Address: netip.MustParseAddr("192.0.2.1"), Plumbed: "yes", State: "serving", Route: "yes", Destination: netip.MustParseAddrPort("198.51.100.1:25"),
			Connect: 1500 * time.Microsecond, Banner: "220 mx", PTR: []string{"a.test"}, Confirmed: true, Seen: "203.0.113.1",
		},
		{Address: netip.MustParseAddr("192.0.2.2"), Plumbed: "no", State: "paused", Route: "unknown", Failure: "unplumbed", Error: "it is no address of this host"},
	}
}

func postProbe(s *fakeProxy, body string) answer {
	c := newConfig()
	c.Control, c.RequestBodyLimit = s.control(), 64<<10
	return send(Handler(c), "POST", "/api/admin/sources/probe", trustedPeer, strings.NewReader(body), "Content-Type", "application/json")
}

func TestProbeAsked(t *testing.T) {
	tooMany := strings.Repeat(`"",`, MostProbed) + `""` // short, for the limit of the body
	for _, tt := range []struct {
		body   string
		status int
		want   string // what was asked, or in the answer
	}{
		{`{"sources":["all"],"to":"mx.test:25"}`, 200, "probe true [] to mx.test port 25 echo <nil> by 127.0.0.1"},
		{`{"sources":["192.0.2.7","::ffff:192.0.2.7","2001:db8::1"],"to":"[2001:db8::9]:587"}`, 200, "probe false [192.0.2.7 2001:db8::1] to 2001:db8::9 port 587"},
		{`{"sources":["192.0.2.7"],"to":"mx.test:25","echo":"https://ip.test/?x=1"}`, 200, "echo https://ip.test/?x=1"},
		{`{"sources":["all"]}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":"mx.test"}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":"mx.test:0"}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":"mx.test:65536"}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":"mx.test:smtp"}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":":25"}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":"mx test:25"}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":"[fe80::1%eth0]:25"}`, 422, "to: expected a host and a port"},
		{`{"sources":["all"],"to":"` + strings.Repeat("x", 256) + `:25"}`, 422, "to: expected a host and a port"},
		{`{"to":"mx.test:25"}`, 422, "sources: expected 1 to 512, got 0"},
		{`{"sources":[],"to":"mx.test:25"}`, 422, "sources: expected 1 to 512, got 0"},
		{`{"sources":[` + tooMany + `],"to":"mx.test:25"}`, 422, "sources: expected 1 to 512, got 513"},
		{`{"sources":"192.0.2.7","to":"mx.test:25"}`, 422, "sources"},
		{`{"sources":["192.0.2.0/24"],"to":"mx.test:25"}`, 422, "sources: expected all or addresses"},
		{`{"sources":["fe80::1%eth0"],"to":"mx.test:25"}`, 422, "sources: expected all or addresses"},
		{`{"sources":["0.0.0.0"],"to":"mx.test:25"}`, 422, "sources: expected all or addresses"},
		{`{"sources":["224.0.0.1"],"to":"mx.test:25"}`, 422, "sources: expected all or addresses"},
		{`{"sources":["all"],"to":"mx.test:25","echo":"ip.test"}`, 422, "echo: expected the URL"},
		{`{"sources":["all"],"to":"mx.test:25","echo":"file:///etc/passwd"}`, 422, "echo: expected the URL"},
		{`{"sources":["all"],"to":"mx.test:25","echo":"http://"}`, 422, "echo: expected the URL"},
		{`{"sources":["all"],"to":"mx.test:25","echo":"http://ann:sesame@ip.test"}`, 422, "echo: expected the URL"},
		{`{"sources":["all"],"to":"mx.test:25","nonsense":1}`, 422, "nonsense"},
		{`{`, 400, "no JSON"},
	} {
		s := newFakeProxy()
		got := postProbe(s, tt.body)
		what := got.body
		if tt.status == 200 {
			what = strings.Join(s.asked, "; ")
		} else if len(s.asked) > 0 {
			t.Errorf("%.80s: was carried out: %q", tt.body, s.asked)
		}
		if got.status != tt.status || !strings.Contains(what, tt.want) || strings.Contains(what, "sesame") {
			t.Errorf("%.80s: got %d %q; want %d and %q", tt.body, got.status, what, tt.status, tt.want)
		}
	}
}

func TestProbeAnswers(t *testing.T) {
	got := postProbe(newFakeProxy(), `{"sources":["all"],"to":"mx.test:25"}`)
	var document probeDocument
	if err := json.Unmarshal([]byte(got.body), &document); err != nil {
		t.Fatal(err)
	}
	if document.Failed != 1 || document.To != "mx.test:25" || len(document.Sources) != 2 {
		t.Fatalf("got %s; want one of two failed", got.body)
	}
	well, ill := document.Sources[0], document.Sources[1]
	if well.Connect == nil || *well.Connect != 1.5 || well.Destination != "198.51.100.1:25" || !slices.Equal(well.PTR, []string{"a.test"}) || well.Failure != "" || well.Seen != "203.0.113.1" {
		t.Errorf("got %+v; want what came of it", well)
	}
	if ill.Connect != nil || ill.Destination != "" || ill.PTR == nil || ill.Failure != "unplumbed" || ill.State != "paused" {
		t.Errorf("got %+v; want that nothing was dialled", ill)
	}
	busy := newFakeProxy()
	busy.err = &Refused{http.StatusConflict, errors.New("another probe is under way")}
	if got := postProbe(busy, `{"sources":["all"],"to":"mx.test:25"}`); got.status != 409 {
		t.Errorf("got %d %q; want 409", got.status, got.body)
	}
}

// TestProbeOutlastsTheServer: the deadlines of other requests end neither a probe
// nor its answer.
func TestProbeOutlastsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConfig()
		c.Access = func(r Route) http.Handler { return r.Handler }
		c.Control = newFakeProxy().control()
		c.Control.Probe = func(ctx context.Context, _ ProbeRequest) ([]ProbedSource, error) {
			select {
			case <-time.After(MostProbeTime):
				return manyProbed(), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		ln, client := newPipeListener()
		server := NewServer(Handler(c), (&logBuffer{}).logger())
		go server.Serve(ln)
		defer server.Close()
		const body = `{"sources":["all"],"to":"mx.test:25"}`
		go fmt.Fprintf(client, "POST /api/admin/sources/probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 || !strings.Contains(string(text), `"failed":1`) {
			t.Errorf("got %d %s, %v; want the answer", response.StatusCode, text, err)
		}
		io.Copy(io.Discard, client) // until the server has let go, so that nothing of it is left
	})
}
