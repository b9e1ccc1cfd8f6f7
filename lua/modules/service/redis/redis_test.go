package redis

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

func TestReplies(t *testing.T) {
	socket, address := startServer(t)
	s, _ := newState(t)
	s.Must(t, fmt.Sprintf(`c = redis.open {node = %q}
		three = redis.open {node = %q}
		c:query('hset', 'h', 'a', 1)`, "unix://"+socket, "redis://"+address+"/0?protocol=3"))
	for _, c := range []struct {
		code string
		want any
	}{
		{`return c:query('set', 'k', 'OK')`, true},
		{`return c:query('get', 'k')`, "OK"},
		{`return c:query('get', 'none')`, nil},
		{`return c:query('incrby', 'n', 2)`, int64(2)},
		{`return c:query('PING')`, "PONG"},
		{`return c:query('incrby', 'big', '9007199254740993')`, "9007199254740993"},
		{`return c:query('hgetall', 'h')`, []any{"a", "1"}},
		{`return three:query('hgetall', 'h')`, map[string]any{"a": "1"}},
		{`return c:query('mget', 'k', 'none', 'n')`, []any{"OK", nil, "2"}},
		{`return c:query('set', 'bin', 'a\0\255')`, true},
		{`return c:query('get', 'bin')`, "a\x00\xff"},
		{`return c:query({'mset', {'x', 1, 'y', true}})`, true},
		{`return c:query('mget', {'x', 'y'})`, []any{"1", "1"}},
		{`return c:query('eval', 'return {1, {2, "x"}, redis.status_reply("FINE")}', 0)`, []any{int64(1), []any{int64(2), "x"}, "FINE"}},
		{`return c:query('set', 'f', 1.5) and c:query('get', 'f')`, "1.5"},
		{`return c:query('get', nil, 'k', nil)`, "OK"},
	} {
		if got := s.Must(t, c.code); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v; want %#v", c.code, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	socket, _ := startServer(t)
	s, _ := newState(t)
	s.Must(t, fmt.Sprintf(`c = redis.open {node = %q}`, "unix://"+socket))
	s.Raises(t, `c:query()`, "expected a command")
	s.Raises(t, `c:query('get')`, "redis.Connection:query: ERR wrong number of arguments")
	s.Raises(t, `c:query('set', 'k', print)`, "argument 3: a function is not plain data")
	s.Raises(t, `c:query('multi')`, "MULTI: it would change a connection")
	s.Raises(t, `c:query('lpush', 'k', 'x') c:query('incr', 'k')`, "WRONGTYPE")
	text := s.Raises(t, `c:query('sett', 'name', 'hunter2')`, "ERR unknown command 'sett'")
	if strings.Contains(text, "hunter2") {
		t.Errorf("the error repeats an argument: %s", text)
	}
	s.Raises(t, `c:query('eval', 'return string.rep("x", 20000000)', 0)`, "the reply is longer than")
	if got := s.Must(t, `return c:query('ping')`); got != "PONG" {
		t.Errorf("after errors: got %v; want PONG", got)
	}
}

func TestSettings(t *testing.T) {
	s, _ := newState(t)
	s.Raises(t, `redis.open {}`, "redis.open: node: expected an address")
	s.Raises(t, `redis.open {node = 'redis://a', pool = 1}`, "redis.open: unknown key 'pool'; expected node,")
	s.Raises(t, `redis.open {node = 'redis://a', pool_size = 0}`, "pool_size: expected a whole number from 1 to 1000")
	s.Raises(t, `redis.open {node = {'redis://a', 'redis://b'}, cluster = false}`, "node: expected one address")
	s.Raises(t, `redis.open {node = 'redis://a', connect_timeout = '5'}`, "connect_timeout: ")
	for _, node := range []string{"redis://:hunter2@h:port", "http://u:hunter2@h", "redis://:hunter2@h/notanumber"} {
		if text := s.Raises(t, fmt.Sprintf(`redis.open {node = %q}`, node), "expected an address such as"); strings.Contains(text, "hunter2") {
			t.Errorf("%s: the error shows the password: %s", node, text)
		}
	}
}

func TestPassword(t *testing.T) {
	socket, address := startServer(t, "--requirepass", "hunter2")
	s, _ := newState(t)
	for _, open := range []string{
		fmt.Sprintf(`redis.open {node = 'redis://:hunter2@%s'}`, address),
		fmt.Sprintf(`redis.open {node = 'redis://%s', password = 'hunter2'}`, address),
		fmt.Sprintf(`redis.open {node = 'unix://%s', username = 'default', password = 'hunter2'}`, socket),
	} {
		if got := s.Must(t, `return `+open+`:query('ping')`); got != "PONG" {
			t.Errorf("%s: got %v; want PONG", open, got)
		}
	}
	text := s.Raises(t, fmt.Sprintf(`redis.open {node = 'redis://%s', password = 'swordfish'}:query('ping')`, address), "WRONGPASS")
	if strings.Contains(text, "swordfish") {
		t.Errorf("the error shows the password: %s", text)
	}
	s.Raises(t, fmt.Sprintf(`redis.open {node = 'redis://%s'}:query('ping')`, address), "NOAUTH")
}

func TestServerDown(t *testing.T) {
	s, _ := newState(t)
	address := "127.0.0.1:" + freePort(t)
	s.Must(t, fmt.Sprintf(`c = redis.open {node = 'redis://:hunter2@%s'}`, address))
	text := s.Raises(t, `c:query('ping')`, "refused")
	if strings.Contains(text, "hunter2") {
		t.Errorf("the error shows the password: %s", text)
	}
}

// silent is a server that takes connections and never answers.
func silent(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var taken sync.WaitGroup
	taken.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	})
	t.Cleanup(func() {
		l.Close()
		taken.Wait()
	})
	return l
}

