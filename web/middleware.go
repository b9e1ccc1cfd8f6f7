package web

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
)

const plainText = "text/plain; charset=utf-8"

// secure sets the headers of every answer. Nothing here is a page, but for one
// that says so itself.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setSecurity(w.Header())
		next.ServeHTTP(w, r)
	})
}

func setSecurity(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that know no frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
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

// writeText sends text as it is, with no newline added.
func writeText(w http.ResponseWriter, status int, text string) {
	writeWhole(w, status, plainText, []byte(text))
}

// writeWhole sends an answer of which all is there. A failed write means that the
// client has gone, and is its business.
func writeWhole(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
