package service

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const (
	globCache       = "mod_filesystem_glob_cache"
	parallelismName = "KUMO_AVAILABLE_PARALLELISM"
	leastMemory     = 16 << 20 // bytes; with less the daemon would only collect garbage
)

// cacheNames are the caches that KumoMTA's proxy has. Some of them Troupe has not;
// their names are taken all the same.
func cacheNames() []string {
	return []string{
		"http_server_auth", "acl_definition", "acl_check", globCache, "rustls_client_config",
		"dns_resolver_ipv4", "dns_resolver_ipv6", "dns_resolver_ip", "dns_resolver_mx", "mta_sts_policy",
	}
}

func (o Options) withDefaults() Options {
	if o.SetCacheCapacity == nil {
		o.SetCacheCapacity = func(string, int) bool { return false }
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.SetMemoryLimit == nil {
		o.SetMemoryLimit = debug.SetMemoryLimit
	}
	return o
}

// module is what stands in kumo itself.
func (p *Process) module() spec.Module {
	limit := []spec.Result{{Type: "integer?", Doc: "bytes; nil when there is none"}}
	return spec.Module{
		Name: "kumo",
		Doc:  "The process: its caches, processors and memory.",
		Functions: []spec.Function{
			{
				Name:   "set_lruttl_cache_capacity",
				Params: []spec.Param{{Name: "name", Type: "string", Doc: "a cache of the proxy's"}, {Name: "capacity", Type: "integer", Doc: "1 or more"}},
				Doc:    "Bounds a cache of the proxy's. A cache that KumoMTA has and Troupe has not is passed over, with a line in the log; other names raise.",
				Call:   p.setCacheCapacity,
			},
			{
				Name:    "available_parallelism",
				Results: []spec.Result{{Type: "integer", Doc: "the number"}},
				Doc:     "How many processors the daemon may use at once, or what the environment variable " + parallelismName + " says.",
				Call:    p.availableParallelism,
			},
			{
				Name:   "set_memory_soft_limit",
				Params: []spec.Param{{Name: "bytes", Type: "integer", Doc: "16 MiB or more"}},
				Doc:    "The memory that the garbage collector works to stay below. It is no wall: bound the process from outside as well, as with MemoryMax of systemd.",
				Call:   p.setMemoryLimit,
			},
			{Name: "get_memory_soft_limit", Results: limit, Doc: "The memory that the garbage collector works to stay below.", Call: p.memoryLimit},
		},
		Refused: refused(),
	}
}

// refused are KumoMTA's functions of this kind that Troupe has not, each with why.
func refused() map[string]string {
	const mail = "it is for a mail server, and a proxy sees no mail"
	const broker = "no message broker is spoken to from here; use kumo.http, redis, or a process beside the proxy"
	const memory = "Go has one limit, kumo.set_memory_soft_limit; bound the process from outside, as with MemoryMax of systemd"
	return map[string]string{
		"kafka": broker, "nats": broker, "amqp": broker,
		"mimepart": mail, "shaping": mail, "mta_sts": mail,
		"jsonl":                            "records go to the daemon's own logs; to files of your own with kumo.fs",
		"configure_redis_throttles":        "there are no throttles of a mail server here",
		"spawn_thread_pool":                "Go shares its threads among all work; kumo.spawn_task needs no pool",
		"enable_memory_callstack_tracking": "Go's own profile of the memory has this at all times",
		"set_memory_hard_limit":            memory,
		"get_memory_hard_limit":            memory,
		"set_memory_low_thresh":            memory,
		"get_memory_low_thresh":            memory,
		"set_memory_callstack_sample_rate": "Go's own profile of the memory has this at all times",
	}
}

// number is argument n, a whole number of a range.
func number(L *lua.LState, function string, n int, low, high int64) int64 {
	v, ok := L.Get(n).(lua.LNumber)
	if !ok || v < lua.LNumber(low) || v > lua.LNumber(high) || float64(v) != math.Trunc(float64(v)) {
		L.RaiseError("kumo.%s: expected a whole number from %d to %d, got %s", function, low, high, L.Get(n))
	}
	return int64(v)
}

func (p *Process) setCacheCapacity(e *spec.Env, L *lua.LState) int {
	const function = "set_lruttl_cache_capacity"
	name := L.CheckString(1)
	capacity := int(number(L, function, 2, 1, math.MaxInt32))
	switch {
	case name == globCache:
		p.files.SetGlobCapacity(capacity)
	case p.options.SetCacheCapacity(name, capacity):
	case slices.Contains(cacheNames(), name):
		if e.Log != nil {
			e.Log.Info("kumo."+function+": there is no such cache here, so it needs no bound", "cache", name)
		}
	default:
		return call.Raise(L, "kumo."+function, fmt.Errorf("there is no cache '%s'", name))
	}
	return 0
}

func (p *Process) availableParallelism(_ *spec.Env, L *lua.LState) int {
	count := runtime.GOMAXPROCS(0)
	if said, err := strconv.Atoi(p.options.Getenv(parallelismName)); err == nil && said > 0 {
		count = said
	}
	L.Push(lua.LNumber(count))
	return 1
}

func (p *Process) setMemoryLimit(_ *spec.Env, L *lua.LState) int {
	p.options.SetMemoryLimit(number(L, "set_memory_soft_limit", 1, leastMemory, 1<<53))
	return 0
}

func (p *Process) memoryLimit(_ *spec.Env, L *lua.LState) int {
	limit := p.options.SetMemoryLimit(-1)
	if limit == math.MaxInt64 { // Go's way to say none
		L.Push(lua.LNil)
	} else {
		L.Push(lua.LNumber(limit))
	}
	return 1
}
