package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"testing"

	"golang.org/x/net/proxy"
)

// TestCurl fetches a page through the daemon, by name, as a person tries it out.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skipf("curl is not installed: %v", err)
	}
	d := startPolicy(t, onePolicy)
	page := newPage(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// --noproxy: the environment may exempt localhost.
	out, err := exec.CommandContext(ctx, curl, "--silent", "--show-error", "--fail", "--noproxy", "",
		"--socks5-hostname", d.socks(), page.byName).CombinedOutput()
	if err != nil || string(out) != pageText {
		t.Errorf("got %q, error %v; want %q", out, err, pageText)
	}
	d.awaitFigure(1, "proxy_connections_completed_total", "listener", d.socks())
}

// TestGoClient does the same with a SOCKS client that is not ours, many times
// over one daemon.
func TestGoClient(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	page := newPage(t)
	dialer, err := proxy.SOCKS5("tcp", d.socks(), nil, &net.Dialer{Timeout: patience})
	must(t, err)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: dialer.(proxy.ContextDialer).DialContext, DisableKeepAlives: true,
	}}
	const requests = 20
	for i := range requests {
		resp, err := client.Get([]string{page.byName, page.byAddress}[i%2])
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		if string(body) != pageText {
			t.Fatalf("got %q; want %q", body, pageText)
		}
	}
	d.awaitFigure(requests, "proxy_connections_completed_total", "listener", d.socks())
}

const pageText = "a page from behind the proxy"

// page is a web page at an address, and at a name that leads there.
type page struct{ byName, byAddress string }

func newPage(t *testing.T) page {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, pageText)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	must(t, err)
	return page{byName: "http://localhost:" + u.Port() + "/", byAddress: s.URL}
}
