package policy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/pool"
)

// misbehaving are handlers that do what none should. Each must fail with an error
// that helps, authenticate nobody, and leave the hooks able to answer the next.
var misbehaving = []struct {
	name, body string
	want       string
	is         error
}{
	{"endless loop", `while true do end`, "policy.lua:4: the proxy_server_auth_rfc1929 handler was stopped: it ran longer than it may (200ms), perhaps in a loop without an end", pool.ErrDeadline},
	{"endless loop under pcall", `while true do pcall(function() while true do end end) end`, "ran longer than it may", pool.ErrDeadline},
	{"endless loop in a coroutine", `coroutine.wrap(function() while true do end end)()`, "ran longer than it may", pool.ErrDeadline},
	{"error", `error('no backend')`, "policy.lua:4: no backend", nil},
	{"error with a table", `error({ code = 7 })`, "(error object is a table value)", nil},
	{"error with nil", `error(nil)`, "(error object is a nil value)", nil},
	{"error in __tostring of an error", `error(setmetatable({}, { __tostring = function() error('again') end }))`, "(error object is a table value)", nil},
	{"wrong type", `return 'yes'`, "expected true, false, or a table with identities and groups, got string", nil},
	{"nothing", ``, "got nil", nil},
	{"huge string", `local t, s = {}, 'x' while true do s = s .. s t[#t + 1] = s if #s > 1e6 then s = 'x' end end`, "it used more memory than it may (64 MiB)", pool.ErrHeap},
	{"huge table", `local t = {} while true do t[#t + 1] = ('x'):rep(10000) .. #t end`, "it used more memory than it may (64 MiB)", pool.ErrHeap},
	{"100 MB string", `return ('x'):rep(100 << 20)`, "policy.lua:4: resulting string too large", nil},
	{"long string as an answer", `local s = ('x'):rep(32000) return { identities = { { identity = s, context = s } } }`, "expected at most 1024 bytes, got 32000", nil},
	{"deep recursion", `local function f() return 1 + f() end return f()`, "overflow", nil},
	{"recursion through metamethods", `local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] end return t.x`, "overflow", nil},
	{"coroutine that yields out", `coroutine.yield(true)`, "yield", nil},
	{"dead coroutine", `local c = coroutine.create(function() end) coroutine.resume(c) assert(coroutine.resume(c))`, "dead", nil},
	{"missing module", `require('no.such.module')`, "no.such.module", nil},
	{"coroutine that resumes itself", `local c c = coroutine.wrap(function() c() end) c()`, "cannot resume non-suspended coroutine", nil},
	{"coroutines without end", `local function f() return coroutine.wrap(f)() end f()`, "overflow", nil},
	{"Redis that is down", `require('redis').open({ node = 'redis://:hunter2@127.0.0.1:1' }):query('ping')`, "connection refused", nil},
	{"database that is not there", `require('sqlite').open('/nonexistent/users.db')`, "sqlite.open: '/nonexistent/users.db': ", nil},
	{"key that is not there", `kumo.secrets.load('/nonexistent/key')`, "KeySource failed to load data from file `/nonexistent/key`", nil},
	{"missing function", `kumo.no_such_function()`, "kumo.no_such_function is not part of this version of Troupe", nil},
	{"nil called", `return nothing.here()`, "policy.lua:4: attempt to index", nil},
	{"registering", `kumo.on('other', function() end)`, "kumo.on: called inside the proxy_server_auth_rfc1929 handler", nil},
	{"ending the daemon", `os.exit(0)`, "os.exit: a policy must not end the daemon", nil},
}

