package policy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const taskPolicy = `
kumo.on('job', function(args) kumo.log_info('job', #args, args[1], args[2] and args[2].key) end)
kumo.on('loop', function() kumo.log_info('looping') while true do end end)
kumo.on('bad', function() error('this task is bad') end)
`

// Tasks begin when the policy is in force: one that is only checked does nothing.
func TestTasksBeginWithStart(t *testing.T) {
	var log lines
	h := mustHook(t, taskPolicy+`
		kumo.spawn_task { event_name = 'job', args = { 'top' } }
		kumo.on('proxy_init', function() kumo.spawn_task { event_name = 'job', args = { 'init', { key = 'v' } } } end)`, logTo(&log))
	if got := log.String(); got != "" {
		t.Errorf("logged %q before Start; want nothing", got)
	}
	h.Start()
	log.waitFor(t, "job 1 top nil")
	log.waitFor(t, "job 2 init v")
	h.Start()
	h.Close()
	// Each task had a state of its own, whose top level asked for the same again.
	if got := strings.Count(log.String(), "job"); got != 2 {
		t.Errorf("%d tasks ran; want 2:\n%s", got, log.String())
	}
}

func TestTaskFromAHandler(t *testing.T) {
	var log lines
	h := mustHook(t, taskPolicy+onAuth(`kumo.spawn_task { event_name = user, args = {} } return true`), logTo(&log))
	h.Start()
	for _, event := range []string{"job", "bad"} {
		if _, err := h.Authenticate(t.Context(), event, "p", testMeta); err != nil {
			t.Fatal(err)
		}
	}
	log.waitFor(t, "job 0 nil nil")
	log.waitFor(t, "a task of the policy failed")
	log.waitFor(t, "this task is bad")
}

// A task of an event without a handler used to be an error for who asked for it;
// KumoMTA logs one when the task would begin.
func TestTaskWithoutAHandler(t *testing.T) {
	var log lines
	h := mustHook(t, `kumo.on('proxy_init', function() kumo.spawn_task { event_name = 'none of that name' } end)
		kumo.spawn_task { event_name = 'nor of that' }
		`+onAuth(`kumo.spawn_task { event_name = user } return true`), logTo(&log))
	h.Start()
	log.waitFor(t, "none of that name")
	log.waitFor(t, "nor of that")
	if _, err := h.Authenticate(t.Context(), "nobody", "p", testMeta); err != nil {
		t.Errorf("got %v; want who asked for the task let in", err)
	}
	log.waitFor(t, "level=ERROR msg=\"a task of the policy failed\" target=lua error=\"nobody: ")
}

// A task without an end is no fault of the policy's: it ends with the hooks.
func TestEndlessTaskEndsWithTheHooks(t *testing.T) {
	var log lines
	h := mustHook(t, taskPolicy+`kumo.spawn_task { event_name = 'loop' }`, logTo(&log))
	h.Start()
	log.waitFor(t, "looping")
	h.Close()
	if got := log.String(); strings.Contains(got, "failed") {
		t.Errorf("logged %q; want no failure of a task that was ended", got)
	}
}

func TestSpawnTaskRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`kumo.spawn_task('x')`:                                           `kumo.spawn_task: expected a table such as { event_name = 'name', args = {} }, got "x"`,
		`kumo.spawn_task {}`:                                             "kumo.spawn_task: event_name: expected the name of an event, got nil",
		`kumo.spawn_task { event_name = 'job', arg = {} }`:               "kumo.spawn_task: unknown key 'arg', did you mean 'args'?",
		`kumo.spawn_task { event_name = 'job', args = { print } }`:       "kumo.spawn_task: args: at [1]: a function is not plain data",
		`for _ = 1, 65 do kumo.spawn_task { event_name = 'job' } end`:    "more than 64 tasks were asked for",
		`kumo.on('x', function() end) kumo.on('x', function() end)`:      "kumo.on: event 'x' already has a handler, registered at p.lua:1",
		`kumo.set_max_lua_context_use_count(0)`:                          "kumo.set_max_lua_context_use_count: expected a whole number between 1 and 2147483647, got 0",
		`kumo.set_lua_gc_on_put('lots')`:                                 "kumo.set_lua_gc_on_put: expected a whole number between 0 and 100, got string",
		`kumo.set_diagnostic_log_filter('info')`:                         "kumo.set_diagnostic_log_filter is not part of Troupe: this program has no daemon around it",
		`kumo.set_config_monitor_globs { '/etc/{a' }`:                    "kumo.set_config_monitor_globs: [1]: it is no pattern: a brace is not closed",
		`kumo.set_config_monitor_globs { '/etc/[' }`:                     `kumo.set_config_monitor_globs: [1]: it is no pattern: "[": `,
		`kumo.set_config_monitor_globs '/etc/*'`:                         "kumo.set_config_monitor_globs: expected an array of patterns, got string",
		`error(#kumo.get_event_registrars('proxy_init') .. ' handlers')`: "attempt to get length of nil",
	} {
		_, err := LoadSource(t.Context(), "p.lua", []byte("local kumo = require 'kumo' "+body), Options{})
		if want == "attempt to get length of nil" {
			if err == nil {
				t.Errorf("%s: got no error; want nil to be no list", body)
			}
			continue
		}
		if got := errText(err); !strings.Contains(got, want) {
			t.Errorf("%s\ngot %q; want %q in it", body, got, want)
		}
	}
}

