package policy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/lua/pool"
)

var testMeta = ConnMeta{Peer: netip.MustParseAddrPort("[2001:db8::7]:4711"), Local: netip.MustParseAddrPort("192.0.2.1:1080")}

// mustHook loads a policy whose hooks the test calls.
func mustHook(t *testing.T, source string, change ...func(*Options)) *Hooks {
	t.Helper()
	o := Options{}
	for _, f := range change {
		f(&o)
	}
	p, err := LoadSource(t.Context(), "policy.lua", []byte("local kumo, proxy = require 'kumo', require 'proxy'\n"+source), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p.Hooks
}

// onAuth is a policy whose handler for credentials has this body.
func onAuth(body string) string {
	return "kumo.on('proxy_server_auth_rfc1929', function(user, password, meta)\n" + body + "\nend)\n"
}

func onRequest(body string) string {
	return "kumo.on('proxy_server_request', function(request, meta)\n" + body + "\nend)\n"
}

func TestAuthenticate(t *testing.T) {
	alice := AuthInfo{Identities: []Identity{{"alice", "ProxyAuthRfc1929"}}}
	tests := []struct {
		name, body string
		want       AuthInfo
		err        string // of the policy; "refused" for ErrRefused
	}{
		{"true", `return user == 'alice' and password == 'secret'`, alice, ""},
		{"false", `return false`, AuthInfo{}, "refused"},
		{"what the handler is told", `return meta.peer_address == '[2001:db8::7]:4711' and meta.local_address == '192.0.2.1:1080'`, alice, ""},
		{"a table", `return { identities = { { identity = 'a', context = 'LocalSystem' }, { identity = 'b', context = 'GenericAuth' } },
			groups = { 'g', 'h' }, peer_address = '10.0.0.1', extra = 7 }`,
			AuthInfo{Identities: []Identity{{"a", "LocalSystem"}, {"b", "GenericAuth"}}, Groups: []string{"g", "h"}}, ""},
		{"a table without groups", `return { identities = { { identity = 'alice', context = 'ProxyAuthRfc1929' } } }`, alice, ""},
		{"an empty table", `return {}`, AuthInfo{}, "refused"},
		{"no identities", `return { identities = {}, groups = { 'g' } }`, AuthInfo{}, "refused"},
		{"nil", `return nil`, AuthInfo{}, "expected true, false, or a table with identities and groups, got nil"},
		{"nothing", ``, AuthInfo{}, "expected true, false, or a table with identities and groups, got nil"},
		{"a number", `return 1`, AuthInfo{}, "got number"},
		{"the password", `return password`, AuthInfo{}, "got string"},
		{"a wrong context", `return { identities = { { identity = 'a', context = 'Magic' } } }`, AuthInfo{},
			`identities[1].context: expected one of SmtpAuthPlainAuthentication, SmtpAuthPlainAuthorization, HttpBasicAuth, BearerToken, ProxyAuthRfc1929, LocalSystem, GenericAuth, got another text of 5 bytes`},
		{"a misspelt context", `return { identities = { { identity = 'a', context = 'LocalSytem' } } }`, AuthInfo{},
			`GenericAuth, got another text of 10 bytes, did you mean 'LocalSystem'?`},
		{"no context", `return { identities = { { identity = 'a' } } }`, AuthInfo{}, "identities[1].context: expected a text, got nil"},
		{"identities that are no list", `return { identities = 'a' }`, AuthInfo{}, "identities: expected an array, got string"},
		{"an identity that is no table", `return { identities = { 'a' } }`, AuthInfo{}, "identities[1]: expected a table with identity and context, got string"},
		{"groups of numbers", `return { identities = { { identity = 'a', context = 'GenericAuth' } }, groups = { 1 } }`, AuthInfo{}, "groups[1]: expected a text, got number"},
		{"a name that is too long", `return { identities = { { identity = ('x'):rep(2000), context = 'GenericAuth' } } }`, AuthInfo{}, "identities[1].identity: expected at most 1024 bytes, got 2000"},
		{"a name that is not UTF-8", `return { identities = { { identity = '\255', context = 'GenericAuth' } } }`, AuthInfo{}, "identities[1].identity: expected a text in UTF-8"},
		{"an error", `error('the database is down')`, AuthInfo{}, "policy.lua:3: the database is down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHook(t, onAuth(tt.body))
			got, err := h.Authenticate(t.Context(), "alice", "secret", testMeta)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v; want %+v", got, tt.want)
			}
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("got %v; want no error", err)
			case tt.err == "refused" && (!errors.Is(err, ErrRefused) || errors.Is(err, ErrHook)):
				t.Errorf("got %v; want ErrRefused", err)
			case tt.err != "" && tt.err != "refused":
				wantHookError(t, err, tt.err)
			}
		})
	}
}

