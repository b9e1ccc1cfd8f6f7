//go:build unix

package web

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/access"
)

// bySocket serves h on a Unix socket, and gives a client that asks it.
func bySocket(t *testing.T, h http.Handler) *http.Client {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "web") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := serve(t, "unix", filepath.Join(dir, "s"), h, (&logBuffer{}).logger())
	client := newClient(t)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return client
}

// TestUnixSocketIsTrusted: whoever may write to the socket is let in, under any
// name, with no network trusted and no header that would say so.
func TestUnixSocketIsTrusted(t *testing.T) {
	c := newConfig()
	c.TrustedHosts = nil
	c.Status = func() Status { return Status{[]ListenerStatus{{Listener: "10.0.0.1:1080", Failure: "why"}}} }
	for what, handler := range map[string]http.Handler{
		"without a policy": Handler(c),
		"with a policy": func() http.Handler {
			c := c
			c.Access = c.PolicyAccess(&fakePolicy{})
			return Handler(c)
		}(),
	} {
		client := bySocket(t, handler)
		for _, host := range []string{"localhost", "attacker.example", "unix"} {
			got, err := do(t, client, "GET", "http://"+host+"/metrics.json", "")
			if err != nil || got.status != http.StatusOK {
				t.Errorf("%s, as %s: got %d %.100q, %v; want 200", what, host, got.status, got.body, err)
			}
		}
		got, err := do(t, client, "GET", "http://unix/proxy/status", "")
		if err != nil || got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "10.0.0.1:1080: not accepting") {
			t.Errorf("%s: got %d %q, %v; want 503 with the details", what, got.status, got.body, err)
		}
	}
}

// TestUnixSocketUnderPolicy: what the policy denies stays denied, and bad
// credentials are not good because they came by the socket.
func TestUnixSocketUnderPolicy(t *testing.T) {
	c := newConfig()
	c.Listener = "unix:/run/a.sock"
	p := &fakePolicy{rules: map[string]*access.List{
		"http_listener/*/metrics": {Rules: []access.Rule{{Criteria: access.Any, Privilege: "GET"}}},
	}}
	c.Access = c.PolicyAccess(p)
	client := bySocket(t, Handler(c))
	got, err := do(t, client, "GET", "http://unix/metrics", "")
	if want := "<Unauthenticated> denied GET on http_listener/unix:/run/a.sock/metrics"; err != nil || got.status != http.StatusUnauthorized || got.body != want {
		t.Errorf("got %d %q, %v; want 401 %q", got.status, got.body, err, want)
	}
	if got, err = do(t, client, "GET", "http://unix/metrics.json", ""); err != nil || got.status != http.StatusOK {
		t.Errorf("got %d %q, %v; want 200", got.status, got.body, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://unix/metrics.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("alice", "wrong")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong password: got %d; want 401", response.StatusCode)
	}
}
