package web

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestPage: all that the page loads is served here, in the type that the browser
// insists on, and nothing is loaded from elsewhere.
func TestPage(t *testing.T) {
	h := Handler(newConfig())
	page := ask(h, "GET", "/rapidoc", untrustedPeer)
	links := regexp.MustCompile(`(?:src|href|data-document)="([^"]*)"`).FindAllStringSubmatch(page.body, -1)
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json"}
	loaded := 0
	for _, link := range links {
		if link[1] == "data:," { // no icon
			continue
		}
		if !strings.HasPrefix(link[1], "/") || strings.HasPrefix(link[1], "//") {
			t.Errorf("got %q; want a path of this host", link[1])
			continue
		}
		got := ask(h, "GET", link[1], untrustedPeer)
		want := types[link[1][strings.LastIndexByte(link[1], '.'):]]
		if got.status != 200 || got.header.Get("Content-Type") != want || got.body == "" {
			t.Errorf("%s: got %d %q; want 200 and %q", link[1], got.status, got.header.Get("Content-Type"), want)
		}
		loaded++
	}
	if loaded < 4 {
		t.Errorf("got %d things that the page loads; want style, scripts and document", loaded)
	}
	// script-src 'self' runs what has a src, and nothing else.
	if inline := regexp.MustCompile(`<script(?:>|[^>]*[^"]>)[^<]|\son[a-z]+=|<style|style=|javascript:`).FindString(page.body); inline != "" {
		t.Errorf("got %q in the page, which its policy forbids", inline)
	}
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"} {
		if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
			t.Errorf("got policy %q; want %q in it, and nothing unsafe", policy, want)
		}
	}
	script := ask(h, "GET", "/rapidoc/start.js", untrustedPeer).body
	for _, want := range []string{"SwaggerUIBundle({", "validatorUrl: null", "queryConfigEnabled: false", "place.dataset.document"} {
		if !strings.Contains(script, want) {
			t.Errorf("got script %q; want %q in it", script, want)
		}
	}
}

// TestAssets: the page is of no use when the names of the library's parts change.
func TestAssets(t *testing.T) {
	h := Handler(newConfig())
	for path, want := range map[string]string{
		"/rapidoc/swagger-ui-bundle.js": "SwaggerUIBundle",
		"/rapidoc/swagger-ui.css":       ".swagger-ui",
	} {
		plain := ask(h, "GET", path, untrustedPeer)
		if !strings.Contains(plain.body, want) {
			t.Errorf("%s: got no %q in it", path, want)
		}
		if elsewhere := regexp.MustCompile(`@import|url\(["']?(?:https?:)?//`).FindString(plain.body); strings.HasSuffix(path, ".css") && elsewhere != "" {
			t.Errorf("%s: got %q; want nothing loaded from elsewhere", path, elsewhere)
		}
	}
}

// A part that is missing is an error of ours, and said so.
func TestMissingAsset(t *testing.T) {
	var log logBuffer
	c := newConfig()
	c.Log = log.logger()
	p := newPage(c)
	for _, name := range []string{"gone.js", "../gone"} {
		got := ask(p.asset(name, typeScript), "GET", "/", trustedPeer)
		if got.status != 500 || !strings.Contains(log.String(), "gone") {
			t.Errorf("%s: got %d, log %q; want 500 and a line", name, got.status, log.String())
		}
	}
	p.own = emptyFS{}
	if got := ask(p.index(), "GET", "/", trustedPeer); got.status != 500 {
		t.Errorf("no index: got %d; want 500", got.status)
	}
}

type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// TestDocumentDescribesTheRoutes: no path of the API is left out, and none is in
// it that is not there.
func TestDocumentDescribesTheRoutes(t *testing.T) {
	var document struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(ask(Handler(newConfig()), "GET", "/api-docs/openapi.json", untrustedPeer).body), &document); err != nil {
		t.Fatal(err)
	}
	for _, route := range known {
		if strings.HasPrefix(route.path, "/rapidoc") || strings.HasPrefix(route.path, "/api-docs") {
			continue // as with KumoMTA they do not describe themselves
		}
		methods := document.Paths[route.path]
		for _, method := range strings.Split(route.allow, ", ") {
			if _, there := methods[strings.ToLower(method)]; !there && method != "HEAD" {
				t.Errorf("%s %s is not described", method, route.path)
			}
			delete(methods, strings.ToLower(method))
		}
		if len(methods) > 0 {
			t.Errorf("%s: %v are described besides", route.path, methods)
		}
		delete(document.Paths, route.path)
	}
	if len(document.Paths) > 0 {
		t.Errorf("got %v besides the routes", document.Paths)
	}
}
