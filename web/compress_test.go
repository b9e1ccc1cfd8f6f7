package web

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAcceptedCoding(t *testing.T) {
	for accept, want := range map[string]string{
		"": "", "identity": "", "br": "", "gzip": "gzip", "deflate": "deflate", "GZip": "gzip", "*": "gzip",
		"deflate, gzip": "gzip", "gzip;q=0": "", "gzip;q=0, *": "deflate", "gzip; q=0.5, deflate": "deflate",
		"gzip;q=0.5, deflate;q=0.5": "gzip", "br, gzip;q=0.1": "gzip", "gzip;q=x": "", "gzip;q=7": "", "gzip;q=-1": "",
		"gzip;q=NaN": "", ",,;,": "", "*;q=0": "",
	} {
		if got := acceptedCoding(http.Header{"Accept-Encoding": {accept}}); got != want {
			t.Errorf("%q: got %q; want %q", accept, got, want)
		}
	}
	if got := acceptedCoding(http.Header{"Accept-Encoding": {"br", "deflate"}}); got != "deflate" {
		t.Errorf("two headers: got %q; want deflate", got)
	}
}

// expand undoes a content coding.
func expand(t *testing.T, coding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCompression: every answer is the same in every coding, but for those that are
// too short.
func TestCompression(t *testing.T) {
	h := Handler(newConfig())
	for _, route := range known {
		if route.allow == "POST" || strings.Contains(route.path, "/admin/") || route.path == "/metrics" {
			continue // they have nothing to say, or not the same twice
		}
		plain := ask(h, "GET", route.path, trustedPeer)
		if plain.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: got encoding %q for a client that accepts none", route.path, plain.header.Get("Content-Encoding"))
		}
		for _, coding := range []string{"gzip", "deflate"} {
			got := ask(h, "GET", route.path, trustedPeer, "Accept-Encoding", coding)
			encoding, vary := coding, "Accept-Encoding"
			if len(plain.body) < worthCompressing {
				encoding, vary = "", ""
			}
			if got.header.Get("Content-Encoding") != encoding || got.header.Get("Vary") != vary || plain.header.Get("Vary") != vary {
				t.Errorf("%s as %s: got encoding %q, Vary %q; want %q, %q", route.path, coding,
					got.header.Get("Content-Encoding"), got.header.Get("Vary"), encoding, vary)
			}
			if expand(t, encoding, got.body) != plain.body {
				t.Errorf("%s as %s: got another text than without", route.path, coding)
			}
		}
	}
}

func TestNotCompressed(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for name, tt := range map[string]struct {
		status int
		header map[string]string
	}{
		"a picture":             {200, map[string]string{"Content-Type": "image/png"}},
		"a stream of events":    {200, map[string]string{"Content-Type": "text/event-stream"}},
		"what is so already":    {200, map[string]string{"Content-Type": "text/plain", "Content-Encoding": "br"}},
		"what says how short":   {200, map[string]string{"Content-Type": "text/plain", "Content-Length": "31"}},
		"nothing":               {204, map[string]string{"Content-Type": "text/plain"}},
		"what is known already": {304, map[string]string{"Content-Type": "text/plain"}},
	} {
		h := newCompressor().compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for name, value := range tt.header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, long)
		}))
		got := ask(h, "GET", "/", trustedPeer, "Accept-Encoding", "gzip")
		if encoding := got.header.Get("Content-Encoding"); encoding != tt.header["Content-Encoding"] {
			t.Errorf("%s: got encoding %q; want %q", name, encoding, tt.header["Content-Encoding"])
		}
	}
}

// A writer that was used for one client must not show its text to the next.
func TestCompressorsAreUsedAgain(t *testing.T) {
	c := newCompressor()
	for _, text := range []string{strings.Repeat("a", 5000), strings.Repeat("b", 100), strings.Repeat("c", 70000)} {
		h := c.compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, 200, text) }))
		for _, coding := range []string{"gzip", "deflate"} {
			got := ask(h, "GET", "/", trustedPeer, "Accept-Encoding", coding)
			if expand(t, coding, got.body) != text || got.header.Get("Content-Length") != "" {
				t.Errorf("%s: got another text, or the length of the plain one", coding)
			}
		}
	}
}

// What a handler flushes can be read at once.
func TestCompressedFlush(t *testing.T) {
	var seen []byte
	sink := &discarded{header: http.Header{}}
	spy := &spyWriter{ResponseWriter: sink, seen: &seen}
	h := newCompressor().compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush() // the spy cannot, what is above it can
		r, err := gzip.NewReader(bytes.NewReader(seen))
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 5)
		if _, err := io.ReadFull(r, b); err != nil || string(b) != "first" {
			t.Errorf("got %q, %v; want what was flushed", b, err)
		}
	}))
	r, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	h.ServeHTTP(spy, r)
}

// spyWriter sees what is written.
type spyWriter struct {
	http.ResponseWriter
	seen *[]byte
}

func (s *spyWriter) Write(p []byte) (int, error) { *s.seen = append(*s.seen, p...); return len(p), nil }