// An answer with the password in a wrong place used to show it in the log.
func TestAnswersShowNoPassword(t *testing.T) {
	const password = "PwXyz123!"
	for _, answer := range []string{
		`password`, `{ identities = password }`, `{ identities = { password } }`,
		`{ identities = { { identity = user, context = password } } }`, `{ identities = { { identity = user, context = 'is ' .. password } } }`,
		`{ identities = { { identity = user, [password] = 1 } } }`, `{ identities = {}, groups = password }`, `{ identities = { [password] = 1 } }`,
		`{ identities = { { identity = password:rep(200), context = 'GenericAuth' } } }`,
		`{ identities = { { identity = '\255' .. password, context = 'GenericAuth' } } }`,
		`{ groups = { { password } }, peer_address = password }`, `{ peer_address = { password } }`, `error(password)`, `error({ password })`,
	} {
		h := mustHook(t, onAuth("return "+answer)+"kumo.on('http_server_validate_auth_basic', function(user, password) return "+answer+" end)")
		_, first := h.Authenticate(t.Context(), "alice", password, testMeta)
		_, second := h.Login(t.Context(), access.Auth{}, access.Credentials{Context: access.HTTPBasicAuth, User: "alice", HasPassword: true, Password: password})
		for _, err := range []error{first, second} {
			if got := errText(err); got == "" || strings.Contains(got, password) {
				t.Errorf("%s: got %q; want an error without the password", answer, got)
			}
		}
	}
}

// wantHookError: it is the policy's fault, and says what.
func wantHookError(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, ErrHook) || errors.Is(err, ErrRefused) {
		t.Errorf("got %v; want an ErrHook and no ErrRefused", err)
	}
	if got := errText(err); !strings.Contains(got, want) {
		t.Errorf("got %q; want %q in it", got, want)
	}
}

func TestWithoutHandlers(t *testing.T) {
	for name, h := range map[string]*Hooks{"no hooks": nil, "no handlers": mustHook(t, "")} {
		t.Run(name, func(t *testing.T) {
			if h.Has(EventAuth) || h.Has(EventRequest) || h.Has(EventSessionEnd) {
				t.Error("Has says there is a handler; want none")
			}
			if _, err := h.Authenticate(t.Context(), "u", "p", testMeta); !errors.Is(err, ErrRefused) {
				t.Errorf("got %v; want ErrRefused: nobody can vouch", err)
			}
			if d, err := h.Request(t.Context(), RequestInfo{}, testMeta); err != nil || d != (Decision{}) {
				t.Errorf("got %+v, %v; want the request to pass", d, err)
			}
			h.SessionEnd(SessionSummary{})
			h.Start()
			h.Bump()
			h.Close()
		})
	}
}

// A handler that shows the password in its error must not bring it into the log.
func TestPasswordIsNotInTheError(t *testing.T) {
	h := mustHook(t, onAuth(`error('no such user: ' .. user .. ' with ' .. password)`))
	_, err := h.Authenticate(t.Context(), "alice", "hunter2", testMeta)
	if got := errText(err); strings.Contains(got, "hunter2") || !strings.Contains(got, "alice with (secret)") {
		t.Errorf("got %q; want it without the password", got)
	}
}

