package engine

import (
	"cmp"
	"io"
	"os"

	lua "github.com/yuin/gopher-lua"
)

const (
	// defaultMemory is the longest string in bytes when Options.Memory is zero.
	defaultMemory = 16 << 20
	// defaultCallDepth is how many calls may be active when Options.CallDepth is
	// zero. One call costs about a kilobyte of Go's stack when it is reached
	// through a metamethod, so this is some megabytes at worst.
	defaultCallDepth = 6000
)

// Options of a state. The zero value is ready for use.
type Options struct {
	// Stdout takes what print, io.write and io.stdout write. Nil means os.Stdout.
	// The engine never closes it.
	Stdout io.Writer
	// Stderr takes what io.stderr and warn write. Nil means os.Stderr. The engine
	// never closes it.
	Stderr io.Writer
	// SearchPath is the first package.path, patterns with "?" separated by ";".
	// Empty means "./?.lua;./?/init.lua".
	SearchPath string
	// Memory is the longest string in bytes that a library function or the operator
	// ".." builds. Zero means 16 MiB. A ".." that adds no more to one string than a
	// short text written out in the chunk is not looked at.
	Memory int
	// CallDepth is how many Lua calls may be active at once, over all coroutines
	// that wait for each other. Zero means 6000; it is held to 200 to 20000.
	CallDepth int
	// Compile reads and compiles the file that require, dofile and loadfile found.
	// It may return the same chunk to many states: a chunk is not written to once
	// it is compiled. An error that is fs.ErrNotExist and such reaches Lua with its
	// text. Nil reads the file each time.
	Compile func(path string) (*lua.FunctionProto, error)
}

func (o Options) withDefaults() Options {
	o.Stdout, o.Stderr = newOutlet(o.Stdout, os.Stdout), newOutlet(o.Stderr, os.Stderr)
	o.SearchPath = cmp.Or(o.SearchPath, "./?.lua;./?/init.lua")
	o.Memory = cmp.Or(max(o.Memory, 0), defaultMemory)
	o.CallDepth = min(max(cmp.Or(o.CallDepth, defaultCallDepth), 200), 20_000)
	if o.Compile == nil {
		o.Compile = compileFile
	}
	return o
}
