package engine

import (
	"fmt"
	"runtime/debug"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Nothing used to bound how many coroutines wait: a million took 7.4 GB.
func TestTooManyCoroutines(t *testing.T) {
	L, _ := mustState(t, Options{})
	for _, create := range []string{"coroutine.create(print)", "coroutine.wrap(print)"} {
		results, err := run(t, L, fmt.Sprintf("local all = {} while #all < 1e5 do local ok, c = pcall(function() return %s end) if not ok then return #all, c end all[#all + 1] = c end", create))
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("test:1: too many coroutines (limit is %d)", mostCoroutines)
		if got := results; len(got) != 2 || got[0] != lua.LNumber(mostCoroutines) || got[1].String() != want {
			t.Errorf("%s: got %v; want %d and %q", create, got, mostCoroutines, want)
		}
	}
}

// A policy may make any number of them one after the other, whether it lets them
// come to their end or not.
func TestForgottenCoroutines(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // none is collected by chance
	L, _ := mustState(t, Options{})
	for _, body := range []string{"coroutine.wrap(function() coroutine.yield() end)()", "coroutine.wrap(print)", "coroutine.wrap(function() end)()"} {
		if _, err := run(t, L, fmt.Sprintf("for i = 1, %d do %s end", 5*mostCoroutines/2, body)); err != nil {
			t.Errorf("%s: got %v", body, err)
		}
	}
}
