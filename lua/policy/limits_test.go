package policy

import (
	"strings"
	"testing"
)

// TestLimitsOfStates: what a policy says of its states holds for those that serve
// clients. The handler is asked which call of its state it is.
func TestLimitsOfStates(t *testing.T) {
	for limit, want := range map[string][]string{
		"":                                      {"1", "2", "3", "4"},
		"kumo.set_max_lua_context_use_count(2)": {"1", "2", "1", "2"},
		"kumo.set_max_lua_context_age(0)":       {"1", "1", "1", "1"},
		"kumo.set_max_spare_lua_contexts(0)":    {"1", "1", "1", "1"},
		"kumo.set_max_spare_lua_contexts(1)":    {"1", "2", "3", "4"},
		"kumo.set_lua_gc_on_put(100)":           {"1", "2", "3", "4"},
	} {
		h := mustHook(t, limit+"\nlocal calls = 0\n"+onAuth("calls = calls + 1 return tostring(calls) == password"))
		for i, call := range want {
			if _, err := h.Authenticate(t.Context(), "u", call, testMeta); err != nil {
				t.Errorf("%s: call %d: got %v; want it to be call %s of its state", limit, i+1, err, call)
			}
		}
	}
}

// TestKeysFromHandlers: kumo.secrets.load calls the handler of an event with the
// arguments one by one, and takes what it returns as bytes.
func TestKeysFromHandlers(t *testing.T) {
	h := mustHook(t, `
kumo.on('key', function(...)
  assert(_KUMO_CURRENT_EVENT == 'key')
  local parts = {}
  for i = 1, select('#', ...) do parts[i] = tostring((select(i, ...))) end
  return '\0\255' .. table.concat(parts, '|')
end)
kumo.on('none', function() end)
kumo.on('number', function() return 7 end)
kumo.on('bad', function() error('the store is closed') end)
`+onAuth(`return kumo.secrets.load { event_name = user, event_args = { 'a', 2, true } } == '\0\255a|2|true' and password == 'p'`))
	if _, err := h.Authenticate(t.Context(), "key", "p", testMeta); err != nil {
		t.Errorf("got %v; want the bytes of the handler", err)
	}
	for event, want := range map[string]string{
		"none":   "kumo.secrets.load: event none: its handler did not return a string",
		"number": "kumo.secrets.load: event number: its handler did not return a string",
		"bad":    "the store is closed",
		"nobody": "kumo.secrets.load: Event nobody has not been registered",
	} {
		_, err := h.Authenticate(t.Context(), event, "p", testMeta)
		if got := errText(err); !strings.Contains(got, want) {
			t.Errorf("%s: got %q; want %q in it", event, got, want)
		}
	}
	_, err := LoadSource(t.Context(), "p.lua", []byte(`require('kumo').secrets.load { event_name = 'key' }`), Options{})
	if got, want := errText(err), "expected "+keySourceForm; !strings.Contains(got, want) {
		t.Errorf("without event_args: got %q; want %q in it, as in KumoMTA", got, want)
	}
}
