package web

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	validator "github.com/pb33f/libopenapi-validator"
)

// described is what the description of the API says as far as requests are made from it.
type described struct {
	Paths      map[string]map[string]describedOperation
	Components struct {
		Schemas map[string]describedSchema
	}
}

type describedOperation struct {
	Parameters []struct {
		Name, In string
		Schema   describedSchema
	}
	RequestBody *struct {
		Content map[string]struct{ Schema describedSchema }
	}
}

type describedSchema struct {
	Ref              string `json:"$ref"`
	Enum             []any
	Minimum, Maximum *float64
	Properties       map[string]describedSchema
}

// boundaries are values that somebody may have forgotten, for any parameter.
func boundaries() []string {
	return []string{
		"", " ", "0", "-0", "-1", "1", "1.5", "1e3", "1e309", "NaN", "0x10", "00", "+1", "99999999999999999999", "-9223372036854775808",
		"18446744073709551615", "null", "true", "false", "TRUE", "[]", "{}", "%", "..", "a\x00b", "\x7f", "é", "\xff\xfe", "\u2028", "<b>", "'\"`", "\r\nX: y",
		"127.0.0.1", "127.0.0.1:1080", "127.0.0.1:99999", "[::1]:1080", "::ffff:192.0.2.7", "192.0.2.0/24", "192.0.2.0/33", "fe80::1%eth0",
		"5m", "-5m", "5 m", "10000000h", "1ns", "zz.zz", "1.1", "-.-", "0000000000000000", "00000000000000ff", "supervisor", "supervisor/nobody",
		"info", "lua=debug", strings.Repeat("9", 400), strings.Repeat("a", 2000),
	}
}

// requests makes them from a description, at random but for the seed.
type requests struct {
	rng *rand.Rand
	all described
}

func (q *requests) pick(from []string) string { return from[q.rng.IntN(len(from))] }

// values are those that are tried for a parameter.
func (s describedSchema) values() []string {
	all := boundaries()
	for _, one := range s.Enum {
		if text, ok := one.(string); ok {
			all = append(all, text)
		}
	}
	for _, bound := range []*float64{s.Minimum, s.Maximum} {
		if bound != nil {
			for _, step := range []int{-1, 0, 1} {
				all = append(all, strconv.Itoa(int(*bound)+step))
			}
		}
	}
	return all
}

// query has some parameters, most of which are the operation's.
func (q *requests) query(o describedOperation) string {
	values := url.Values{}
	for _, p := range o.Parameters {
		if p.In == "query" && q.rng.IntN(3) == 0 {
			for range 1 + q.rng.IntN(8)/7 {
				values.Add(p.Name, q.pick(p.Schema.values()))
			}
		}
	}
	if q.rng.IntN(10) == 0 {
		values.Set(q.pick(boundaries()), q.pick(boundaries()))
	}
	text := values.Encode()
	if q.rng.IntN(20) == 0 {
		text += q.pick([]string{"&", "&%zz", "&=", ";", "&a;b", "&x=%"})
	}
	return text
}

// target is a path with something for each part that is a parameter.
func (q *requests) target(path string, o describedOperation) string {
	for _, p := range o.Parameters {
		if p.In == "path" {
			value := q.pick(slices.DeleteFunc(p.Schema.values(), func(v string) bool { return v == "" || v == ".." }))
			path = strings.ReplaceAll(path, "{"+p.Name+"}", strings.ReplaceAll(url.PathEscape(value), "%2F", "-"))
		}
	}
	if query := q.query(o); query != "" {
		path += "?" + query
	}
	return path
}

// body is a JSON object such as the operation takes, or nearly, or something else.
func (q *requests) body(o describedOperation) (text []byte, contentType string) {
	types := []string{"", "application/json", "application/json", "application/json", "application/json; charset=latin1", "application/x+json", "text/plain", "/", "a/b; ="}
	contentType = q.pick(types)
	members := make(map[string]any)
	if o.RequestBody != nil {
		schema := o.RequestBody.Content["application/json"].Schema
		schema = q.all.Components.Schemas[strings.TrimPrefix(schema.Ref, "#/components/schemas/")]
		for name, property := range schema.Properties {
			if q.rng.IntN(5) > 0 {
				var other any
				_ = json.Unmarshal([]byte(q.pick([]string{"null", "0", "-1.5e300", "true", "[]", "{}", `""`, `["x"]`, `{"a":{"b":[]}}`})), &other)
				members[name] = other
				if q.rng.IntN(2) == 0 {
					members[name] = q.pick(property.values())
				}
			}
		}
	}
	if q.rng.IntN(6) == 0 {
		members[q.pick(boundaries())] = q.pick(boundaries())
	}
	text, err := json.Marshal(members)
	if err != nil || q.rng.IntN(5) == 0 {
		return []byte(q.pick([]string{"", " ", "{", "}", "null", "[]", "0", `"x"`, "{}{}", "{}\n\n", "\xef\xbb\xbf{}", "\xff", `{"a":`, `{"filter":"info","filter":1}`,
			strings.Repeat("[", 1000), strings.Repeat(" ", 2000)})), contentType
	}
	return text, contentType
}

