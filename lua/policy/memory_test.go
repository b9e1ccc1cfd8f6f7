package policy

import (
	"context"
	"runtime"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/examples"
)

// A pool has at most as many states as HookLimits says, 64 by default. Together
// they take no more than this.
const mostMemory = 32 << 20

// TestMemoryOfStates: as many states as may exist at once, each of which has
// answered, with the built-in policy and a handler.
func TestMemoryOfStates(t *testing.T) {
	source := string(examples.Default()) + "\n" + "local kumo = require 'kumo'\n" +
		onAuth(`kumo.log_debug(user) return user == 'alice' and password == kumo.string.trim(' secret ')`)
	p := mustLoad(t, source)
	defer p.Close()
	count := HookLimits{}.withDefaults().States
	states := make([]*state, 0, count)
	before := heapInUse()
	for range count {
		s, err := p.Hooks.program.build(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, errs := s.handle(context.Background(), authEvent, 1, lua.LString("alice"), lua.LString("secret"), lua.LNil); errs != nil {
			t.Fatal(errs)
		}
		states = append(states, s)
	}
	grown := heapInUse() - before
	t.Logf("%d states take %d KiB, each %d bytes", count, grown>>10, grown/int64(count))
	if grown > mostMemory {
		t.Errorf("%d states take %d bytes; want at most %d", count, grown, mostMemory)
	}
	for _, s := range states {
		s.close()
	}
}

// heapInUse is the heap without garbage, in bytes.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what finalizers have let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
