// Package files is kumo.fs: files and directories of the machine.
//
// It opens what a script names, with the rights of the daemon; there is no list of
// what it may. Each call ends with the context of its state, even where the
// system does not: what hangs on a dead disk is left behind, a bounded number of
// times. Open files are closed with their state.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/handle"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	module = "kumo.fs."

	maxCalls   = 64      // that wait for the system at once
	maxEntries = 100_000 // of a directory
)

var errEntries = fmt.Errorf("it has more than %d entries", maxEntries)

// Files are those of a process. Its methods may be called from any goroutine.
type Files struct {
	slots   chan struct{}
	handles *handle.Store
	time    func(L *lua.LState, t time.Time) lua.LValue
	globs   *globCache
}

// New has no open files. Open files are handles of the store. time makes the
// times of metadata; nil makes them texts.
func New(handles *handle.Store, time func(L *lua.LState, t time.Time) lua.LValue) *Files {
	if time == nil {
		time = timeText
	}
	return &Files{slots: make(chan struct{}, maxCalls), handles: handles, time: time, globs: newGlobCache()}
}

func timeText(L *lua.LState, t time.Time) lua.LValue { return value.FromGo(L, t.UTC()) }

// SetGlobCapacity bounds how many results kumo.fs.glob remembers.
func (s *Files) SetGlobCapacity(capacity int) { s.globs.resize(capacity) }

// Modules are kumo.fs, and the older names of its functions in kumo.
func (s *Files) Modules() []spec.Module {
	file := s.fileClass()
	var older []spec.Function
	for _, f := range s.listings() {
		f.Doc = "The same as kumo.fs." + f.Name + "."
		older = append(older, f)
	}
	return []spec.Module{
		{
			Name:      "kumo.fs",
			Doc:       "Files and directories.",
			Functions: slices.Concat([]spec.Function{s.open(file)}, s.listings(), s.metadata()),
			Classes:   []spec.Class{*file},
		},
		{Name: "kumo", Doc: "Files and directories.", Functions: older},
	}
}

func (s *Files) listings() []spec.Function {
	pattern := spec.Param{Name: "pattern", Type: "string", Doc: "a path with * ? [a-z] {a,b}, and ** for any number of directories"}
	base := spec.Param{Name: "relative_to", Type: "string?", Doc: "where a pattern that is no whole path begins, and what is cut off from results below it; the working directory"}
	names := []spec.Result{{Type: "string[]", Doc: "their paths, sorted"}}
	const what = "The files and directories that match a pattern. Directories that cannot be read are left out. It raises when the pattern is none, or leads to too many. "
	return []spec.Function{
		{Name: "read_dir", Params: []spec.Param{{Name: "path", Type: "string", Doc: "a directory"}}, Results: names,
			Doc: "What is in a directory.", Call: s.readDirectory},
		{Name: "glob", Params: []spec.Param{pattern, base, {Name: "ttl", Type: "number?", Doc: "for how many seconds the result is remembered; 60"}}, Results: names,
			Doc: what + "The result is remembered for all states.", Call: s.glob},
		{Name: "uncached_glob", Params: []spec.Param{pattern, base}, Results: names, Doc: what, Call: s.uncachedGlob},
	}
}

func (s *Files) readDirectory(_ *spec.Env, L *lua.LState) int {
	path := L.CheckString(1)
	names, err := call.Await(call.Context(L), s.slots, func() ([]string, error) { return entries(path) }, nil)
	if err != nil {
		return raise(L, "read_dir", path, err)
	}
	L.Push(value.FromGo(L, names))
	return 1
}

func entries(path string) ([]string, error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }() // nothing was written
	names, err := d.Readdirnames(maxEntries + 1)
	switch {
	case len(names) > maxEntries:
		return nil, errEntries
	case len(names) == 0 && err != nil && !isEnd(err):
		return nil, err
	}
	for i := range names {
		names[i] = joined(path, names[i])
	}
	slices.Sort(names)
	return append([]string{}, names...), nil
}

// joined keeps a leading "./", as KumoMTA does.
func joined(directory, name string) string {
	if strings.HasSuffix(directory, string(filepath.Separator)) {
		return directory + name
	}
	return directory + string(filepath.Separator) + name
}

// raise raises an error about a path.
func raise(L *lua.LState, function, path string, err error) int {
	return call.Raise(L, module+function, about(path, err))
}

// about is an error that names the path once.
func about(path string, err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}
