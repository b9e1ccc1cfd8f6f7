package fetch

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const responseName = "kumo.http.Response"

var errLong = fmt.Errorf("the body is longer than %d bytes", MaxBody)

// answer is an answer, read to its end.
type answer struct {
	status int
	header http.Header
	length int64 // -1: the server did not say
	body   string
	failed error // why there is no body
}

func responseClass() *spec.Class {
	within := func(kind string, low int) spec.Function {
		return question("status_is_"+kind, "boolean", fmt.Sprintf("Whether the status is from %d to %d.", low, low+99),
			func(_ *lua.LState, a *answer) (lua.LValue, error) {
				return lua.LBool(a.status >= low && a.status < low+100), nil
			})
	}
	return &spec.Class{
		Name: responseName,
		Doc:  "An answer.",
		Methods: []spec.Function{
			question("status_code", "integer", "The status, such as 200.", func(_ *lua.LState, a *answer) (lua.LValue, error) {
				return lua.LNumber(a.status), nil
			}),
			question("status_reason", "string?", "The usual words for the status, such as \"Not Found\"; nil if there are none.", reasonPhrase),
			within("informational", 100), within("success", 200), within("redirection", 300),
			within("client_error", 400), within("server_error", 500),
			question("headers", "table<string, string>", "The headers. The case of a name does not matter in an index; pairs gives lower case.", headers),
			question("content_length", "integer?", "The length that the server announced; nil if it did not.", contentLength),
			question("text", "string", "The body as UTF-8, from the charset of its content type. It raises when the body is longer than 16 MiB.", text),
			question("bytes", "string", "The body as it came. It raises when it is longer than 16 MiB.", func(_ *lua.LState, a *answer) (lua.LValue, error) {
				return lua.LString(a.body), a.failed
			}),
		},
	}
}

// question is a method without arguments.
func question(name, typ, doc string, ask func(*lua.LState, *answer) (lua.LValue, error)) spec.Function {
	return spec.Function{
		Name: name, Doc: doc,
		Results: []spec.Result{{Type: typ}},
		Call: func(_ *spec.Env, L *lua.LState) int {
			v, err := ask(L, object.Self[*answer](L, responseName+":"+name))
			if err != nil {
				return call.Raise(L, responseName+":"+name, err)
			}
			L.Push(v)
			return 1
		},
	}
}

func reasonPhrase(_ *lua.LState, a *answer) (lua.LValue, error) {
	if phrase := http.StatusText(a.status); phrase != "" {
		return lua.LString(phrase), nil
	}
	return lua.LNil, nil
}

func contentLength(_ *lua.LState, a *answer) (lua.LValue, error) {
	if a.length < 0 {
		return lua.LNil, nil
	}
	return lua.LNumber(a.length), nil
}

// headers is a table, so that pairs works, whose names can be asked for in any
// case.
func headers(L *lua.LState, a *answer) (lua.LValue, error) {
	t, meta := L.NewTable(), L.NewTable()
	for name, values := range a.header {
		t.RawSetString(strings.ToLower(name), lua.LString(values[0]))
	}
	meta.RawSetString("__index", L.NewFunction(lowerIndex))
	meta.RawSetString("__metatable", lua.LFalse)
	t.Metatable = meta
	return t, nil
}

func lowerIndex(L *lua.LState) int {
	if name, ok := L.Get(2).(lua.LString); ok {
		L.Push(L.CheckTable(1).RawGetString(strings.ToLower(string(name))))
		return 1
	}
	return 0
}

// text decodes the body; what is malformed becomes U+FFFD.
func text(_ *lua.LState, a *answer) (lua.LValue, error) {
	if a.failed != nil {
		return nil, a.failed
	}
	decoder := unicode.BOMOverride(charset(a.header).NewDecoder())
	decoded, _, err := transform.String(decoder, a.body)
	return lua.LString(decoded), err
}

func charset(h http.Header) encoding.Encoding {
	_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return unicode.UTF8
	}
	e, err := htmlindex.Get(params["charset"])
	if err != nil {
		return unicode.UTF8
	}
	return e
}
