//go:build unix

package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOperatorPages: the pages show the daemon that serves them, and what becomes of
// a reload from there.
func TestOperatorPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.lua")
	if err := os.WriteFile(path, []byte(onePolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	d := start(t, []string{"--proxy-config", path})
	for page, want := range map[string]string{
		"/": "All listeners accept clients", "/ui/tree": "/acceptor", "/ui/sessions": "sessions are open",
		"/ui/policy": path, "/ui/log": "In force:", "/ui/page.js": "EventSource", "/ui/page.css": "prefers-color-scheme",
	} {
		if status, body := d.get(page); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %.2000q; want 200 and %q", page, status, body, want)
		}
	}
	if _, body := d.get("/"); !strings.Contains(body, d.socks()) {
		t.Errorf("the listener %s is not on the first page", d.socks())
	}
	if err := os.WriteFile(path, []byte("this is no Lua"), 0o600); err != nil {
		t.Fatal(err)
	}
	const formType = "application/x-www-form-urlencoded"
	if status, body := d.post("/ui/policy", formType, "do=reload"); status != http.StatusUnprocessableEntity || !strings.Contains(body, "Not done") {
		t.Errorf("a broken policy: got %d %.500q; want 422", status, body)
	}
	if _, body := d.get("/"); !strings.Contains(body, "The last reload was refused") {
		t.Error("the first page does not say that the reload was refused")
	}
	if err := os.WriteFile(path, []byte(onePolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	d.post("/ui/policy", formType, "do=reload")
	if _, body := d.get("/"); strings.Contains(body, "The last reload was refused") {
		t.Error("the first page says that the reload was refused once it was not")
	}
	filter := url.Values{"filter": {"info,lua=debug"}}.Encode()
	if status, body := d.post("/ui/log", formType, filter); status != 200 {
		t.Errorf("a log filter: got %d %.500q; want 200", status, body)
	}
	if _, body := d.get("/ui/log"); !strings.Contains(body, "lua=debug") {
		t.Error("the page of the log does not show the filter in force")
	}
	if _, body := d.get("/"); strings.Contains(body, "Not all figures can be read") {
		t.Error("the figures cannot be read")
	}
	d.endWell()
}