func TestEventRegistrars(t *testing.T) {
	mustHook(t, `local function register(name)
  kumo.on(name, function() end)
end
register('x')
local stacks = kumo.get_event_registrars('x')
assert(#stacks == 1 and stacks[1][1] == 'policy.lua:3' and stacks[1][2] == 'policy.lua:5', table.concat(stacks[1], ' '))
assert(kumo.get_event_registrars('y') == nil)
local function inner() return kumo.traceback(1) end
local trace = inner()
assert(trace[1].curr_line == 9 and trace[1].source == 'policy.lua' and trace[2].curr_line == 10, trace[1].curr_line)`)
}

// Handlers ask each other through key sources and modules: a state of its own for
// each, and plain values between them.
func TestNestedEvents(t *testing.T) {
	h := mustHook(t, `
		kumo.on('key', function(a, b) return 'key of ' .. a .. b.c .. tostring(b.list[2]) end)
		kumo.on('list', function() return { 1, 2 } end)
		kumo.on('bad', function() error('no key today') end)
		kumo.on('none', function() end)`)
	got, err := h.event(t.Context(), "key", []any{"a", map[string]any{"c": "b", "list": []any{int64(1), true}}})
	if err != nil || len(got) != 1 || got[0] != "key of abtrue" {
		t.Errorf("got %v, %v; want key of abtrue", got, err)
	}
	if got, err := h.event(t.Context(), "none", nil); err != nil || len(got) != 1 || got[0] != nil {
		t.Errorf("got %v, %v; want nil", got, err)
	}
	if _, err := h.event(t.Context(), "bad", nil); !errors.Is(err, ErrHook) || !strings.Contains(err.Error(), "no key today") {
		t.Errorf("got %v; want what the handler raised", err)
	}
	if _, err := h.event(t.Context(), "nobody", nil); !errors.Is(err, spec.ErrNoHandler) {
		t.Errorf("got %v; want ErrNoHandler", err)
	}
	if _, err := h.event(t.Context(), "key", []any{make(chan int)}); !errors.Is(err, ErrHook) {
		t.Errorf("got %v; want a value that Lua has no form for refused", err)
	}
}

func TestLogFilterAndFigures(t *testing.T) {
	filter := ""
	o := Options{
		SetLogFilter: func(f string) error {
			if f == "bad" {
				return errors.New("expected a level")
			}
			filter = f
			return nil
		},
		Figures: func(context.Context) (any, error) {
			return map[string]any{"lua_count": map[string]any{"value": int64(3)}}, nil
		},
	}
	p, err := LoadSource(t.Context(), "p.lua", []byte(`local kumo = require 'kumo'
kumo.set_diagnostic_log_filter('debug')
local ok, err = pcall(kumo.set_diagnostic_log_filter, 'bad')
assert(not ok and err:find('kumo.set_diagnostic_log_filter: expected a level', 1, true), err)
assert(kumo.prometheus_metrics().lua_count.value == 3)
kumo.validation_failed()
kumo.bump_config_epoch()`), o)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if filter != "debug" {
		t.Errorf("the filter is %q; want debug", filter)
	}
}

// What a handler keeps in variables lives as long as its state, and no longer than
// the epoch.
func TestBumpForgetsVariables(t *testing.T) {
	h := mustHook(t, "local calls = 0\n"+onAuth(`calls = calls + 1 if user == 'bump' then kumo.bump_config_epoch() end return calls == tonumber(password)`))
	for i, want := range []string{"1", "2", "3", "1"} {
		user := "u"
		if i == 2 {
			user = "bump"
		}
		if _, err := h.Authenticate(t.Context(), user, want, testMeta); err != nil {
			t.Errorf("call %d: got %v; want it to be call %s of its state", i, err, want)
		}
	}
}