func TestRequest(t *testing.T) {
	source, to := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddrPort("[2001:db8::1]:2525")
	tests := []struct {
		name, body string
		want       Decision
		err        string
	}{
		{"nothing", ``, Decision{}, ""},
		{"nil", `return nil`, Decision{}, ""},
		{"true", `return true`, Decision{}, ""},
		{"false", `return false`, Decision{Deny: true}, ""},
		{"deny", `return { deny = 'not today' }`, Decision{Deny: true, Why: "not today"}, ""},
		{"source", `return { source = '192.0.2.9' }`, Decision{Source: source}, ""},
		{"both", `return { source = '::ffff:192.0.2.9', destination = '[2001:db8::1]:2525' }`, Decision{Source: source, Destination: to}, ""},
		{"told everything", `
			assert(request.command == 'connect' and request.destination == 'mx.example:25' and request.destination_host == 'mx.example')
			assert(request.destination_port == 25 and request.source == '192.0.2.1' and request.user == 'alice')
			assert(request.groups[1] == 'staff' and #request.groups == 1 and meta.peer_address == '[2001:db8::7]:4711')`, Decision{}, ""},
		{"a text", `return 'deny'`, Decision{}, "expected nothing, true, false, { deny = 'why' }, or { source = 'ip', destination = 'ip:port' }, got string"},
		{"an empty table", `return {}`, Decision{}, "got an empty table"},
		{"a list", `return { '192.0.2.9' }`, Decision{}, "got a table with a number as key"},
		{"a misspelt key", `return { dney = 'x' }`, Decision{}, "unknown key 'dney', did you mean 'deny'?"},
		{"deny that is no text", `return { deny = true }`, Decision{}, "deny: expected a text, got boolean"},
		{"deny and source", `return { deny = 'x', source = '192.0.2.9' }`, Decision{}, "deny: expected nothing beside it"},
		{"source that is a name", `return { source = 'eth0' }`, Decision{}, `source: expected an IP address of this host, got "eth0"`},
		{"source with a port", `return { source = '192.0.2.9:0' }`, Decision{}, "source: expected an IP address"},
		{"source for all", `return { source = '0.0.0.0' }`, Decision{}, "source: expected an IP address"},
		{"destination without a port", `return { destination = '192.0.2.9' }`, Decision{}, "destination: expected an address such as '192.0.2.1:25'"},
		{"destination by name", `return { destination = 'mx.example:25' }`, Decision{}, "destination: expected an address"},
		{"an empty destination", `return { destination = '' }`, Decision{}, "destination: expected an address"},
		{"an error", `error({})`, Decision{}, "(error object is a table value)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHook(t, onRequest(tt.body))
			got, err := h.Request(t.Context(), RequestInfo{
				Connect: true, Host: "mx.example", Port: 25, Source: netip.MustParseAddr("192.0.2.1"),
				Auth: AuthInfo{Identities: []Identity{{"alice", "ProxyAuthRfc1929"}}, Groups: []string{"staff"}},
			}, testMeta)
			if got != tt.want {
				t.Errorf("got %+v; want %+v", got, tt.want)
			}
			if tt.err != "" {
				wantHookError(t, err, tt.err)
			} else if err != nil {
				t.Errorf("got %v; want no error", err)
			}
		})
	}
}

func TestBindRequest(t *testing.T) {
	h := mustHook(t, onRequest(`
		if request.user == 'mover' then return { destination = '192.0.2.1:25' } end
		assert(request.command == 'bind' and request.source == '192.0.2.1')
		assert(request.destination == nil and request.destination_host == nil and request.user == nil and #request.groups == 0)`))
	source := netip.MustParseAddr("192.0.2.1")
	if _, err := h.Request(t.Context(), RequestInfo{Source: source}, testMeta); err != nil {
		t.Error(err)
	}
	mover := AuthInfo{Identities: []Identity{{"mover", "GenericAuth"}}}
	_, err := h.Request(t.Context(), RequestInfo{Source: source, Auth: mover}, testMeta)
	wantHookError(t, err, "destination: a BIND has none")
}

// An answer that is no good must not cost a state: a client could have as many
// built as it likes.
func TestWrongAnswersKeepTheState(t *testing.T) {
	meter := pool.NewMeter()
	h := mustHook(t, onAuth(`return 7`), func(o *Options) { o.Meter = meter })
	for range 5 {
		_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
		wantHookError(t, err, "got number")
	}
	if got := meter.Snapshot(); got.Loads != 1 || got.Events[EventAuth].Started != 5 {
		t.Errorf("got %+v; want one state for five calls", got)
	}
}

