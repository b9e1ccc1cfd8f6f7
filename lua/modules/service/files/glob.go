package files

import (
	"context"
	"path/filepath"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/glob"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const defaultTTL = time.Minute

func (s *Files) glob(_ *spec.Env, L *lua.LState) int {
	key := globKey{pattern: L.CheckString(1), base: L.OptString(2, "")}
	ttl := defaultTTL
	if L.Get(3) != lua.LNil {
		var err error
		if ttl, err = duration.FromLua(L.CheckNumber(3)); err != nil {
			return call.Raise(L, module+"glob", err)
		}
	}
	names, ok := s.globs.get(key, time.Now())
	if !ok {
		names = s.match(L, "glob", key)
		s.globs.put(key, names, time.Now().Add(ttl))
	}
	L.Push(value.FromGo(L, names))
	return 1
}

func (s *Files) uncachedGlob(_ *spec.Env, L *lua.LState) int {
	names := s.match(L, "uncached_glob", globKey{pattern: L.CheckString(1), base: L.OptString(2, "")})
	L.Push(value.FromGo(L, names))
	return 1
}

func (s *Files) match(L *lua.LState, function string, key globKey) []string {
	ctx := call.Context(L)
	names, err := call.Await(ctx, s.slots, func() ([]string, error) { return match(ctx, key.pattern, key.base) }, nil)
	if err != nil {
		raise(L, function, key.pattern, err)
	}
	return names
}

// match are the paths that match, sorted; those below base are relative to it.
func match(ctx context.Context, pattern, base string) ([]string, error) {
	if base == "" {
		base = "."
	}
	p, err := glob.Parse(pattern)
	if err != nil {
		return nil, err
	}
	search := glob.NewSearch(ctx)
	if err := search.Add(p, base); err != nil {
		return nil, err
	}
	names := search.Found()
	for i, path := range names {
		if relative, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(relative) {
			names[i] = relative
		}
	}
	return names, nil
}