// request is one for an operation, by a method that is its own or not.
func (q *requests) request(t *testing.T, method, path string, o describedOperation) *http.Request {
	text, contentType := q.body(o)
	encoding := q.pick([]string{"", "", "", "", "identity", "gzip", "GZIP", "deflate", "br", "gzip, gzip"})
	if strings.EqualFold(encoding, "gzip") && q.rng.IntN(2) == 0 {
		text = compressed(t, string(text), gzipped)
	}
	var body io.Reader
	if len(text) > 0 {
		body = bytes.NewReader(text)
	}
	r := httptest.NewRequest(method, "http://127.0.0.1:8000"+q.target(path, o), body)
	for name, value := range map[string]string{"Content-Type": contentType, "Content-Encoding": encoding,
		"Accept":          q.pick([]string{"", "*/*", "application/json", "text/event-stream", "application/openmetrics-text; version=1.0.0", ";;"}),
		"Accept-Encoding": q.pick([]string{"", "identity", "gzip;q=x", "identity;q=0"}),
		"Authorization":   q.pick([]string{"", "", "", "Basic", "Basic !!", "Bearer ", "Bearer x", "Digest x"}),
		"Sec-Fetch-Site":  q.pick([]string{"", "", "", "same-origin", "cross-site", "none", "x"}),
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	r.RemoteAddr = q.pick([]string{trustedPeer, trustedPeer, trustedPeer, untrustedPeer})
	if r.ContentLength >= 0 && q.rng.IntN(10) == 0 {
		r.ContentLength = -1 // chunked
	}
	return r
}

// TestProperty: whatever is asked of an operation, or nearly of one, the answer is as
// described, nothing fails inside, and what another method is for stays undone.
func TestProperty(t *testing.T) {
	const each = 300
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	var log logBuffer
	c := newConfig()
	c.Control, c.Log, c.Gatherer = newFakeProxy().control(), log.logger(), everything(t)
	h, text := Handler(c), mustDescribe(t)
	q := requests{rng: rand.New(rand.NewPCG(seed, 0))}
	if err := json.Unmarshal(text, &q.all); err != nil {
		t.Fatal(err)
	}
	v := newValidator(t, text)
	asked := 0
	for path, operations := range q.all.Paths {
		for method, operation := range operations {
			for range each {
				asked++
				q.check(t, h, v, q.request(t, strings.ToUpper(method), path, operation), true)
			}
			for _, other := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
				if _, own := operations[strings.ToLower(other)]; !own {
					q.check(t, h, v, q.request(t, other, path, operation), false)
				}
			}
		}
	}
	if asked < 10*each {
		t.Errorf("%d requests were made; want %d for each of the operations", asked, each)
	}
	if log := log.String(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("got the log %.2000s; want no fault of ours", log)
	}
}

// check has a request answered. Of one by a method that is none of the path's, no
// more is asked than that it is refused.
func (q *requests) check(t *testing.T, h http.Handler, v validator.Validator, r *http.Request, own bool) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	what := r.Method + " " + r.URL.String()
	switch {
	case w.Code == http.StatusInternalServerError:
		t.Errorf("%s: got %d %q; want no fault of ours", what, w.Code, w.Body)
	case w.Code == http.StatusUnsupportedMediaType && w.Body.Len() == 0:
		// KumoMTA says no more of an encoding that it does not know. A description
		// cannot say of one status that it has a text or none.
		if w.Header().Get("Accept-Encoding") == "" {
			t.Errorf("%s: got 415 without the encodings that are known", what)
		}
	case own:
		if ok, errs := v.ValidateHttpResponse(r, w.Result()); !ok {
			t.Errorf("%s: got %d %.200q", what, w.Code, w.Body)
			complain(t, what, errs)
		}
	case w.Code < 400:
		t.Errorf("%s: got %d; want it refused", what, w.Code)
	}
}
