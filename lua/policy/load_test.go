package policy

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/pool"
)

func TestLoadFileErrors(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.lua")
	_, err := Load(t.Context(), missing, Options{})
	if got, want := errText(err), missing+": no such file"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, which is not fs.ErrNotExist", err)
	}
	wantTyped(t, err)

	_, err = Load(t.Context(), dir, Options{})
	if got, want := errText(err), dir+": is a directory, expected a Lua file"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}

	large := filepath.Join(dir, "large.lua")
	if err := os.WriteFile(large, bytes.Repeat([]byte("-"), largestSource+1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Load(t.Context(), large, Options{})
	if got, want := errText(err), large+": is larger than 4194304 bytes"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}

	_, err = LoadSource(t.Context(), "p.lua", []byte("\xff\xfel\x00o\x00"), Options{})
	if got, want := errText(err), "p.lua: is UTF-16, expected Lua source text in UTF-8"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// TestRunawayPolicyIsStopped: no matter where the loop is, and even if the
// policy catches the error, a load ends.
func TestRunawayPolicyIsStopped(t *testing.T) {
	for name, source := range map[string]string{
		"top level":   "\nlocal x = 0 while true do x = x + 1 end",
		"proxy_init":  "\nrequire('kumo').on('proxy_init', function() while true do end end)",
		"pcall":       "\nwhile true do pcall(function() while true do end end) end",
		"coroutine":   "\ncoroutine.wrap(function() while true do end end)()",
		"metamethods": "\nprint(setmetatable({}, { __tostring = function() while true do end end }))",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadSource(t.Context(), "p.lua", []byte(source), Options{Deadline: 20 * time.Millisecond})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v; want context.DeadlineExceeded", err)
			}
			want := "p.lua:2: the policy was stopped: it ran longer than it may (20ms), perhaps in a loop without an end"
			if got := err.Error(); got != want {
				t.Errorf("got %q; want %q", got, want)
			}
		})
	}
}

func TestCancelledLoad(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := LoadSource(ctx, "p.lua", []byte("local x = 1"), Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want context.Canceled", err)
	}
}

// TestStackOverflowIsAnError: recursion without an end must not end the daemon.
func TestStackOverflowIsAnError(t *testing.T) {
	_, err := LoadSource(t.Context(), "p.lua", []byte("\nlocal function f() return 1 + f() end\nf()"), Options{})
	if got := errText(err); !strings.HasPrefix(got, "p.lua:2: stack overflow\n") {
		t.Errorf("got %q; want an overflow in p.lua:2", got)
	}
	if got := len(mustLoad(t, inInit(`
		local function f() return 1 + f() end
		assert(not pcall(f))
		proxy.start_proxy_listener { listen = '127.0.0.1:1' }`)).Listeners); got != 1 {
		t.Errorf("got %d listeners after an overflow that was caught; want 1", got)
	}
	if lines := strings.Count(errText(err), "\n"); lines > 10 {
		t.Errorf("got an error of %d lines; want a short traceback", lines)
	}
}

// TestGoPanicIsAnError: a mistake in Go must not end the daemon either.
func TestGoPanicIsAnError(t *testing.T) {
	l := &load{policy: Policy{Name: "p.lua"}}
	// Without a process, opening the modules panics in Go.
	if got := errText(l.run(t.Context(), &program{name: "p.lua"})); !strings.Contains(got, "p.lua: internal error: ") {
		t.Errorf("got %q; want an internal error", got)
	}
}

