// Package service has the modules of Lua that reach beyond one Lua state: what
// reads and writes files, databases and the network, and what all states of the
// process share.
//
// A Process holds all of that. It belongs to whoever loads policies, outlives
// every state and every reload, and is closed last. Each kind of thing has a
// package of its own below this one; this package puts them together and has the
// few functions that need no more than a line. It opens no state, runs no handler
// and exports no metrics: CacheStats is what there is to export.
package service

import (
	"errors"
	"log/slog"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/counter"
	"github.com/troupe-proxy/troupe/lua/modules/service/fetch"
	"github.com/troupe-proxy/troupe/lua/modules/service/files"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/handle"
	"github.com/troupe-proxy/troupe/lua/modules/service/memo"
	"github.com/troupe-proxy/troupe/lua/modules/service/queue"
	"github.com/troupe-proxy/troupe/lua/modules/service/redis"
	"github.com/troupe-proxy/troupe/lua/modules/service/resolve"
	"github.com/troupe-proxy/troupe/lua/modules/service/sqlite"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// Options are what a Process needs of the daemon. The zero value is right for a
// program without one.
type Options struct {
	// Epoch is the generation of the configuration, which kumo.bump_config_epoch
	// and a reload raise; results with invalidate_with_epoch end with it. It is
	// called in any goroutine. Nil means that it never changes.
	Epoch func() uint64
	// Time makes a point in time for Lua, as the fields of file metadata. Nil makes
	// a text as in RFC 3339.
	Time func(L *lua.LState, t time.Time) lua.LValue
	// SetCacheCapacity bounds a cache that the daemon keeps elsewhere, by the name
	// that KumoMTA gives it; false means that there is none. It is called in any
	// goroutine. Nil means that there are no such caches.
	SetCacheCapacity func(name string, capacity int) bool
	// Getenv reads the environment. Nil means os.Getenv.
	Getenv func(string) string
	// SetMemoryLimit sets the limit that the garbage collector keeps to, in bytes,
	// and returns the one before; a negative one changes nothing. Nil means
	// debug.SetMemoryLimit.
	SetMemoryLimit func(limit int64) int64
}

// Process is what outlives Lua states. Its methods may be called from any
// goroutine.
type Process struct {
	options Options

	handles   *handle.Store
	memo      *memo.Memo
	counters  *counter.Counters
	queues    *queue.Queues
	files     *files.Files
	databases *sqlite.Databases
	redis     *redis.Clients
	http      *fetch.Clients
	resolvers *resolve.Resolvers
}

// NewProcess opens nothing yet. The caller closes it.
func NewProcess(options Options) *Process {
	handles := handle.NewStore()
	return &Process{
		options:   options.withDefaults(),
		handles:   handles,
		memo:      memo.New(options.Epoch, cacheNames()),
		counters:  counter.New(time.Now),
		queues:    queue.New(),
		files:     files.New(handles, options.Time),
		databases: sqlite.New(handles),
		redis:     redis.New(),
		http:      fetch.New(),
		resolvers: resolve.New(),
	}
}

// Modules describe the functions for the states of this process.
func (p *Process) Modules() []spec.Module {
	return append([]spec.Module{
		p.module(),
		secrets(),
		p.memo.Module(),
		p.counters.Module(),
		p.queues.Module(),
		p.databases.Module(),
		p.redis.Module(),
		p.http.Module(),
		p.resolvers.Module(),
	}, p.files.Modules()...)
}

// CacheStats are the counters of one cache of kumo.memoize.
type CacheStats = memo.Stats

// CacheStats are those of all caches of kumo.memoize, in the order of their names.
func (p *Process) CacheStats() []CacheStats { return p.memo.Stats() }

// Close closes files, databases and connections. Calls of states that still run
// fail from then on. A second call does nothing.
func (p *Process) Close() error {
	p.queues.Close()
	p.http.Close()
	return errors.Join(p.redis.Close(), p.databases.Close(), p.handles.Close())
}

// CloseState closes what a state has left open. Whoever closes a state calls it
// first, in the goroutine of the state, when no Lua code runs in it.
func CloseState(L *lua.LState) error { return handle.CloseState(L) }

// RouteLibraryLogs sends to log what the libraries beneath otherwise write to
// standard error. They have one log for the whole program: call it once, before
// any Process is made.
func RouteLibraryLogs(log *slog.Logger) { redis.RouteLog(log) }
