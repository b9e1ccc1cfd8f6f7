package web

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"
)

const filterPath = "/api/admin/set_diagnostic_log_filter/v1"

// filters is a surface that notes the log filters it is given.
func filters(limit int64) (h http.Handler, set *[]string) {
	c := newConfig()
	c.RequestBodyLimit = limit
	set = new([]string)
	c.SetLogFilter = func(s string) error { *set = append(*set, s); return nil }
	return Handler(c), set
}

// compressed writes text by way of what open gives.
func compressed(t *testing.T, text string, open func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(w io.Writer) io.WriteCloser  { return gzip.NewWriter(w) }
func zlibbed(w io.Writer) io.WriteCloser  { return zlib.NewWriter(w) }
func deflated(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 9); return f }
func plain(w io.Writer) io.WriteCloser    { return nopCloser{w} }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestBodyIsDecoded(t *testing.T) {
	for _, tt := range []struct {
		coding string
		open   func(io.Writer) io.WriteCloser
	}{
		{"gzip", gzipped}, {"GZIP", gzipped}, {"x-gzip", gzipped}, {" gzip ", gzipped},
		{"deflate", zlibbed}, {"deflate", deflated}, {"identity", plain}, {"", plain},
	} {
		h, set := filters(1 << 10)
		body := compressed(t, `{"filter":"lua=debug"}`, tt.open)
		got := send(h, "POST", filterPath, trustedPeer, bytes.NewReader(body), "Content-Type", "application/json", "Content-Encoding", tt.coding)
		if got.status != 200 || got.body != "" || len(*set) != 1 || (*set)[0] != "lua=debug" {
			t.Errorf("%q: got %d %q, filters %q; want 200 and lua=debug", tt.coding, got.status, got.body, *set)
		}
	}
}

// TestUnknownEncoding is refused on any path, before anybody is asked who he is.
func TestUnknownEncoding(t *testing.T) {
	h, set := filters(1 << 10)
	for _, coding := range []string{"br", "zstd", "compress", "gzip, gzip", "identity, gzip", "gzip;q=1", "\x00", "gzip gzip"} {
		for _, path := range []string{filterPath, "/metrics", "/elsewhere"} {
			for _, peer := range []string{trustedPeer, untrustedPeer} {
				got := send(h, "POST", path, peer, strings.NewReader("x"), "Content-Encoding", coding)
				if got.status != http.StatusUnsupportedMediaType || got.body != "" {
					t.Errorf("%q on %s: got %d %q; want 415 and no body", coding, path, got.status, got.body)
				}
				if accept := got.header.Get("Accept-Encoding"); accept != "gzip, deflate, identity" {
					t.Errorf("%q on %s: got Accept-Encoding %q; want those that are known", coding, path, accept)
				}
			}
		}
	}
	if len(*set) != 0 {
		t.Errorf("got the filters %q; want none set", *set)
	}
}

// endless is a stream that never ends: what begins it, and then the same again
// and again.
type endless struct {
	again []byte
	rest  []byte
	read  int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = e.again
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.read += n
	return n, nil
}

func TestBombs(t *testing.T) {
	const limit = 1 << 20
	bomb := func(open func(io.Writer) io.WriteCloser) []byte {
		return compressed(t, `{"filter":"`+strings.Repeat("a", 64*limit)+`"}`, open)
	}
	empty := compressed(t, "", gzipped)
	emptyBlock := []byte{0, 0, 0, 0xff, 0xff} // RFC 1951 section 3.2.4, stored, no bytes
	for _, tt := range []struct {
		name, coding string
		body         io.Reader
		status       int
		want         string
	}{
		{"gzip", "gzip", bytes.NewReader(bomb(gzipped)), 413, tooLong},
		{"zlib", "deflate", bytes.NewReader(bomb(zlibbed)), 413, tooLong},
		{"deflate", "deflate", bytes.NewReader(bomb(deflated)), 413, tooLong},
		{"members without an end, each empty", "gzip", &endless{again: empty}, 413, tooLong},
		{"blocks without an end, each empty", "deflate", &endless{again: emptyBlock}, 413, tooLong},
		{"too long as it is", "identity", strings.NewReader(strings.Repeat("a", limit+1)), 413, tooLong},
		{"too long as it is, and it does not say so", "", &endless{again: []byte("a")}, 413, tooLong},
		{"no gzip at all", "gzip", strings.NewReader(`{"filter":"info"}`), 400, "Failed to buffer the request body: gzip: invalid header"},
		{"broken off", "gzip", bytes.NewReader(empty[:len(empty)-3]), 400, "Failed to buffer the request body: unexpected EOF"},
		{"nothing", "gzip", strings.NewReader(""), 400, "Failed to buffer the request body: unexpected EOF"},
		{"nothing deflated", "deflate", strings.NewReader(""), 400, "Failed to buffer the request body: unexpected EOF"},
	} {
		h, set := filters(limit)
		got := send(h, "POST", filterPath, trustedPeer, tt.body, "Content-Type", "application/json", "Content-Encoding", tt.coding)
		if got.status != tt.status || got.body != tt.want {
			t.Errorf("%s: got %d %.80q; want %d %q", tt.name, got.status, got.body, tt.status, tt.want)
		}
		if e, ok := tt.body.(*endless); ok && int64(e.read) > mostCompressed(limit)+1<<16 {
			t.Errorf("%s: %d bytes of it were read; want about %d", tt.name, e.read, limit)
		}
		if len(*set) != 0 {
			t.Errorf("%s: got the filters %.80q; want none set", tt.name, *set)
		}
	}
}

// What nobody reads is not unpacked, and not taken for too long.
func TestBombThatNobodyReads(t *testing.T) {
	h, _ := filters(10)
	body := &endless{again: compressed(t, "", gzipped)}
	got := send(h, "POST", "/api/admin/bump-config-epoch", trustedPeer, body, "Content-Encoding", "gzip")
	if got.status != 200 || body.read > 0 {
		t.Errorf("got %d, %d bytes read; want 200 and none", got.status, body.read)
	}
}

// A body of exactly the limit passes, compressed or not, also when compressing it
// made it longer.
func TestBodyOfTheLimit(t *testing.T) {
	text := `{"filter":"info"}`
	for coding, open := range map[string]func(io.Writer) io.WriteCloser{"identity": plain, "gzip": gzipped, "deflate": zlibbed} {
		for limit, want := range map[int64]int{int64(len(text)): 200, int64(len(text)) - 1: 413} {
			h, _ := filters(limit)
			body := compressed(t, text, open)
			got := send(h, "POST", filterPath, trustedPeer, bytes.NewReader(body), "Content-Type", "application/json", "Content-Encoding", coding)
			if got.status != want {
				t.Errorf("%s, limit %d: got %d %q; want %d", coding, limit, got.status, got.body, want)
			}
		}
	}
}
