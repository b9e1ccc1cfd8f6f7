package fetch

import (
	"net/http"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// client is what build_client returns.
type client struct {
	agent   string
	timeout time.Duration
	verbose bool
	like    connections
	closed  bool
}

func (s *Clients) clientClass(request *spec.Class) *spec.Class {
	const class = "kumo.http.Client"
	begin := func(name, method string) spec.Function {
		return spec.Function{
			Name:    name,
			Params:  []spec.Param{{Name: "url", Type: "string", Doc: "the address"}},
			Results: []spec.Result{{Type: request.Name, Doc: "the request, not sent yet"}},
			Doc:     "A request with the method " + method + ". It raises when the address is none.",
			Call: func(e *spec.Env, L *lua.LState) int {
				c := object.Self[*client](L, class+":"+name)
				r, err := newOutgoing(c, method, L.CheckString(2))
				if err != nil {
					return call.Raise(L, class+":"+name, err)
				}
				L.Push(object.New(e, L, request, r))
				return 1
			},
		}
	}
	return &spec.Class{
		Name: class,
		Doc:  "What requests have in common.",
		Methods: []spec.Function{
			begin("get", http.MethodGet), begin("post", http.MethodPost), begin("put", http.MethodPut),
			{
				Name: "close",
				Doc:  "Ends the use of the client, and closes the connections without a request that it may share with clients like it.",
				Call: func(_ *spec.Env, L *lua.LState) int {
					c := object.Self[*client](L, class+":close")
					c.closed = true
					if t, err := s.transport(c.like); err == nil {
						t.CloseIdleConnections()
					}
					return 0
				},
			},
		},
	}
}
