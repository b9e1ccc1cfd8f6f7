package fetch

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const requestName = "kumo.http.Request"

var (
	errHeader  = errors.New("expected a name and a value that may stand in a header")
	errTimeout = errors.New("expected a number with a fraction, in seconds, or a text such as '5 seconds'")
	errSign    = errors.New("it is not part of Troupe; sign with kumo.crypto.aws_sign_v4, and set the headers authorization and x-amz-date")
	errSent    = errors.New("the request was sent already")
)

// outgoing is a request that a script puts together.
type outgoing struct {
	client  *client
	method  string
	url     *url.URL
	header  http.Header
	body    string
	timeout time.Duration
	sent    bool
}

func newOutgoing(c *client, method, text string) (*outgoing, error) {
	if c.closed {
		return nil, errClosed
	}
	u, err := address(text)
	if err != nil {
		return nil, err
	}
	r := &outgoing{client: c, method: method, url: u, header: http.Header{}, timeout: c.timeout}
	if c.agent != "" {
		r.header.Set("User-Agent", c.agent)
	}
	return r, nil
}

// requestClass has methods that change the request and return it, and one that
// sends it.
func (s *Clients) requestClass(response *spec.Class) *spec.Class {
	text := func(name, doc string) spec.Param { return spec.Param{Name: name, Type: "string", Doc: doc} }
	fields := []spec.Param{{Name: "fields", Type: "table<string, string>", Doc: "names and values"}}
	return &spec.Class{
		Name: requestName,
		Doc:  "A request that is not sent yet. All methods but send return it again.",
		Methods: []spec.Function{
			step("header", "Adds a header.", (*outgoing).addHeader, text("name", "its name"), text("value", "its value")),
			step("headers", "Adds headers.", (*outgoing).addHeaders, fields...),
			step("timeout", "How long the request may take until its answer is read. A number must have a fraction, as in KumoMTA, or be a text with a unit.", (*outgoing).setTimeout,
				spec.Param{Name: "timeout", Type: "number|string", Doc: "such as 2.5 or '5 seconds'"}),
			step("basic_auth", "Sends a user name and a password.", (*outgoing).basic, text("user", "the name"), spec.Param{Name: "password", Type: "string?", Doc: "the password"}),
			step("bearer_auth", "Sends a token.", (*outgoing).bearer, text("token", "the token")),
			step("body", "The body.", (*outgoing).setBody, text("body", "its bytes")),
			step("form_url_encoded", "The fields of a form as the body.", (*outgoing).form, fields...),
			step("form_multipart_data", "The fields of a form as the body, in parts; values that are not UTF-8 as application/octet-stream.", (*outgoing).parts, fields...),
			step("aws_sign_v4", "Is not part of Troupe, and raises how to do without: sign with kumo.crypto.aws_sign_v4 and set the headers.",
				func(*outgoing, *lua.LState) error { return errSign }),
			{
				Name:    "send",
				Results: []spec.Result{{Type: response.Name, Doc: "the answer, whatever its status"}},
				Doc:     "Sends the request and reads the answer. It raises when there is none in time.",
				Call:    func(e *spec.Env, L *lua.LState) int { return s.send(e, L, response) },
			},
		},
	}
}

// step is a method that changes the request with its arguments.
func step(name, doc string, do func(*outgoing, *lua.LState) error, params ...spec.Param) spec.Function {
	return spec.Function{
		Name: name, Params: params, Doc: doc,
		Results: []spec.Result{{Type: requestName, Doc: "the same request"}},
		Call: func(_ *spec.Env, L *lua.LState) int {
			r := object.Self[*outgoing](L, requestName+":"+name)
			if err := do(r, L); err != nil {
				return call.Raise(L, requestName+":"+name, err)
			}
			L.Push(L.Get(1))
			return 1
		},
	}
}

func (r *outgoing) addHeader(L *lua.LState) error {
	return r.add(L.CheckString(2), L.CheckString(3))
}

// add does not repeat the value in its error: it may be a password.
func (r *outgoing) add(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return errHeader
	}
	r.header.Add(name, value)
	return nil
}

func (r *outgoing) addHeaders(L *lua.LState) error {
	for _, p := range pairs(L, requestName+":headers", L.CheckTable(2)) {
		if err := r.add(p.name, p.value); err != nil {
			return err
		}
	}
	return nil
}

func (r *outgoing) setTimeout(L *lua.LState) error {
	if n, ok := L.Get(2).(lua.LNumber); ok && n == lua.LNumber(int64(n)) {
		return errTimeout
	}
	d, err := duration.FromLua(L.Get(2))
	r.timeout = d
	return err
}

func (r *outgoing) basic(L *lua.LState) error {
	plain := L.CheckString(2) + ":" + L.OptString(3, "")
	r.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(plain)))
	return nil
}

func (r *outgoing) bearer(L *lua.LState) error {
	token := L.CheckString(2)
	if !httpguts.ValidHeaderFieldValue(token) {
		return errHeader
	}
	r.header.Set("Authorization", "Bearer "+token)
	return nil
}

func (r *outgoing) setBody(L *lua.LState) error {
	r.body = L.CheckString(2)
	return nil
}

func (r *outgoing) form(L *lua.LState) error {
	values := url.Values{}
	for _, p := range pairs(L, requestName+":form_url_encoded", L.CheckTable(2)) {
		values.Set(p.name, p.value)
	}
	r.header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.body = values.Encode()
	return nil
}

// parts never fails but for the error of a buffer, which has none.
func (r *outgoing) parts(L *lua.LState) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range pairs(L, requestName+":form_multipart_data", L.CheckTable(2)) {
		h := textproto.MIMEHeader{}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, "%22", "\r", "%0D", "\n", "%0A").Replace(p.name)
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"`, quoted))
		if !utf8.ValidString(p.value) {
			h.Set("Content-Type", "application/octet-stream")
		}
		part, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		if _, err := part.Write([]byte(p.value)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	r.header.Set("Content-Type", w.FormDataContentType())
	r.body = body.String()
	return nil
}
