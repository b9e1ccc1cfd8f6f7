// Package fetch is kumo.http: requests to HTTP servers.
//
// All Lua states of the process share the connections, by what they have in
// common; they are closed with the process. An answer is read when it comes, up to
// MaxBody. The package keeps no cookies and stores nothing.
package fetch

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const (
	buildClient = "kumo.http.build_client"
	buildURL    = "kumo.http.build_url"

	// MaxBody is the length of the longest body of an answer, in bytes.
	MaxBody = 16 << 20

	defaultTimeout = time.Minute      // KumoMTA's, as is the next
	defaultIdle    = 90 * time.Second // for connections without a request
	maxTransports  = 32
	maxHeader      = 1 << 20
)

var (
	errClosed = errors.New("the client is closed")
	errURL    = errors.New("expected an address such as https://host/path")
)

// connections are what clients must have in common to share connections.
type connections struct {
	insecure bool
	idle     time.Duration
}

// Clients are those of a process. The methods may be called from any goroutine.
type Clients struct {
	mu         sync.Mutex
	transports map[connections]*http.Transport
	order      []connections // the oldest first
	closed     bool
}

// New has no connections yet.
func New() *Clients { return &Clients{transports: map[connections]*http.Transport{}} }

// transport is the one for clients like this. One too many closes the idle
// connections of the oldest.
func (s *Clients) transport(like connections) (*http.Transport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if t, ok := s.transports[like]; ok {
		return t, nil
	}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: like.insecure}, //nolint:gosec // the policy asks for it
		IdleConnTimeout:        like.idle,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // bytes() is what was sent
	}
	s.transports[like] = t
	s.order = append(s.order, like)
	if len(s.order) > maxTransports {
		s.transports[s.order[0]].CloseIdleConnections()
		delete(s.transports, s.order[0])
		s.order = slices.Delete(s.order, 0, 1)
	}
	return t, nil
}

// Close closes the connections that no request uses; contexts end the others.
func (s *Clients) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.transports {
		t.CloseIdleConnections()
	}
	s.transports, s.order, s.closed = nil, nil, true
}

// Module is kumo.http.
func (s *Clients) Module() spec.Module {
	response := responseClass()
	request := s.requestClass(response)
	client := s.clientClass(request)
	return spec.Module{
		Name: "kumo.http",
		Doc:  "Requests to HTTP servers.",
		Functions: []spec.Function{
			{
				Name:    "build_client",
				Params:  []spec.Param{{Name: "params", Type: "table?", Doc: "user_agent; timeout of each request, until its answer is read (1 minute); pool_idle_timeout (90 seconds); connection_verbose, to log connections at level debug; accept_invalid_certs"}},
				Results: []spec.Result{{Type: client.Name, Doc: "the client"}},
				Doc: "A client. It is cheap: all states share the connections of clients with the same settings. " +
					"It follows up to ten redirects, and the proxies of the environment hold for it.",
				Call: func(e *spec.Env, L *lua.LState) int { return s.build(e, L, client) },
			},
			{
				Name:    "build_url",
				Params:  []spec.Param{{Name: "url", Type: "string", Doc: "the address"}, {Name: "params", Type: "table<string, string>", Doc: "what to append to its query"}},
				Results: []spec.Result{{Type: "string", Doc: "the address with the query"}},
				Doc:     "Appends parameters to the query of an address, encoded as they must be, in the order of their names.",
				Call:    build,
			},
		},
		Classes: []spec.Class{*client, *request, *response},
		Refused: map[string]string{
			"connect_websocket": "a hook has an end, a websocket has none",
		},
	}
}

func (s *Clients) build(e *spec.Env, L *lua.LState, class *spec.Class) int {
	o := call.Table(L, 1, buildClient, "user_agent", "timeout", "pool_idle_timeout", "connection_verbose", "accept_invalid_certs")
	c := &client{
		agent:   o.String("user_agent"),
		timeout: o.Duration("timeout", defaultTimeout),
		verbose: o.Bool("connection_verbose"),
		like:    connections{insecure: o.Bool("accept_invalid_certs"), idle: o.Duration("pool_idle_timeout", defaultIdle)},
	}
	if _, err := s.transport(c.like); err != nil {
		return call.Raise(L, buildClient, err)
	}
	L.Push(object.New(e, L, class, c))
	return 1
}

func build(_ *spec.Env, L *lua.LState) int {
	u, err := address(L.CheckString(1))
	if err != nil {
		return call.Raise(L, buildURL, err)
	}
	more := url.Values{}
	for _, p := range pairs(L, buildURL, L.CheckTable(2)) {
		more.Set(p.name, p.value)
	}
	u.RawQuery = strings.Trim(u.RawQuery+"&"+more.Encode(), "&")
	L.Push(lua.LString(u.String()))
	return 1
}

// address reads an address of HTTP. The error does not repeat it: a password may
// stand in it.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errURL
	}
	return u, nil
}

type pair struct{ name, value string }

// pairs are the fields of a table of texts, in the order of their names.
func pairs(L *lua.LState, function string, t *lua.LTable) []pair {
	var all []pair
	t.ForEach(func(k, v lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			L.RaiseError("%s: expected names as keys, got %s", function, k.Type())
		}
		if !lua.LVCanConvToString(v) {
			L.RaiseError("%s: %s: expected a string, got %s", function, name, v.Type())
		}
		all = append(all, pair{string(name), v.String()})
	})
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return all
}
