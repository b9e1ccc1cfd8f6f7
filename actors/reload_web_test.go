package actors

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// startWeb starts a tree with an HTTP listener that answers the request body
// limit of its policy, and can be held up.
func startWeb(t *testing.T, entered chan<- struct{}, release <-chan struct{}) *tree {
	t.Helper()
	return startTree(t, func(s *setup) {
		s.http = append(s.http, limited(1))
		s.serveHTTP = func(l policy.HTTPListener, _ string) *http.Server {
			return &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					entered <- struct{}{}
					<-release
				}
				fmt.Fprint(w, l.RequestBodyLimit)
			})}
		}
	})
}

func limited(n int64) policy.HTTPListener {
	l := anyHTTP()
	l.RequestBodyLimit = n
	return l
}

// browser is an HTTP client that keeps its connection, and counts them.
type browser struct {
	*http.Client
}

func newBrowser(t *testing.T) *browser {
	transport := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{Client: &http.Client{Transport: transport, Timeout: patience}}
}

func (b *browser) get(url string) (string, error) {
	resp, err := b.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

func (b *browser) want(t *testing.T, url, want string) {
	t.Helper()
	got, err := b.get(url)
	if err != nil || got != want {
		t.Errorf("%s: got %q, error %v; want %q", url, got, err, want)
	}
}

func (tr *tree) mustReloadHTTP(http ...policy.HTTPListener) Difference {
	tr.t.Helper()
	d, err := tr.sys.Reload(tr.t.Context(), &policy.Policy{Listeners: []policy.Listener{anyListener()}, HTTP: http})
	must(tr.t, err)
	return d
}

// An HTTP listener that stays answers as the new policy says, also on the
// connections that it has.
func TestReloadHTTPAnswersAnew(t *testing.T) {
	tr := startWeb(t, nil, nil)
	var dialled atomic.Int64
	b := newBrowser(t)
	b.Transport.(*http.Transport).DialContext = countDials(&dialled)
	url := "http://" + tr.web.String()
	b.want(t, url, "1")
	first := tr.sys.running.generation
	for n := int64(2); n < 5; n++ {
		d := tr.mustReloadHTTP(limited(n))
		if want := fmt.Sprintf("~ http listener %v request_body_limit %d → %d\n= 1 listener unchanged", tr.web, n-1, n); d.String() != want {
			t.Errorf("got the difference %q; want %q", d, want)
		}
		b.want(t, url, fmt.Sprint(n))
	}
	if got := dialled.Load(); got != 1 {
		t.Errorf("%d connections were made; want the first to last", got)
	}
	wantClosed(t, first)
	tr.send("web", &boom{}) // the next incarnation serves by the newest policy too
	eventually(t, "an answer after the failure", func() bool {
		got, err := b.get(url)
		return err == nil && got == "4" && dialled.Load() == 2
	})
}

// Listeners come and go; a request under way is answered.
func TestReloadHTTPAddsAndRemoves(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	tr := startWeb(t, entered, release)
	first := tr.sys.running.generation
	slow := make(chan error, 1)
	b := newBrowser(t)
	go func() {
		got, err := b.get("http://" + tr.web.String() + "/slow")
		if err == nil && got != "1" {
			err = fmt.Errorf("answered %q", got)
		}
		slow <- err
	}()
	await(t, "the request", entered)
	next := limited(2)
	next.Listen = freePort(t).String()
	d := tr.mustReloadHTTP(next)
	if want := fmt.Sprintf("+ http listener %v\n- http listener %v\n= 1 listener unchanged", next.Listen, tr.web); d.String() != want {
		t.Errorf("got the difference %q; want %q", d, want)
	}
	wantRefused(t, tr.web)
	newBrowser(t).want(t, "http://"+next.Listen, "2")
	wantOpen(t, first)
	close(release)
	must(t, await(t, "the answer", slow))
	wantClosed(t, first)
	back := limited(3)
	back.Listen = tr.web.String()
	tr.mustReloadHTTP(back, next)
	newBrowser(t).want(t, "http://"+tr.web.String(), "3")
	newBrowser(t).want(t, "http://"+next.Listen, "2")
}

// How a listener speaks can change without closing its socket.
func TestReloadHTTPSpeaksTLS(t *testing.T) {
	tr := startWeb(t, nil, nil)
	secure := limited(2)
	secure.UseTLS, secure.Hostname = true, "proxy.example.com"
	https := &browser{Client: insecure(t)}
	newBrowser(t).want(t, "http://"+tr.web.String(), "1")
	for range 3 {
		tr.mustReloadHTTP(secure)
		https.want(t, "https://"+tr.web.String(), "2")
		if n := len(tr.metrics.certificates.served); n != 1 {
			t.Errorf("%d certificates are listed; want 1", n)
		}
		tr.mustReloadHTTP(limited(3))
		newBrowser(t).want(t, "http://"+tr.web.String(), "3")
		if n := len(tr.metrics.certificates.served); n != 0 {
			t.Errorf("%d certificates are listed; want none", n)
		}
	}
}

// A server that cannot be built refuses the policy.
func TestReloadHTTPNotBuilt(t *testing.T) {
	tr := startTree(t, func(s *setup) {
		s.http = append(s.http, limited(1))
		s.serveHTTP = func(l policy.HTTPListener, _ string) *http.Server {
			if l.RequestBodyLimit == 2 {
				panic(errInjected)
			}
			return says("1")
		}
	})
	_, err := tr.sys.Reload(t.Context(), &policy.Policy{Listeners: []policy.Listener{anyListener()}, HTTP: []policy.HTTPListener{limited(2)}})
	if err == nil {
		t.Error("the policy was taken; want it refused")
	}
	newBrowser(t).want(t, "http://"+tr.web.String(), "1")
}
