package web

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
)

const plainText = "text/plain; charset=utf-8"

// methods is one path: a handler for each method. HEAD is GET's unless it has
// its own; net/http leaves the body out.
type methods map[string]http.Handler

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if _, own := m[method]; !own && method == http.MethodHead {
		method = http.MethodGet
	}
	if h, known := m[method]; known {
		h.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Allow", m.allow())
	w.WriteHeader(http.StatusMethodNotAllowed)
}

func (m methods) allow() string {
	names := slices.Collect(maps.Keys(m))
	if _, get := m[http.MethodGet]; get && m[http.MethodHead] == nil {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// limitBody refuses a body that says it has more than limit bytes, and ends one
// that does not say, with *http.MaxBytesError, where it gets there.
func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			writeError(w, http.StatusRequestEntityTooLarge,
				fmt.Sprintf("the request body has %d bytes, the limit is %d", r.ContentLength, limit))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// secure sets the headers of every answer: nothing here is a page.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setSecurity(w.Header())
		next.ServeHTTP(w, r)
	})
}

func setSecurity(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}

// guard turns a panic below it into an answer and a line in the log. When the
// answer had begun there is no taking it back: the connection is cut, so that
// the client doesn't take half of it for the whole.
func guard(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &sentWriter{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http's own way to cut a connection
			}
			log.Error("panic in an HTTP handler", "panic", p, "method", r.Method,
				"path", r.URL.Path, "peer", r.RemoteAddr, "stack", string(debug.Stack()))
			if sent.begun {
				panic(http.ErrAbortHandler)
			}
			clear(w.Header()) // they were about another answer
			setSecurity(w.Header())
			writeError(w, http.StatusInternalServerError, "internal error")
		}()
		next.ServeHTTP(sent, r)
	})
}

// sentWriter knows whether any of the answer has been sent.
type sentWriter struct {
	http.ResponseWriter
	begun bool
}

func (s *sentWriter) WriteHeader(status int) {
	s.begun = s.begun || status >= http.StatusOK // 1xx comes before the answer
	s.ResponseWriter.WriteHeader(status)
}

func (s *sentWriter) Write(p []byte) (int, error) {
	s.begun = true
	return s.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *sentWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func writeError(w http.ResponseWriter, status int, reason string) {
	writeText(w, status, "Error: "+reason)
}

// writeText sends text as it is, with no newline added. A failed write means
// that the client has gone, and is its business.
func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", plainText)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