func TestMisbehavingHandlers(t *testing.T) {
	for _, tt := range misbehaving {
		t.Run(tt.name, func(t *testing.T) {
			meter := pool.NewMeter()
			h := mustHook(t, onAuth("if user == 'good' then return true end\n"+tt.body), func(o *Options) {
				o.Meter, o.Hooks.Deadline, o.Hooks.HeapBudget = meter, 10*time.Second, 64<<20
				if errors.Is(tt.is, pool.ErrDeadline) {
					o.Hooks.Deadline = 200 * time.Millisecond
				}
			})
			for range 2 {
				info, err := h.Authenticate(t.Context(), "bad", "secret", testMeta)
				if len(info.Identities) > 0 {
					t.Errorf("got %+v; want nobody", info)
				}
				wantHookError(t, err, tt.want)
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v; want %v in it", err, tt.is)
				}
				if n := strings.Count(errText(err), "\n"); n > 16 {
					t.Errorf("got %d lines; want a short error", n)
				}
			}
			if _, err := h.Authenticate(t.Context(), "good", "secret", testMeta); err != nil {
				t.Errorf("got %v; want the next one answered", err)
			}
			if got := meter.Snapshot(); got.Abandoned != 0 {
				t.Errorf("got %+v; want no state abandoned", got)
			}
		})
	}
}

// A string that is doubled used to outrun the watch over the heap: a call peaked at
// 1054 MiB where 256 are promised.
func TestDoubledString(t *testing.T) {
	h := mustHook(t, onAuth(`local s = 'x' while true do s = s .. s end`), func(o *Options) { o.Hooks.Deadline = 30 * time.Second })
	_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
	wantHookError(t, err, "policy.lua:3: string longer than 16777216 bytes")
}

// An error at the top level of a pool state, such as from something that changed
// since the load, is the policy's too.
func TestStateThatCannotBeBuilt(t *testing.T) {
	t.Setenv("TROUPE_TEST", "fine")
	h := mustHook(t, "assert(os.getenv('TROUPE_TEST') == 'fine', 'not fine any more')\n"+onAuth("return true"))
	t.Setenv("TROUPE_TEST", "broken")
	_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
	wantHookError(t, err, "not fine any more")
	if !errors.Is(err, pool.ErrBuild) {
		t.Errorf("got %v; want ErrBuild in it", err)
	}
	t.Setenv("TROUPE_TEST", "fine")
	if _, err := h.Authenticate(t.Context(), "u", "p", testMeta); err != nil {
		t.Errorf("got %v; want it to work again", err)
	}
}

func TestHandlerThatIsNotAlwaysThere(t *testing.T) {
	t.Setenv("TROUPE_TEST", "first")
	h := mustHook(t, "if os.getenv('TROUPE_TEST') == 'first' then\n"+onAuth("return true")+"end")
	t.Setenv("TROUPE_TEST", "x")
	_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
	wantHookError(t, err, "event 'proxy_server_auth_rfc1929' has a handler in some Lua states of this policy and not in others")
}

func TestBusyHooks(t *testing.T) {
	h := mustHook(t, onAuth(`while true do end`), func(o *Options) {
		o.Hooks = HookLimits{States: 1, Wait: time.Millisecond, Deadline: 10 * time.Second}
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	second := make(chan error, 1)
	go func() {
		_, err := h.Authenticate(ctx, "u", "p", testMeta)
		first <- err
	}()
	go func() {
		_, err := h.Authenticate(ctx, "u", "p", testMeta)
		second <- err
	}()
	// Whichever came second is told so; the client of the other leaves.
	var err error
	select {
	case err = <-first:
	case err = <-second:
	}
	if !errors.Is(err, pool.ErrBusy) || !errors.Is(err, ErrHook) {
		t.Errorf("got %v; want ErrBusy as an ErrHook", err)
	}
	cancel()
	select {
	case err = <-first:
	case err = <-second:
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want context.Canceled", err)
	}
}

func TestClosedHooks(t *testing.T) {
	h := mustHook(t, onAuth(`return true`))
	h.Close()
	_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
	if !errors.Is(err, pool.ErrClosed) || !errors.Is(err, ErrHook) {
		t.Errorf("got %v; want ErrClosed as an ErrHook", err)
	}
}
