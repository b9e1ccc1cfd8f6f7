package reference

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// TestEventsAreAll: every event that happens is described, and no other.
func TestEventsAreAll(t *testing.T) {
	var got []string
	for _, e := range events() {
		got = append(got, e.Name)
	}
	if want := policy.Events(); !slices.Equal(got, want) {
		t.Errorf("described are %q; want %q", got, want)
	}
}

// told is a policy whose handlers say what keys the tables have that they are given.
const told = `
local kumo = require 'kumo'
local function keys(t)
  local all = {}
  for key in pairs(t) do all[#all + 1] = key end
  table.sort(all)
  return table.concat(all, ' ')
end
kumo.on('proxy_server_auth_rfc1929', function(_, _, meta) error(keys(meta), 0) end)
kumo.on('proxy_server_request', function(request) return { deny = keys(request) } end)
kumo.on('proxy_server_session_end', function(session) kumo.log_info('keys:', keys(session)) end)
`

// described are the keys of a class, as told says them.
func described(t *testing.T, class string) string {
	t.Helper()
	var keys []string
	for _, f := range classNamed(t, class).Fields {
		keys = append(keys, f.Name)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// TestClassesHaveTheKeysThatHandlersSee asks the hooks for all that they can tell.
func TestClassesHaveTheKeysThatHandlersSee(t *testing.T) {
	var log bytes.Buffer
	p, err := policy.LoadSource(t.Context(), "policy.lua", []byte(told), policy.Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort("192.0.2.1:25")
	meta := policy.ConnMeta{Peer: at, Local: at}
	who := policy.AuthInfo{Identities: []policy.Identity{{Identity: "alice", Context: "GenericAuth"}}}
	_, err = p.Hooks.Authenticate(t.Context(), "alice", "secret", meta)
	var failed policy.Errors
	if !errors.As(err, &failed) || failed[0].Msg != described(t, metaClass) {
		t.Errorf("got %v; want the keys %q", err, described(t, metaClass))
	}
	decision, err := p.Hooks.Request(t.Context(), policy.RequestInfo{
		Connect: true, Host: "mx.example", Port: 25, Group: "g", Source: at.Addr(), Auth: who,
	}, meta)
	if err != nil || decision.Why != described(t, requestClass) {
		t.Errorf("got %q, %v; want the keys %q", decision.Why, err, described(t, requestClass))
	}
	p.Hooks.SessionEnd(policy.SessionSummary{
		Meta: meta, Auth: who, Source: "a", Destination: "b", Outcome: "c", End: "d", Reason: "e", Fault: "f",
		Received: 1, Sent: 2, Duration: time.Second,
	})
	p.Close() // which tells what waits
	if want := "keys: " + described(t, sessionClass); !strings.Contains(log.String(), want) {
		t.Errorf("got %s; want %q", log.String(), want)
	}
}

// TestAnswersHaveTheKeysThatAreRead: the keys of an answer are those that the
// error about another names.
func TestAnswersHaveTheKeysThatAreRead(t *testing.T) {
	p, err := policy.LoadSource(t.Context(), "policy.lua", []byte(`
		require('kumo').on('proxy_server_request', function() return { zzz = 1 } end)
		require('kumo').on('proxy_server_auth_rfc1929', function(user)
			if user == 'a' then return { identities = 1 } end
			if user == 'b' then return { identities = { { identity = 'x', context = 'y' } } } end
			return { groups = 1, identities = { { identity = 'x', context = 'GenericAuth' } } }
		end)`), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	_, err = p.Hooks.Request(t.Context(), policy.RequestInfo{Connect: true}, policy.ConnMeta{})
	for key := range strings.FieldsSeq(described(t, decisionClass)) {
		if !strings.Contains(asHook(t, err).Err.Error(), key+" = ") {
			t.Errorf("got %v; want %s named", err, key)
		}
	}
	for user, want := range map[string]string{"a": "identities:", "b": "identities[1].context:", "c": "groups:"} {
		_, err := p.Hooks.Authenticate(t.Context(), user, "", policy.ConnMeta{})
		if got := asHook(t, err).Err.Error(); !strings.Contains(got, want) {
			t.Errorf("got %q; want %q in it", got, want)
		}
		if user == "b" {
			for _, f := range classNamed(t, identityClass).Fields {
				if f.Name == "context" {
					wantContexts(t, f, asHook(t, err).Err.Error())
				}
			}
		}
	}
}

// wantContexts: the values that are described are those that the error lists.
func wantContexts(t *testing.T, f spec.Param, message string) {
	t.Helper()
	for value := range strings.SplitSeq(f.Type, "|") {
		if !strings.Contains(message, strings.Trim(value, "'")) {
			t.Errorf("%s is described, and the error lists others: %s", value, message)
		}
	}
	if got, want := strings.Count(message, ", ")-1, strings.Count(f.Type, "|"); got != want {
		t.Errorf("%d values are described; the error lists %s", want+1, message)
	}
}

func classNamed(t *testing.T, name string) spec.Class {
	t.Helper()
	all := eventClasses()
	i := slices.IndexFunc(all, func(c spec.Class) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no class %s", name)
	}
	return all[i]
}

func asHook(t *testing.T, err error) *policy.HookError {
	t.Helper()
	failed, ok := errors.AsType[*policy.HookError](err)
	if !ok {
		t.Fatalf("got %v; want a HookError", err)
	}
	return failed
}
