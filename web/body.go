package web

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// decodeBody has handlers read the body of a request decompressed, RFC 9110
// section 8.4: gzip and deflate are known. Nothing is read until a handler does.
func decodeBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		codings := r.Header.Values("Content-Encoding")
		if len(codings) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		decode, known := decoders(strings.Join(codings, ","))
		if !known {
			w.Header().Set("Accept-Encoding", "gzip, deflate, identity")
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		r.Header.Del("Content-Encoding")
		if decode != nil {
			// A body that expands to nothing could go on for ever.
			compressed := http.MaxBytesReader(w, r.Body, mostCompressed(limit))
			r.Body = &decodedBody{compressed: compressed, decode: decode}
			r.ContentLength = -1
			r.Header.Del("Content-Length")
		}
		next.ServeHTTP(w, r)
	})
}

// mostCompressed is how long a body of limit bytes can be that was compressed
// and did not become shorter for it.
func mostCompressed(limit int64) int64 { return limit + limit/256 + 1<<10 }

// decoder makes a reader of what is compressed.
type decoder func(io.Reader) (io.Reader, error)

// decoders gives the decoder of a coding; nil: the body is plain. A body that was
// compressed twice is not known.
func decoders(coding string) (d decoder, known bool) {
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "", "identity":
		return nil, true
	case "gzip", "x-gzip":
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }, true
	case "deflate":
		return newInflater, true
	}
	return nil, false
}

// newInflater reads "deflate", which means the zlib format, RFC 1950, and which
// not every client knew: many send RFC 1951 alone. The first two bytes tell.
func newInflater(r io.Reader) (io.Reader, error) {
	const method = 8 // in the low bits of the first byte; both together are a multiple of 31
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(head) == 2 && head[0]&0x0f == method && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// decodedBody decompresses a body as it is read.
type decodedBody struct {
	compressed io.ReadCloser
	decode     decoder
	plain      io.Reader
	err        error
}

// Read implements io.Reader.
func (d *decodedBody) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if d.plain == nil {
		if d.plain, d.err = d.decode(d.compressed); d.err != nil {
			if errors.Is(d.err, io.EOF) {
				d.err = io.ErrUnexpectedEOF // an empty body is not a compressed empty one
			}
			return 0, d.err
		}
	}
	n, err := d.plain.Read(p)
	d.err = err
	return n, err
}

// Close implements io.Closer.
func (d *decodedBody) Close() error { return d.compressed.Close() }

// tooLong is how KumoMTA says that a body has more bytes than the limit.
const tooLong = "Failed to buffer the request body: length limit exceeded"

// limitBody refuses a body that says it has more than limit bytes, and ends one
// that does not say, with *http.MaxBytesError, where it gets there.
func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			writeText(w, http.StatusRequestEntityTooLarge, tooLong)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// readBody reads the whole body, or answers why it could not.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(r.Body)
	var limit *http.MaxBytesError
	switch {
	case err == nil:
		return body, true
	case errors.As(err, &limit):
		writeText(w, http.StatusRequestEntityTooLarge, tooLong)
	case errors.Is(err, os.ErrDeadlineExceeded):
		writeError(w, http.StatusRequestTimeout, fmt.Sprintf("the request body did not come within %v", readTimeout))
	default:
		writeText(w, http.StatusBadRequest, "Failed to buffer the request body: "+err.Error())
	}
	return nil, false
}