func TestContextEndsAQuery(t *testing.T) {
	l := silent(t)
	s, _ := newState(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Try(ctx, fmt.Sprintf(`redis.open {node = 'redis://%s'}:query('ping')`, l.Addr())); err == nil {
		t.Error("deadline: got an answer; want an error")
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := s.Try(ctx, fmt.Sprintf(`redis.open {node = 'redis://%s'}:query('ping')`, l.Addr()))
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("cancel: got %v; want context canceled", err)
	}
	s.Raises(t, fmt.Sprintf(`redis.open {node = 'redis://%s', response_timeout = '20ms'}:query('ping')`, l.Addr()), "timeout")
}

func TestClusterOfOne(t *testing.T) {
	socket, address := startServer(t, "--cluster-enabled", "yes")
	s, _ := newState(t)
	s.Must(t, fmt.Sprintf(`local c = redis.open {node = %q}
		c:query('cluster', 'addslotsrange', 0, 16383)
		repeat until c:query('cluster', 'info'):find 'cluster_state:ok'`, "unix://"+socket))
	got := s.Must(t, fmt.Sprintf(`
		local c = redis.open {node = {%q}, cluster = true, read_from_replicas = true}
		c:query('set', 'k', 'v')
		return c:query('get', 'k')`, "redis://"+address))
	if got != "v" {
		t.Errorf("got %v; want v", got)
	}
}

func TestStatesShareAClient(t *testing.T) {
	socket, _ := startServer(t)
	first, all := newState(t)
	var wg sync.WaitGroup
	for range 4 {
		s := luatest.New(t, all.Module())
		wg.Go(func() {
			if _, err := s.Try(t.Context(), fmt.Sprintf(`local c = redis.open {node = %q, pool_size = 2}
				for i = 1, 50 do c:query('incr', 'n') end`, "unix://"+socket)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := first.Must(t, fmt.Sprintf(`c = redis.open {node = %q, pool_size = 2} return c:query('get', 'n')`, "unix://"+socket))
	if got != "200" {
		t.Errorf("got %v; want 200", got)
	}
	if len(all.clients) != 1 {
		t.Errorf("got %d clients; want 1", len(all.clients))
	}
	first.Must(t, `for i = 1, 100 do redis.open {node = 'redis://127.0.0.1:1', password = tostring(i)} end`)
	if len(all.clients) > maxClients {
		t.Errorf("got %d clients; want at most %d", len(all.clients), maxClients)
	}
	if got := first.Must(t, `return c:query('get', 'n')`); got != "200" {
		t.Errorf("after its client was closed for others: got %v; want 200", got)
	}
	if err := all.Close(); err != nil {
		t.Fatal(err)
	}
	first.Raises(t, `c:query('get', 'n')`, "the process is ending")
}
