package actors

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// scrape gets the figures over HTTP, on a connection of its own, and returns
// the status.
func (tr *tree) scrape() (int, error) {
	c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + tr.web.String() + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

func (tr *tree) mustScrape() {
	tr.t.Helper()
	switch status, err := tr.scrape(); {
	case err != nil:
		tr.t.Fatal(err)
	case status != http.StatusOK:
		tr.t.Fatalf("scrape answered %d; want 200", status)
	}
}

// A metrics actor that fails, again and again, loses no count, and goes on
// observing when it is back.
func TestMetricsFailures(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	greeted := func() float64 { return gather(t, tr.reg).sum("proxy_greet_duration_seconds") }
	for n := range 4 {
		must(t, tr.mustOpen(echo.addr).finish())
		eventually(t, "the session to be observed", func() bool { return greeted() == float64(n+1) })
		tr.send("metrics", &boom{})
	}
	eventually(t, "the session to be counted", func() bool {
		return gather(t, tr.reg).sum("proxy_connections_completed_total") == 4
	})
}

// A report that makes the metrics actor panic waits for the next one; it used to
// cost an observation.
func TestMetricsPanicsOnASession(t *testing.T) {
	tr := startTree(t, func(s *setup) { s.tap = panicsOnce(on[*sessionsEnded](KindMetrics)) })
	echo := startUpstream(t)
	for range 2 {
		must(t, tr.mustOpen(echo.addr).finish())
	}
	eventually(t, "both sessions to be observed", func() bool {
		return gather(t, tr.reg).sum("proxy_session_duration_seconds") == 2
	})
	if got := gather(t, tr.reg).sum("proxy_connections_completed_total"); got != 2 {
		t.Errorf("%v sessions completed; want 2", got)
	}
}

// Scrapes work after each failure of the web actor.
func TestWebFailures(t *testing.T) {
	var builds atomic.Int64
	tr := startTree(t, func(s *setup) {
		s.http = []policy.HTTPListener{anyHTTP(), anyHTTP()}
		build := s.serveHTTP
		s.serveHTTP = func(l policy.HTTPListener, bound string) *http.Server {
			builds.Add(1)
			return build(l, bound)
		}
	})
	for n := range int64(4) {
		eventually(t, "both sockets to be served", func() bool { return builds.Load() == 2*(n+1) })
		tr.mustScrape()
		tr.send("web", &boom{})
	}
}

// While nobody serves HTTP, a scrape waits in the queue and is answered later.
func TestScrapeWaitsForTheWebActor(t *testing.T) {
	release := make(chan struct{})
	var builds atomic.Int64
	tr := startTree(t, func(s *setup) {
		s.http = []policy.HTTPListener{anyHTTP()}
		build := s.serveHTTP
		s.serveHTTP = func(l policy.HTTPListener, bound string) *http.Server {
			if builds.Add(1) <= 3 {
				panic(errInjected)
			}
			<-release
			return build(l, bound)
		}
	})
	answer := make(chan error, 1)
	go func() {
		status, err := tr.scrape()
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("scrape answered %d", status)
		}
		answer <- err
	}()
	eventually(t, "a build after the failures", func() bool { return builds.Load() == 4 })
	select {
	case err := <-answer:
		t.Fatalf("answered with nobody to answer: %v", err)
	default:
	}
	close(release)
	must(t, await(t, "the scrape", answer))
}

// A tree stops also while its services pause between failures.
func TestStopDuringPauses(t *testing.T) {
	tr := startTree(t, func(s *setup) {
		s.http = []policy.HTTPListener{anyHTTP()}
		s.tap = func(k Kind, m any) {
			if (k == KindWeb || k == KindMetrics || k == KindAcceptor) && isStarted(m) {
				panic(errInjected)
			}
		}
	})
	eventually(t, "the acceptor to have paused", func() bool { return tr.status().Restarts > 6 })
	tr.stop()
}

// A server that keeps a request open does not keep the tree from stopping.
func TestStopCutsRequests(t *testing.T) {
	entered := make(chan struct{})
	tr := startTree(t, func(s *setup) {
		s.http = []policy.HTTPListener{anyHTTP()}
		s.serveHTTP = func(policy.HTTPListener, string) *http.Server {
			return &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(entered)
				<-r.Context().Done()
			})}
		}
	})
	cut := make(chan error, 1)
	go func() {
		_, err := tr.scrape()
		cut <- err
	}()
	await(t, "the request", entered)
	tr.stop()
	if err := await(t, "the request to be cut", cut); err == nil {
		t.Error("the request was answered; want it cut")
	}
}

func isStarted(m any) bool {
	_, ok := m.(*actor.Started)
	return ok
}