// The text of a policy is what it was when it was loaded, in every state, and
// proxy_init runs in none of them.
func TestStatesRunTheTextThatWasLoaded(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("module.lua", "return { answer = 'old' }")
	write("policy.lua", `package.path = '`+dir+`/?.lua'
		local kumo = require 'kumo'
		local module = require 'module'
		local initialised = false
		kumo.on('proxy_init', function() initialised = true end)
		kumo.on('proxy_server_auth_rfc1929', function(user) return not initialised and module.answer == user end)`)
	p, err := Load(t.Context(), filepath.Join(dir, "policy.lua"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if want := []string{filepath.Join(dir, "module.lua"), filepath.Join(dir, "policy.lua")}; !reflect.DeepEqual(p.Files, want) {
		t.Errorf("got the files %q; want %q", p.Files, want)
	}
	write("module.lua", "syntax error")
	write("policy.lua", "syntax error")
	if err := os.Remove(filepath.Join(dir, "module.lua")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Hooks.Authenticate(t.Context(), "old", "", testMeta); err != nil {
		t.Errorf("got %v; want the answer of the text that was loaded", err)
	}
}

// A listener function in a state that serves hooks would start nothing.
func TestListenersAreNotStartedByHooks(t *testing.T) {
	h := mustHook(t, onAuth(`proxy.start_proxy_listener { listen = '127.0.0.1:1' } return true`))
	_, err := h.Authenticate(t.Context(), "u", "p", testMeta)
	wantHookError(t, err, "proxy.start_proxy_listener: called in the proxy_server_auth_rfc1929 handler; listeners are started in proxy_init alone")
}

func TestCurrentEvent(t *testing.T) {
	h := mustHook(t, `assert(_KUMO_CURRENT_EVENT == nil)`+"\n"+
		onAuth(`return _KUMO_CURRENT_EVENT == 'proxy_server_auth_rfc1929'`))
	if _, err := h.Authenticate(t.Context(), "u", "p", testMeta); err != nil {
		t.Error(err)
	}
}

// lines is a log that a test can read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func logTo(l *lines) func(*Options) {
	return func(o *Options) { o.Log = slog.New(slog.NewTextHandler(l, nil)) }
}

// waitFor waits until the log has a text.
func (l *lines) waitFor(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(l.String(), text) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %q in the log, which has:\n%s", text, l.String())
		}
	}
}

func TestSessionEnd(t *testing.T) {
	var log lines
	h := mustHook(t, `kumo.on('proxy_server_session_end', function(s)
		kumo.log_info(s.peer_address, s.local_address, s.user, s.groups[1], s.source, s.destination, s.outcome, s['end'],
			s.reason, s.fault, s.bytes_received, s.bytes_sent, s.duration)
		if s.user == 'eve' then error('I will not hear of it') end
	end)`, logTo(&log))
	bob := AuthInfo{Identities: []Identity{{"bob", "GenericAuth"}}, Groups: []string{"g"}}
	h.SessionEnd(SessionSummary{
		Meta: testMeta, Auth: bob, Source: "192.0.2.1:5", Destination: "192.0.2.2:25",
		Outcome: "completed", End: "fin", Received: 10, Sent: 20, Duration: 1500 * time.Millisecond,
	})
	log.waitFor(t, "[2001:db8::7]:4711 192.0.2.1:1080 bob g 192.0.2.1:5 192.0.2.2:25 completed fin nil nil 10 20 1.5")
	h.SessionEnd(SessionSummary{Meta: testMeta, Auth: AuthInfo{Identities: []Identity{{"eve", ""}}}, Outcome: "failed", Reason: "denied", Fault: "policy"})
	log.waitFor(t, "the policy could not be told of the end of a session")
	log.waitFor(t, "I will not hear of it")
}

// A handler that is slow must not hold up sessions, nor fill the memory.
func TestSessionEndsAreDroppedWhenTooMany(t *testing.T) {
	meter := pool.NewMeter()
	h := mustHook(t, `kumo.on('proxy_server_session_end', function() while true do end end)`, func(o *Options) {
		o.Meter, o.Hooks.Deadline = meter, 50*time.Millisecond
	})
	for range 2 * mostEnds {
		h.SessionEnd(SessionSummary{})
	}
	if got := meter.Snapshot().Dropped; got < mostEnds/2 || got > mostEnds {
		t.Errorf("dropped %d of %d; want those that %d places had no room for", got, 2*mostEnds, mostEnds)
	}
	h.Close()
	h.SessionEnd(SessionSummary{})
	if got := meter.Snapshot().Dropped; got < 2*mostEnds-100 {
		t.Errorf("dropped %d; want those counted too that Close did not wait for", got)
	}
}

// What waits at a close is told all the same.
func TestCloseTellsWhatWaits(t *testing.T) {
	var log lines
	h := mustHook(t, `kumo.on('proxy_server_session_end', function(s) kumo.log_info('ended', s.bytes_sent) end)`, logTo(&log))
	for i := range 100 {
		h.SessionEnd(SessionSummary{Sent: uint64(i)})
	}
	h.Close()
	if got := strings.Count(log.String(), "ended"); got != 100 {
		t.Errorf("told of %d ends; want 100", got)
	}
}
