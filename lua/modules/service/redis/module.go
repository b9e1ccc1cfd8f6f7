// Package redis is the module redis of Lua: commands to a Redis server or cluster.
//
// All Lua states of the process share the connections to a server, which are
// opened when needed and closed with the process. A password gets into no error.
// The package stores nothing and knows no command beyond those it must refuse.
package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	open  = "redis.open"
	class = "redis.Connection"

	maxClients = 64
	maxQueries = 1024 // at once, over all clients
)

var errClosed = errors.New("the process is ending")

// Clients are those of a process. The methods may be called from any goroutine.
type Clients struct {
	slots chan struct{}

	mu      sync.Mutex
	clients map[settings]goredis.UniversalClient
	order   []settings // the one used longest ago first
	closed  bool
}

// New has no clients yet.
func New() *Clients {
	return &Clients{slots: make(chan struct{}, maxQueries), clients: map[settings]goredis.UniversalClient{}}
}

// client is the one with these settings. One too many closes the one used longest
// ago.
func (s *Clients) client(with settings) (goredis.UniversalClient, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	c, ok := s.clients[with]
	if !ok {
		var err error
		if c, err = with.client(); err != nil {
			return nil, err
		}
		s.clients[with] = c
	}
	s.order = append(slices.DeleteFunc(s.order, func(other settings) bool { return other == with }), with)
	if len(s.order) > maxClients {
		oldest := s.order[0]
		s.order = s.order[1:]
		_ = s.clients[oldest].Close() // its connections end either way
		delete(s.clients, oldest)
	}
	return c, nil
}

// Close closes all connections. Queries that run fail.
func (s *Clients) Close() error {
	s.mu.Lock()
	clients := s.clients
	s.clients, s.order, s.closed = nil, nil, true
	s.mu.Unlock()
	var all []error
	for _, c := range clients {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}

// Module is redis.
func (s *Clients) Module() spec.Module {
	c := &spec.Class{
		Name: class,
		Doc:  "A Redis server or cluster.",
		Methods: []spec.Function{{
			Name: "query",
			Params: []spec.Param{
				{Name: "command", Type: "string", Doc: "the name of the command"},
				{Name: "...", Type: "any", Variadic: true, Doc: "its arguments; a list stands for its elements, a table for its keys and values, nil for nothing"},
			},
			Results: []spec.Result{{Type: "any", Doc: "the reply: nil, true for OK, a number, a string or a table; an integer beyond 2^53 is a string of digits"}},
			Doc: "Sends a command and waits for the reply. A command is sent once, never again when its reply is lost. " +
				"It raises the server's error, when no reply comes in time, when it is longer than 16 MiB, and for commands that change the connection, such as MULTI and SUBSCRIBE.",
			Call: s.query,
		}},
	}
	return spec.Module{
		Name: "redis",
		Doc:  "Commands to a Redis server or cluster.",
		Functions: []spec.Function{{
			Name:    "open",
			Params:  []spec.Param{{Name: "params", Type: "table", Doc: "node, an address such as redis://host:6379/0, or a list of those of a cluster; cluster; read_from_replicas; username; password; pool_size (10); connect_timeout, wait_timeout and response_timeout (30 seconds each); recycle_timeout, which has no effect"}},
			Results: []spec.Result{{Type: class, Doc: "the server"}},
			Doc:     "A server to send commands to. Nothing is sent yet. All states that open the same share its connections. It raises on unknown keys and bad values.",
			Call:    func(e *spec.Env, L *lua.LState) int { return s.open(e, L, c) },
		}},
		Classes: []spec.Class{*c},
	}
}

// connection is a server as a script sees it. The client is looked up for each
// query, since it may have been closed in favour of others.
type connection struct{ settings settings }

func (s *Clients) open(e *spec.Env, L *lua.LState, class *spec.Class) int {
	c := &connection{settings: readSettings(L)}
	if _, err := s.client(c.settings); err != nil {
		return call.Raise(L, open, err)
	}
	L.Push(object.New(e, L, class, c))
	return 1
}

func (s *Clients) query(_ *spec.Env, L *lua.LState) int {
	const method = class + ":query"
	c := object.Self[*connection](L, method)
	args, err := arguments(L, 2)
	if err != nil {
		return call.Raise(L, method, err)
	}
	client, err := s.client(c.settings)
	if err != nil {
		return call.Raise(L, method, err)
	}
	ctx := call.Context(L)
	// The client looks at the deadline of a context but not at its end.
	reply, err := call.Await(ctx, s.slots, func() (any, error) { return send(ctx, client, args) }, nil)
	if err != nil {
		return call.Raise(L, method, err)
	}
	L.Push(value.FromGo(L, reply))
	return 1
}

// send sends a command. The reply is read as it is, since the client's own types
// do not tell the status OK from a text "OK"; when a cluster has moved the key,
// the client's way of following it is taken.
func send(ctx context.Context, client goredis.UniversalClient, args []any) (any, error) {
	var buffer replyBuffer
	if err := client.Process(ctx, goredis.NewRawWriteToCmd(ctx, &buffer, args...)); err != nil {
		return nil, reason(err)
	}
	reply, err := parseReply(buffer.all)
	failed := serverError("")
	if !errors.As(err, &failed) || !failed.moved() {
		return reply, err
	}
	reply, err = client.Do(ctx, args...).Result()
	switch {
	case errors.Is(err, goredis.Nil):
		return nil, nil
	case err != nil:
		return nil, reason(err)
	case reply == "OK":
		return true, nil
	}
	return plain(reply), nil
}

// reason is an error of the client's without what the command held.
func reason(err error) error {
	if answer := goredis.Error(nil); errors.As(err, &answer) {
		return newServerError(answer.Error())
	}
	return err
}

// plain gives the maps of the client the keys of plain data.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[any]any:
		all := make(map[string]any, len(v))
		for key, field := range v {
			all[fmt.Sprint(key)] = plain(field)
		}
		return all
	}
	return v
}
