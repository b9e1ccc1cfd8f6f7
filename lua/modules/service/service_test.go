package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/keysource"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

func newProcess(t *testing.T, o Options) *Process {
	t.Helper()
	p := NewProcess(o)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

func TestCacheCapacity(t *testing.T) {
	var set []string
	p := newProcess(t, Options{SetCacheCapacity: func(name string, capacity int) bool {
		set = append(set, fmt.Sprint(name, capacity))
		return name == "acl_check"
	}})
	s := luatest.New(t, p.Modules()...)
	var log bytes.Buffer
	s.Env.Log = slog.New(slog.NewTextHandler(&log, nil))
	s.Must(t, `kumo.set_lruttl_cache_capacity('mod_filesystem_glob_cache', 5)`)
	s.Must(t, `kumo.set_lruttl_cache_capacity('acl_check', 9)`)
	if len(set) != 1 || set[0] != "acl_check 9" && set[0] != "acl_check9" {
		t.Errorf("got %v; want the bound of acl_check alone", set)
	}
	if log.Len() > 0 {
		t.Errorf("got %s; want nothing logged", log.String())
	}
	s.Must(t, `kumo.set_lruttl_cache_capacity('dns_resolver_mx', 9)`)
	if !strings.Contains(log.String(), "cache=dns_resolver_mx") {
		t.Errorf("got %q; want a line about the cache that is not there", log.String())
	}
	s.Raises(t, `kumo.set_lruttl_cache_capacity('x', 9)`, "kumo.set_lruttl_cache_capacity: there is no cache 'x'")
	s.Raises(t, `kumo.set_lruttl_cache_capacity('acl_check', 0)`, "expected a whole number from 1 to")
	s.Raises(t, `kumo.memoize(print, {name = 'acl_check', ttl = 1, capacity = 1})`, "belongs to a cache of the proxy itself")
}

func TestProcessFunctions(t *testing.T) {
	limit := int64(math.MaxInt64)
	parallelism := "3"
	p := newProcess(t, Options{
		Getenv: func(string) string { return parallelism },
		SetMemoryLimit: func(n int64) int64 {
			before := limit
			if n >= 0 {
				limit = n
			}
			return before
		},
	})
	s := luatest.New(t, p.Modules()...)
	if got := s.Must(t, `return kumo.available_parallelism()`); got != int64(3) {
		t.Errorf("got %v; want 3, from the environment", got)
	}
	parallelism = "none"
	if got := s.Must(t, `return kumo.available_parallelism() >= 1`); got != true {
		t.Errorf("got %v; want the number of processors", got)
	}
	if got := s.Must(t, `return kumo.get_memory_soft_limit()`); got != nil {
		t.Errorf("got %v; want nil", got)
	}
	if got := s.Must(t, `kumo.set_memory_soft_limit(1e9) return kumo.get_memory_soft_limit()`); got != int64(1e9) {
		t.Errorf("got %v; want 1e9", got)
	}
	s.Raises(t, `kumo.set_memory_soft_limit(1)`, "kumo.set_memory_soft_limit: expected a whole number from 16777216")
	for _, name := range []string{"kafka", "nats", "amqp", "spawn_thread_pool", "configure_redis_throttles", "set_memory_hard_limit", "jsonl", "shaping", "mimepart"} {
		s.Raises(t, `return kumo.`+name, "kumo."+name+" is not part of Troupe: ")
	}
}

func TestSecrets(t *testing.T) {
	p := newProcess(t, Options{})
	s := luatest.New(t, p.Modules()...)
	s.Raises(t, `kumo.secrets.load('x')`, "kumo.secrets.load: no key source can be read from here")
	s.Env.Key = func(ctx context.Context, _ *lua.LState, source lua.LValue) ([]byte, error) {
		return keysource.Loader{}.Load(ctx, keysource.File(lua.LVAsString(source)))
	}
	name := filepath.Join(t.TempDir(), "key")
	s.Must(t, fmt.Sprintf(`local f = kumo.fs.open(%q, 'w') f:write('a\0b') f:close()`, name))
	if got := s.Must(t, fmt.Sprintf(`return kumo.secrets.load(%q)`, name)); got != "a\x00b" {
		t.Errorf("got %q; want the bytes", got)
	}
	s.Raises(t, `kumo.secrets.load('/nonexistent/key')`, "kumo.secrets.load: KeySource failed to load data from file `/nonexistent/key`: ")
}

// A lookup as a policy would have it: a database behind a cache, in two states.
func TestModulesTogether(t *testing.T) {
	p := newProcess(t, Options{})
	const setup = `
		users = %q
		check = kumo.memoize(function(user, password)
			local db = sqlite.open(users)
			return #db:execute('select 1 from users where name = ? and password = ?', user, password) == 1
		end, {name = 'check', ttl = '1 minute', capacity = 10})
		failures = kumo.counter_series.define {name = 'failures', num_buckets = 5, bucket_size = '1m'}`
	path := filepath.Join(t.TempDir(), "users.db")
	a, b := luatest.New(t, p.Modules()...), luatest.New(t, p.Modules()...)
	for _, s := range []*luatest.State{a, b} {
		s.Must(t, fmt.Sprintf(setup, path))
	}
	a.Must(t, `local db = sqlite.open(users)
		db:execute 'create table users (name text, password text)'
		db:execute "insert into users values ('ann', 'secret')"`)
	if got := a.Must(t, `return check('ann', 'secret')`); got != true {
		t.Errorf("got %v; want true", got)
	}
	b.Must(t, `if not check('ann', 'wrong') then failures:increment(1) end assert(check('ann', 'secret'))`)
	if got := a.Must(t, `return failures:sum()`); got != int64(1) {
		t.Errorf("got %v; want 1", got)
	}
	stats := p.CacheStats()
	if len(stats) != 1 || stats[0].Name != "check" || stats[0].Hits != 1 || stats[0].Populated != 2 {
		t.Errorf("got %+v; want one hit and two runs", stats)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	p := NewProcess(Options{})
	s := luatest.New(t, p.Modules()...)
	s.Must(t, fmt.Sprintf(`path = %q
		db = sqlite.open(path) db:execute 'create table t (x)'
		memory = sqlite.open ':memory:'
		file = kumo.fs.open(path .. 'f', 'w')
		q = kumo.mpsc.define 'q'
		client = kumo.http.build_client {}
		r = redis.open {node = 'redis://127.0.0.1:1'}`, filepath.Join(t.TempDir(), "x")))
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{`db:execute 'select 1'`, `memory:execute 'select 1'`, `file:write 'x'`, `q:send(1)`,
		`client:get('http://127.0.0.1:1/'):send()`, `r:query('ping')`, `sqlite.open(path)`, `sqlite.open ':memory:'`, `kumo.fs.open(path)`} {
		s.Raises(t, code, ": ")
	}
	if err := CloseState(s.L); err != nil {
		t.Error(err)
	}
}

// Everything described must be described: stubs and the reference are made of it.
func TestDescriptions(t *testing.T) {
	p := newProcess(t, Options{})
	for _, m := range p.Modules() {
		if m.Name == "" || m.Doc == "" {
			t.Errorf("module %q has no name or text", m.Name)
		}
		for _, f := range m.Functions {
			if f.Name == "" || f.Doc == "" || f.Call == nil {
				t.Errorf("%s.%s: something is missing", m.Name, f.Name)
			}
		}
		for _, c := range m.Classes {
			for _, f := range c.Methods {
				if c.Doc == "" || f.Name == "" || f.Doc == "" || f.Call == nil {
					t.Errorf("%s:%s: something is missing", c.Name, f.Name)
				}
			}
		}
		for name, why := range m.Refused {
			if why == "" {
				t.Errorf("%s.%s is refused without a reason", m.Name, name)
			}
		}
	}
}
