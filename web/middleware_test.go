package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A Status that panics stands for any bug in a handler.
func TestPanicEndsTheRequestAlone(t *testing.T) {
	var log logBuffer
	c := newConfig()
	c.Log = log.logger()
	broken := true
	status := c.Status
	c.Status = func() Status {
		if broken {
			panic("boom 42")
		}
		return status()
	}
	url := "http://" + serve(t, "tcp", "127.0.0.1:0", Handler(c), c.Log) + "/proxy/status"
	client := newClient(t)
	got, err := do(t, client, "GET", url, "")
	if err != nil || got.status != http.StatusInternalServerError || got.body != "Error: internal error" {
		t.Errorf("got %d %q, %v; want 500", got.status, got.body, err)
	}
	if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Cache-Control") != "" {
		t.Errorf("got header %v; want the security headers and none of the handler's", got.header)
	}
	for _, want := range []string{"level=ERROR", "boom 42", "path=/proxy/status", "handleStatus"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("got log %q; want %q in it", log.String(), want)
		}
	}
	broken = false
	if got, err := do(t, client, "GET", url, ""); err != nil || got.status != http.StatusOK {
		t.Errorf("the next request: got %d, %v; want 200", got.status, err)
	}
}

// Half an answer must not look like a whole one.
func TestPanicAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	var log logBuffer
	h := guard(log.logger(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
		panic("boom")
	}))
	address := serve(t, "tcp", "127.0.0.1:0", h, log.logger())
	got, err := do(t, newClient(t), "GET", "http://"+address+"/", "")
	if !errors.Is(err, io.ErrUnexpectedEOF) || got.body != "half" {
		t.Errorf("got %q, %v; want half and %v", got.body, err, io.ErrUnexpectedEOF)
	}
	if !strings.Contains(log.String(), "boom") {
		t.Errorf("got log %q; want the panic in it", log.String())
	}
}

func TestAbortIsNotAPanic(t *testing.T) {
	var log logBuffer
	h := guard(log.logger(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer func() {
		if p := recover(); p != any(http.ErrAbortHandler) {
			t.Errorf("got panic %v; want %v", p, http.ErrAbortHandler)
		}
		if log.String() != "" {
			t.Errorf("got log %q; want none", log.String())
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

func TestBodyLimit(t *testing.T) {
	c := newConfig()
	c.RequestBodyLimit = 10
	url := "http://" + serve(t, "tcp", "127.0.0.1:0", Handler(c), (&logBuffer{}).logger())
	client := newClient(t)
	for body, want := range map[string]int{
		"0123456789":  http.StatusOK,
		"0123456789A": http.StatusRequestEntityTooLarge,
	} {
		got, err := do(t, client, "GET", url+"/proxy/status", body)
		if err != nil || got.status != want {
			t.Errorf("a body of %d: got %d %q, %v; want %d", len(body), got.status, got.body, err, want)
		}
	}
	if got, err := do(t, client, "POST", url+"/elsewhere", "0123456789A"); err != nil || got.status != http.StatusNotFound {
		t.Errorf("an unknown path: got %d, %v; want 404", got.status, err)
	}
}

// A chunked body does not say how long it is, so it is cut where it is read.
func TestBodyLimitOfAnUnknownLength(t *testing.T) {
	var read string
	var readErr error
	h := limitBody(10, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		read, readErr = string(b), err
	}))
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("0123456789A")))
	r.ContentLength = -1
	h.ServeHTTP(httptest.NewRecorder(), r)
	var tooLong *http.MaxBytesError
	if !errors.As(readErr, &tooLong) || read != "0123456789" {
		t.Errorf("got %q, %v; want ten bytes and *http.MaxBytesError", read, readErr)
	}
}

func TestMethodsOwnHead(t *testing.T) {
	say := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) })
	}
	tests := []struct {
		methods     methods
		ask         string
		body, allow string
	}{
		{methods{"GET": say("get")}, "HEAD", "get", ""},
		{methods{"GET": say("get"), "HEAD": say("head")}, "HEAD", "head", ""},
		{methods{"GET": say("get"), "HEAD": say("head")}, "POST", "", "GET, HEAD"},
		{methods{"POST": say("post")}, "HEAD", "", "POST"},
		{methods{"POST": say("post"), "GET": say("get"), "DELETE": say("")}, "PUT", "", "DELETE, GET, HEAD, POST"},
	}
	for _, tt := range tests {
		got := ask(tt.methods, tt.ask, "/", trustedPeer)
		if got.body != tt.body || got.header.Get("Allow") != tt.allow {
			t.Errorf("%s: got %q, Allow %q; want %q, Allow %q", tt.ask, got.body, got.header.Get("Allow"), tt.body, tt.allow)
		}
	}
}
