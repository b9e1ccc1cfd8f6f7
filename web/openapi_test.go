package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	validation "github.com/pb33f/libopenapi-validator/errors"
)

// newValidator reads the description as somebody else understands it.
func newValidator(t *testing.T, text []byte) validator.Validator {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	t.Cleanup(v.Release)
	return v
}

func mustDescribe(t *testing.T) []byte {
	t.Helper()
	text, err := OpenAPI("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func complain(t *testing.T, what string, errs []*validation.ValidationError) {
	t.Helper()
	for _, err := range errs {
		t.Errorf("%s: %s: %s", what, err.Message, err.Reason)
		for _, cause := range err.SchemaValidationErrors {
			t.Errorf("%s: at %s: %s", what, cause.FieldPath, cause.Reason)
		}
	}
}

func TestDocumentIsOpenAPI(t *testing.T) {
	text := mustDescribe(t)
	if ok, errs := newValidator(t, text).ValidateDocument(); !ok {
		complain(t, "the document", errs)
	}
	var got struct {
		OpenAPI string
		Info    struct {
			Title, Version string
			License        struct{ Identifier string }
		}
		Components struct {
			SecuritySchemes map[string]struct{ Type, Scheme string }
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.OpenAPI, "3.1.") || got.Info.Title != "proxy-server" || got.Info.Version != "1.2.3" || got.Info.License.Identifier != "Apache-2.0" {
		t.Errorf("got %+v; want OpenAPI 3.1 of proxy-server 1.2.3 under Apache-2.0", got)
	}
	if basic := got.Components.SecuritySchemes["basic_auth"]; basic.Type != "http" || basic.Scheme != "basic" {
		t.Errorf("got the scheme %+v; want http basic", basic)
	}
}

// The validator must be able to say no, or the tests below mean nothing.
func TestValidatorFindsFaults(t *testing.T) {
	text := mustDescribe(t)
	broken := bytes.Replace(text, []byte(`"title"`), []byte(`"tittle"`), 1)
	if ok, _ := newValidator(t, broken).ValidateDocument(); ok {
		t.Error("a document without a title passes")
	}
	v := newValidator(t, text)
	r := httptest.NewRequest("GET", "http://127.0.0.1:8000/api/machine-info", nil)
	for _, answer := range []struct {
		name   string
		status int
		body   string
	}{
		{"a number for a name", 200, `{"hostname":5}`},
		{"a status that is not there", 418, `{}`},
	} {
		w := httptest.NewRecorder()
		writeWhole(w, answer.status, jsonType, []byte(answer.body))
		if ok, _ := v.ValidateHttpResponse(r, w.Result()); ok {
			t.Errorf("%s passes", answer.name)
		}
	}
}

// TestAnswersAreAsDescribed: what the surface answers, well and badly asked, is
// what its description says.
func TestAnswersAreAsDescribed(t *testing.T) {
	v := newValidator(t, mustDescribe(t))
	sound, ill := newConfig(), newConfig()
	sound.Gatherer = everything(t)
	ill.Gatherer = illGatherer(nil)
	ill.Machine = nil
	ill.Status = func() Status { return Status{[]ListenerStatus{{Listener: "127.0.0.1:1080"}}} }
	filter := func(text string) *http.Request {
		r := httptest.NewRequest("POST", "http://127.0.0.1:8000"+filterPath, strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	get := func(path string) *http.Request { return httptest.NewRequest("GET", "http://127.0.0.1:8000"+path, nil) }
	post := func(path string) *http.Request {
		return httptest.NewRequest("POST", "http://127.0.0.1:8000"+path, nil)
	}
	openMetrics := get("/metrics")
	openMetrics.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	for _, tt := range []struct {
		name    string
		config  Config
		request *http.Request
		peer    string
		status  int
	}{
		{"metrics", sound, get("/metrics"), trustedPeer, 200},
		{"metrics with a prefix", sound, get("/metrics?prefix=a_"), trustedPeer, 200},
		{"OpenMetrics", sound, openMetrics, trustedPeer, 200},
		{"metrics with a bad prefix", sound, get("/metrics?prefix=1"), trustedPeer, 400},
		{"metrics for a stranger", sound, get("/metrics"), untrustedPeer, 401},
		{"metrics that cannot be had", ill, get("/metrics"), trustedPeer, 500},
		{"metrics.json", sound, get("/metrics.json"), trustedPeer, 200},
		{"metrics.json that cannot be had", ill, get("/metrics.json"), trustedPeer, 500},
		{"status", sound, get("/proxy/status"), untrustedPeer, 200},
		{"a bad status", ill, get("/proxy/status"), trustedPeer, 503},
		{"livez", sound, get("/livez"), untrustedPeer, 200},
		{"readyz", sound, get("/readyz"), untrustedPeer, 200},
		{"not ready", ill, get("/readyz?listener=127.0.0.1:1080"), untrustedPeer, 503},
		{"machine info", sound, get("/api/machine-info"), trustedPeer, 200},
		{"machine info that is not there", ill, get("/api/machine-info"), trustedPeer, 503},
		{"memory", sound, get("/api/admin/memory/stats"), trustedPeer, 200},
		{"tasks", sound, get("/api/admin/task-dump?timeout=1"), trustedPeer, 200},
		{"tasks for a bad time", sound, get("/api/admin/task-dump?timeout=x"), trustedPeer, 400},
		{"bump", sound, post("/api/admin/bump-config-epoch"), trustedPeer, 200},
		{"a filter", sound, filter(`{"filter":"info"}`), trustedPeer, 200},
		{"no JSON", sound, filter(`{`), trustedPeer, 400},
		{"another JSON", sound, filter(`{"filter":1}`), trustedPeer, 422},
		{"too long", sound, filter(`{"filter":"` + strings.Repeat("a", 2000) + `"}`), trustedPeer, 413},
		{"no type", sound, post(filterPath), trustedPeer, 415},
	} {
		tt.request.RemoteAddr = tt.peer
		w := httptest.NewRecorder()
		Handler(tt.config).ServeHTTP(w, tt.request)
		if w.Code != tt.status {
			t.Errorf("%s: got %d %q; want %d", tt.name, w.Code, w.Body, tt.status)
		}
		if ok, errs := v.ValidateHttpResponse(tt.request, w.Result()); !ok {
			complain(t, tt.name, errs)
		}
	}
}

// TestRequestsAreAsDescribed: the description tells good requests from bad ones as
// the handlers do.
func TestRequestsAreAsDescribed(t *testing.T) {
	v := newValidator(t, mustDescribe(t))
	h := Handler(newConfig())
	for body, good := range map[string]bool{
		`{"filter":"info"}`: true, `{"filter":"","more":1}`: true,
		`{}`: false, `{"filter":5}`: false, `{"filter":null}`: false, `[]`: false, `null`: false, `"info"`: false,
	} {
		r := httptest.NewRequest("POST", "http://127.0.0.1:8000"+filterPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		described, _ := v.ValidateHttpRequest(r)
		answered := send(h, "POST", filterPath, trustedPeer, strings.NewReader(body), "Content-Type", "application/json").status == 200
		if described != good || answered != good {
			t.Errorf("%s: good by the description %v, by the handler %v; want %v", body, described, answered, good)
		}
	}
	for query, good := range map[string]bool{"timeout=5": true, "timeout=x": false, "timeout=-1": false, "": true} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8000/api/admin/task-dump?"+query, nil)
		described, _ := v.ValidateHttpRequest(r)
		answered := ask(h, "GET", "/api/admin/task-dump?"+query, trustedPeer).status == 200
		if described != good || answered != good {
			t.Errorf("%q: good by the description %v, by the handler %v; want %v", query, described, answered, good)
		}
	}
}