func TestLogGoesToTheLogger(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	source := `local kumo = require 'kumo'
local pair = setmetatable({}, { __tostring = function() return 'a pair' end })
kumo.log_error('one', 2, true, nil, pair)
kumo.log_warn('bytes \255\128 and \195\164')
kumo.log_info()
kumo.log_debug(kumo.version)
kumo.on('proxy_inti', function() end)
kumo.on('unrelated', function() end)
coroutine.wrap(kumo.log_info)('from a coroutine')
`
	if _, err := LoadSource(t.Context(), "p.lua", []byte(source), Options{Log: log, Version: "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	want := `level=ERROR msg="p.lua:3: one 2 true nil a pair" target=lua
level=WARN msg="p.lua:4: bytes \\xFF\\x80 and ä" target=lua
level=INFO msg="p.lua:5: " target=lua
level=DEBUG msg="p.lua:6: 1.2.3" target=lua
level=WARN msg="p.lua:7: kumo.on: event 'proxy_inti' never happens, did you mean 'proxy_init'?" target=lua
level=INFO msg="p.lua:9: from a coroutine" target=lua
`
	if got := out.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestPrintGoesToStdout(t *testing.T) {
	var out bytes.Buffer
	_, err := LoadSource(t.Context(), "p.lua", []byte(`print('a', 1, nil) print()`), Options{Stdout: &out})
	if got, want := out.String(), "a\t1\tnil\n\n"; err != nil || got != want {
		t.Errorf("got %q, error %v; want %q", got, err, want)
	}
}

// TestEnvironment states in Lua what a policy finds around it.
func TestEnvironment(t *testing.T) {
	t.Setenv("LUA_PATH", "/from/the/environment/?.lua")
	for _, source := range []string{
		`assert(7 // 2 == 3 and 6 & 3 == 2 and #table.pack(1, 2) == 2, "Lua 5.4")`,
		`assert(kumo == nil and proxy == nil, 'kumo and proxy are no globals')`,
		`assert(require 'kumo' == package.loaded.kumo and require 'proxy' == package.loaded.proxy)`,
		`assert(debug == nil and channel == nil and _printregs == nil)`,
		`assert(coroutine.wrap and table.concat and io.open and os.getenv and string.format and math.floor)`,
		`local want = '/opt/kumomta/share/?.lua;/opt/kumomta/share/?/init.lua;' ..
			'/opt/kumomta/etc/policy/?.lua;/opt/kumomta/etc/policy/?/init.lua;/from/the/environment/?.lua'
		 assert(package.path == want, package.path)`,
		`assert(require('kumo').version == 'unknown')`,
		`local ok, err = pcall(os.exit) assert(not ok and err:find('must not end the daemon'), err)`,
		`assert(require('kumo')[1] == nil)`,
	} {
		if _, err := LoadSource(t.Context(), "p.lua", []byte(source), Options{}); err != nil {
			t.Errorf("%s\ngot %v; want it to run", source, err)
		}
	}
}

// TestPathWithoutEnvironment: without LUA_PATH the directory of the process is searched.
func TestPathWithoutEnvironment(t *testing.T) {
	t.Setenv("LUA_PATH", "")
	mustLoad(t, `assert(package.path:find('./?.lua', 1, true), package.path)`)
}

func TestFromFlags(t *testing.T) {
	p, err := FromFlags([]string{"127.0.0.1:1080", "[::1]:1080"}, 20*time.Second, false)
	if err != nil {
		t.Fatal(err)
	}
	// The same as the policy that says so: there is one set of defaults.
	want := mustLoad(t, inInit(`
		proxy.start_proxy_listener { listen = '127.0.0.1:1080', timeout = 20, use_splice = false }
		proxy.start_proxy_listener { listen = '[::1]:1080', timeout = 20, use_splice = false }`))
	for i := range want.Listeners {
		want.Listeners[i].At = Position{File: "command line"}
	}
	if !reflect.DeepEqual(p.Listeners, want.Listeners) || p.HTTP != nil || p.Name != "(command line)" {
		t.Errorf("got:\n%+v\nwant the listeners:\n%+v", *p, want.Listeners)
	}
}

func TestFromFlagsRefuses(t *testing.T) {
	injection := "127.0.0.1:1080' } os.execute('true') --"
	_, err := FromFlags([]string{injection, "127.0.0.1:1", "127.0.0.1:1"}, 0, true)
	want := `command line: --timeout-seconds: expected a duration between 1ms and 1h, got 0s
command line: --listen: expected host:port such as '127.0.0.1:1080' or '[::1]:1080', got "127.0.0.1:1080' } os.execute('true') --" (the port is a number between 0 and 65535)
command line: --listen: "127.0.0.1:1" is given twice`
	if got := errText(err); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if _, err := FromFlags(nil, time.Minute, true); errText(err) != "command line: --listen: expected at least one address" {
		t.Errorf("got %v; want at least one address asked for", err)
	}
}

// errText is the error's text, and something no test wants when there is none.
func errText(err error) string {
	if err == nil {
		return "(no error)"
	}
	return err.Error()
}

// A load had no bound on memory: each of these ended the daemon, at a reload too,
// out of memory.
func TestLoadThatFillsTheMemory(t *testing.T) {
	const stopped = "p.lua:2: the policy was stopped: it used more memory than it may (64 MiB)"
	for name, tt := range map[string]struct {
		source, want string
		is           error
	}{
		"string doubled": {"local s = 'x' while true do s = s .. s end", "p.lua:2: ", nil},
		"strings kept":   {"local s, all = ('x'):rep(1 << 20), {} while true do all[#all + 1] = s .. #all end", stopped, pool.ErrHeap},
		"table":          {"local all = {} while true do all[#all + 1] = {} end", stopped, pool.ErrHeap},
		"proxy_init":     {"require('kumo').on('proxy_init', function() local all = {} while true do all[#all + 1] = {} end end)", stopped, pool.ErrHeap},
		"under pcall":    {"local s, all = ('x'):rep(1 << 20), {} while true do pcall(function() all[#all + 1] = s .. #all end) end", stopped, pool.ErrHeap},
		"coroutines":     {"local all = {} while true do all[#all + 1] = coroutine.create(print) end", "p.lua:2: ", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadSource(t.Context(), "p.lua", []byte("\n"+tt.source), Options{Hooks: HookLimits{HeapBudget: 64 << 20}})
			if got := errText(err); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q; want %q", got, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v; want %v in it", err, tt.is)
			}
			wantTyped(t, err)
			if got := heapInUse(); got > 64<<20 {
				t.Errorf("%d bytes are in use after it; want them given back", got)
			}
		})
	}
}
