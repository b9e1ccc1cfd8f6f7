package web

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// worthCompressing is how many bytes an answer must have to be compressed, when
// it says how many it has.
const worthCompressing = 32

// compressor compresses answers for clients that accept it. Its writers are used
// again: one takes most of a megabyte.
type compressor struct {
	pools map[string]*sync.Pool // of resettable, by content coding
}

// resettable is what gzip and zlib have in common.
type resettable interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

func newCompressor() *compressor {
	return &compressor{map[string]*sync.Pool{
		"gzip":    {New: func() any { return newGzip() }},
		"deflate": {New: func() any { return newZlib() }},
	}}
}

// The levels are constants that exist, so that there is no error.

func newGzip() resettable { w, _ := gzip.NewWriterLevel(nil, flate.BestSpeed); return w }
func newZlib() resettable { w, _ := zlib.NewWriterLevel(nil, flate.BestSpeed); return w }

// compress compresses the answers of next that are worth it.
func (c *compressor) compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		coding := acceptedCoding(r.Header)
		cw := &compressWriter{ResponseWriter: w, coding: coding, pool: c.pools[coding]}
		next.ServeHTTP(cw, r)
		cw.end() // not when next panics: the answer must not look whole
	})
}

// compressWriter decides when the header is written.
type compressWriter struct {
	http.ResponseWriter
	coding string     // empty: none is accepted
	pool   *sync.Pool // of coding
	begun  bool
	out    resettable // nil: nothing is compressed
}

func (c *compressWriter) WriteHeader(status int) {
	if !c.begun && status >= http.StatusOK {
		c.begun = true
		c.decide(status)
	}
	c.ResponseWriter.WriteHeader(status)
}

// decide is told of the final status.
func (c *compressWriter) decide(status int) {
	h := c.Header()
	if status == http.StatusNoContent || status == http.StatusNotModified || !compressible(h) {
		return
	}
	addVary(h)
	if c.coding == "" {
		return
	}
	h.Set("Content-Encoding", c.coding)
	h.Del("Content-Length")
	c.out = c.pool.Get().(resettable)
	c.out.Reset(c.ResponseWriter)
}

// compressible reports whether an answer with this header gains by it.
func compressible(h http.Header) bool {
	typ := h.Get("Content-Type")
	switch {
	case typ == "", h.Get("Content-Encoding") != "",
		strings.HasPrefix(typ, "image/"), strings.HasPrefix(typ, "application/grpc"), strings.HasPrefix(typ, "text/event-stream"):
		return false
	}
	n, err := strconv.Atoi(h.Get("Content-Length"))
	return err != nil || n >= worthCompressing
}

func (c *compressWriter) Write(p []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	if c.out != nil {
		return c.out.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

// FlushError sends what has been written, for http.ResponseController.
func (c *compressWriter) FlushError() error {
	if c.out != nil {
		if err := c.out.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (c *compressWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// end completes what is compressed. An error means that the client has gone.
func (c *compressWriter) end() {
	if c.out == nil {
		return
	}
	_ = c.out.Close()
	c.out.Reset(nil) // it must not keep the connection
	c.pool.Put(c.out)
	c.out = nil
}

// acceptedCoding is the coding that a client likes best, RFC 9110 section 12.5.3,
// of those there are; gzip when it does not mind, and none unless it says so.
func acceptedCoding(h http.Header) string {
	weights := make(map[string]float64)
	for offer := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, parameter, _ := strings.Cut(offer, ";")
		weights[strings.ToLower(strings.TrimSpace(name))] = weightOf(parameter)
	}
	best, bestWeight := "", 0.0
	for _, coding := range []string{"gzip", "deflate"} {
		weight, named := weights[coding]
		if !named {
			weight = weights["*"]
		}
		if weight > bestWeight {
			best, bestWeight = coding, weight
		}
	}
	return best
}

// weightOf is the q of an offer; what is no weight is none at all.
func weightOf(parameter string) float64 {
	parameter = strings.ToLower(strings.TrimSpace(parameter))
	if parameter == "" {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimPrefix(parameter, "q="), 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}

// addVary says that the answer depends on what encodings the client accepts.
func addVary(h http.Header) {
	const name = "Accept-Encoding"
	if !slices.ContainsFunc(h.Values("Vary"), func(v string) bool { return strings.EqualFold(v, name) }) {
		h.Add("Vary", name)
	}
}
