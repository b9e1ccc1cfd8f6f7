package actors

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// journal is a log that a test can read.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.buf.String(), text)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// load makes the hooks of a policy, which the end of the test closes.
func load(t testing.TB, source string, o policy.Options) *policy.Hooks {
	t.Helper()
	p, err := policy.LoadSource(t.Context(), "policy.lua", []byte("local kumo = require 'kumo'\n"+source), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p.Hooks
}

// withPolicy starts a tree under a policy. Its hooks end before the tree does.
func withPolicy(t *testing.T, source string, o policy.Options, change ...func(*setup)) (*tree, *Hooks) {
	t.Helper()
	hooks := NewHooks(load(t, source, o))
	return startTree(t, append(change, func(s *setup) { s.hooks = hooks })...), hooks
}

// login greets and sends credentials, and returns what they were answered.
func (c *client) login(user, password string) (byte, error) {
	if err := c.say(greetPassword...); err != nil {
		return 0, err
	}
	if _, err := c.hear(2); err != nil {
		return 0, err
	}
	b := append([]byte{1, byte(len(user))}, user...)
	b = append(append(b, byte(len(password))), password...)
	if err := c.say(b...); err != nil {
		return 0, err
	}
	answer, err := c.hear(2)
	return answer[1], err
}

// loggedIn is a client that the proxy knows.
func (tr *tree) loggedIn(user string) *client {
	tr.t.Helper()
	c := tr.mustDial()
	if code, err := c.login(user, "secret"); err != nil || code != 0 {
		tr.t.Fatalf("login answered %d, %v; want 0", code, err)
	}
	return c
}

// echo is an upstream that sends back what it gets.
func echo(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, _ = io.Copy(c, c); _ = c.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return netip.MustParseAddrPort(l.Addr().String())
}

// A whole session under a policy that has a say in all of it.
func TestSessionUnderAPolicy(t *testing.T) {
	upstream := echo(t)
	var log journal
	tr, _ := withPolicy(t, `
		kumo.on('proxy_server_auth_rfc1929', function(user, password)
			return password == 'secret' and { identities = { { identity = user, context = 'ProxyAuthRfc1929' } }, groups = { 'mta' } }
		end)
		kumo.on('proxy_server_request', function(r)
			if r.user == 'eve' then return { deny = 'eve may not' } end
			if r.command == 'connect' then return { source = '127.0.0.9', destination = '`+upstream.String()+`' } end
		end)
		kumo.on('proxy_server_session_end', function(s)
			kumo.log_info('end of', s.user, s.outcome, s.reason, s.bytes_received, s.source)
		end)`, policy.Options{Log: log.logger()}, func(s *setup) { s.log = log.logger() })

	c := tr.loggedIn("alice")
	if code, err := c.ask(request(1, netip.MustParseAddrPort("192.0.2.1:25"))); err != nil || code != 0 {
		t.Fatalf("CONNECT answered %d, %v; want 0", code, err)
	}
	must(t, c.say([]byte("hello")...))
	if got, err := c.hear(5); err != nil || string(got) != "hello" {
		t.Errorf("heard %q, %v; want the upstream that the policy named", got, err)
	}
	_ = c.Close()
	eventually(t, "the session in the log", func() bool { return log.has("user=alice groups=mta source=127.0.0.9:") })
	eventually(t, "the policy to be told", func() bool { return log.has("end of alice completed nil 5 127.0.0.9:") })

	c = tr.loggedIn("eve")
	if code, err := c.ask(request(1, upstream)); err != nil || code != 2 {
		t.Errorf("CONNECT answered %d, %v; want 2", code, err)
	}
	_ = c.Close()
	eventually(t, "the denial in the log", func() bool { return log.has(`reason=denied fault=policy`) && log.has(`why="eve may not"`) })
	eventually(t, "the policy to be told", func() bool { return log.has("end of eve failed denied 0 nil") })

	c = tr.mustDial()
	if code, err := c.login("alice", "wrong"); err != nil || code != 1 {
		t.Errorf("login answered %d, %v; want 1", code, err)
	}
	must(t, c.ended())
	eventually(t, "the failure in the log", func() bool { return log.has("reason=auth_failed fault=client") })
	if log.has("secret") || log.has("wrong") {
		t.Error("the log has a password")
	}
}

// Handlers that fail cost the session that they were asked for, and no other.
func TestFailingHandlers(t *testing.T) {
	var log journal
	tr, _ := withPolicy(t, `
		local bad = {
			loop = function() while true do end end,
			raise = function(password) error('cannot ask about ' .. password) end,
			nothing = function() end,
			recurse = function() local function f() return 1 + f() end return f() end,
			yield = function() return coroutine.yield() end,
			module = function() return require('missing') end,
		}
		kumo.on('proxy_server_auth_rfc1929', function(user, password)
			if bad[user] then return bad[user](password) end
			return true
		end)`, policy.Options{Hooks: policy.HookLimits{Deadline: 100 * time.Millisecond}}, func(s *setup) { s.log = log.logger() })
	upstream := echo(t)
	for _, user := range []string{"loop", "raise", "nothing", "recurse", "yield", "module"} {
		c := tr.mustDial()
		if code, err := c.login(user, "secret"); err != nil || code != 1 {
			t.Errorf("%s: login answered %d, %v; want 1", user, code, err)
		}
		must(t, c.ended())
		good := tr.loggedIn("good")
		if code, err := good.ask(request(1, upstream)); err != nil || code != 0 {
			t.Errorf("after %s: CONNECT answered %d, %v; want 0", user, code, err)
		}
	}
	eventually(t, "all failures in the books", func() bool {
		return tr.value("proxy_session_failures_total", "reason", "hook_failed") == 6
	})
	if !log.has("level=ERROR") || !log.has("policy.lua:5: cannot ask about (secret)") || log.has("about secret") {
		t.Error("the log should have the errors of the policy, and no password")
	}
}

// A policy that thinks holds up nobody but who asked it, and is told to stop when
// that client leaves.
func TestPolicyThinksBesideTheTree(t *testing.T) {
	meter := pool.NewMeter()
	tr, _ := withPolicy(t, `kumo.on('proxy_server_auth_rfc1929', function(user) while user == 'slow' do end return true end)`,
		policy.Options{Meter: meter, Hooks: policy.HookLimits{Deadline: time.Minute}})
	slow := tr.mustDial()
	must(t, slow.say(greetPassword...))
	_, err := slow.hear(2)
	must(t, err)
	must(t, slow.say(1, 4, 's', 'l', 'o', 'w', 1, 'p'))
	eventually(t, "the policy to be asked", func() bool { return meter.Snapshot().States == 1 })
	tr.loggedIn("quick")
	must(t, slow.Close())
	eventually(t, "the call to be ended", func() bool {
		s := meter.Snapshot()
		return s.Events[policy.EventAuth].Failed == 1 && s.States == 1
	})
	eventually(t, "the session in the books", func() bool {
		return tr.value("proxy_session_failures_total", "reason", "client_left") == 1
	})
}

// scripted is a policy in Go.
type scripted struct {
	Decider
	auth  func() (policy.AuthInfo, error)
	epoch atomic.Uint64

	remembered atomic.Int64
}

func (s *scripted) Has(event string) bool   { return event == policy.EventAuth }
func (s *scripted) Patience() time.Duration { return time.Minute }
func (s *scripted) Epoch() uint64           { return s.epoch.Load() }
func (s *scripted) Remembered(string, policy.AuthInfo, policy.ConnMeta) {
	s.remembered.Add(1)
}
func (s *scripted) Authenticate(context.Context, string, string, policy.ConnMeta) (policy.AuthInfo, error) {
	return s.auth()
}

// A panic in Go on the way to the policy costs the session.
func TestPanicWhileAsking(t *testing.T) {
	var asked atomic.Int64
	hooks := NewHooks(&scripted{auth: func() (policy.AuthInfo, error) {
		if asked.Add(1) == 1 {
			panic("boom")
		}
		return alice, nil
	}})
	tr := startTree(t, func(s *setup) { s.hooks = hooks })
	c := tr.mustDial()
	if code, err := c.login("u", "p"); err != nil || code != 1 {
		t.Errorf("login answered %d, %v; want 1", code, err)
	}
	must(t, c.ended())
	tr.loggedIn("u")
}

// value is that of a series of the first listener.
func (tr *tree) value(family, label, value string) float64 {
	tr.t.Helper()
	families, err := tr.reg.Gather()
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != family {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label && l.GetValue() == value {
					return m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return 0
}
