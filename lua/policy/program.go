package policy

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/modules/core"
	"github.com/troupe-proxy/troupe/lua/modules/service"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// program is what all Lua states of one load share: the text of the policy as it
// was when it was loaded, compiled once. It may be used by any goroutine.
type program struct {
	name    string
	options Options
	log     *slog.Logger // with the target of a policy's own words
	main    *lua.FunctionProto
	chunks  chunks
	process *core.Process
	// services is the daemon's, or this load's own.
	services *service.Process
	access   *access.Engine // who may do what on HTTP listeners
	modules  *modules.Index
	hooks    *Hooks
}

// newProgram compiles a policy and runs nothing of it.
func newProgram(name string, source []byte, o Options) (*program, Errors) {
	p := &program{
		name:    name,
		options: o,
		log:     o.Log.With(slog.String("target", "lua")),
		chunks:  chunks{byFile: make(map[string]*lua.FunctionProto), trees: make(map[string]syntaxTree)},
	}
	p.process = &core.Process{
		Limits:       pool.NewLimits(),
		Globs:        core.NewGlobs(),
		SetLogFilter: o.SetLogFilter,
		Figures:      o.Figures,
		Bump:         func() { p.hooks.Bump() },
	}
	main, err := p.chunks.compile(name, source)
	if err != nil {
		return nil, Errors{err}
	}
	p.main = main
	p.services = o.Services
	if p.services == nil {
		p.services = OpenServices(o.Epoch)
	}
	p.access = access.NewEngine(o.Epoch.Load)
	p.modules = p.index()
	p.hooks = newHooks(p)
	return p, nil
}

// build makes a state for the pools and runs the top level of the policy in it.
func (p *program) build(ctx context.Context) (*state, error) {
	s := p.newState(nil)
	if errs := s.runTop(ctx); errs != nil {
		s.close()
		return nil, errs
	}
	return s, nil
}

// chunks are the compiled files of a policy. A compiled chunk is not written to,
// so any number of states may run it.
type chunks struct {
	mu     sync.Mutex
	byFile map[string]*lua.FunctionProto
	// trees has the syntax trees for as long as the load lasts: a running Lua
	// function knows the line of its call but not those of the keys.
	trees map[string]syntaxTree
}

// file gives the compiled text of a file as it was when it was first asked for.
func (c *chunks) file(name string) (*lua.FunctionProto, *Error) {
	c.mu.Lock()
	chunk := c.byFile[name]
	c.mu.Unlock()
	if chunk != nil {
		return chunk, nil
	}
	source, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return c.compile(name, source)
}

func (c *chunks) has(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byFile[name] != nil
}

func (c *chunks) compile(name string, source []byte) (*lua.FunctionProto, *Error) {
	tree, err := parse(name, source)
	if err != nil {
		return nil, err
	}
	chunk, err := compile(name, tree)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.byFile[name]; first != nil {
		return first, nil // another state was quicker: all run the same
	}
	c.byFile[name] = chunk
	if c.trees != nil {
		c.trees[name] = tree
	}
	return chunk, nil
}

func (c *chunks) tree(name string) syntaxTree {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trees[name]
}

// forgetTrees is called once nobody asks for the place of a key any more.
func (c *chunks) forgetTrees() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trees = nil
}

// files are the names of all files that were read so far, sorted.
func (c *chunks) files() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.byFile))
}
