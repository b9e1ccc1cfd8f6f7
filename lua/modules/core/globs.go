package core

import (
	"context"
	"os"
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/glob"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// Globs are the patterns of the files that a change of which is to be noticed.
// Its methods may be called from any goroutine.
type Globs struct {
	mu       sync.Mutex
	patterns []string
}

// NewGlobs has KumoMTA's one pattern.
func NewGlobs() *Globs {
	return &Globs{patterns: []string{"/opt/kumomta/etc/**/*.{lua,json,toml,yaml}"}}
}

// Patterns are those set last. The slice is the caller's.
func (g *Globs) Patterns() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.patterns)
}

func (g *Globs) set(patterns []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.patterns = patterns
}

// Files are the regular files, and the links to some, that match the patterns now,
// in the order of the alphabet. Patterns that are no whole paths begin at the
// working directory. It fails with glob.ErrVisited, or the error of the context.
func (g *Globs) Files(ctx context.Context) ([]string, error) {
	search := glob.NewSearch(ctx)
	for _, text := range g.Patterns() {
		p, err := glob.Parse(text)
		if err != nil {
			return nil, err
		}
		if err := search.Add(p, "."); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(search.Found(), func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || !info.Mode().IsRegular()
	}), nil
}

// mostGlobs bounds the patterns: each is a walk through directories.
const mostGlobs = 100

func (p *Process) globFunctions() []spec.Function {
	return []spec.Function{{
		Name: "set_config_monitor_globs",
		Params: []spec.Param{{Name: "globs", Type: "string[]",
			Doc: "Paths in which * and ? stand for parts of a name, ** for directories, {a,b} for either. Names that begin with a dot are matched by patterns that do."}},
		Doc:  "Says which files belong to the policy beside those that it requires.",
		Call: p.setGlobs,
	}, {
		Name:    "eval_config_monitor_globs",
		Results: []spec.Result{{Type: "string[]", Doc: "In the order of the alphabet."}},
		Doc:     "The files that match the patterns now.",
		Call:    p.evalGlobs,
	}}
}

func (p *Process) setGlobs(_ *spec.Env, L *lua.LState) int {
	const function = "kumo.set_config_monitor_globs"
	list, ok := L.Get(1).(*lua.LTable)
	if !ok {
		L.RaiseError("%s: expected an array of patterns, got %s", function, L.Get(1).Type())
	}
	if list.Len() > mostGlobs {
		L.RaiseError("%s: expected at most %d patterns, got %d", function, mostGlobs, list.Len())
	}
	patterns := make([]string, 0, list.Len())
	for i := 1; i <= list.Len(); i++ {
		text, ok := list.RawGetInt(i).(lua.LString)
		if !ok {
			L.RaiseError("%s: [%d]: expected a pattern such as '/etc/troupe/**/*.lua', got %s", function, i, list.RawGetInt(i).Type())
		}
		if _, err := glob.Parse(string(text)); err != nil {
			L.RaiseError("%s: [%d]: %s", function, i, err)
		}
		patterns = append(patterns, string(text))
	}
	p.Globs.set(patterns)
	return 0
}

func (p *Process) evalGlobs(_ *spec.Env, L *lua.LState) int {
	files, err := p.Globs.Files(contextOf(L))
	if err != nil {
		L.RaiseError("kumo.eval_config_monitor_globs: %s", err)
	}
	list := L.CreateTable(len(files), 0)
	for _, file := range files {
		list.Append(lua.LString(file))
	}
	L.Push(list)
	return 1
}
