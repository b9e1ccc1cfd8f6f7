// Package data holds the functions of a policy that work on data alone: text
// formats, strings, regular expressions, maps by address and by name, digests and
// ciphers, encodings, times and UUIDs.
//
// It opens no socket and keeps nothing: what a function needs comes in its
// arguments, from files that a policy names (the *_load functions), or from the
// spec.Env of the state (keys). Results go back to Lua. The descriptions that
// Modules returns hold no state and may be used for any number of Lua states; an
// object that a function returns belongs to the state that made it, except those
// that value.Shareable lets pass.
//
// # Limits
//
// No argument and no result is longer than 16 MiB, YAML and TOML texts not longer
// than 1 MiB, the subjects of regular expressions not longer than 128 KiB. What takes longer than a
// moment at such a size looks at the context of the state; a regular expression is
// given up at its deadline, or after five seconds if that is sooner.
//
// # Errors
//
// Every error is a Lua error that names the function, the argument and what was
// expected. None shows a value out of an argument, which may be secret; an error
// in a document names the line instead.
package data

import (
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// Options are what the functions need of the process. The zero value is right
// for tests.
type Options struct {
	// Timer takes what the timers of kumo.time.start_timer measured. It is called
	// in the goroutine of any state. Nil drops it.
	Timer func(label string, took time.Duration)
}

// Modules describes the modules of this package.
func Modules(o Options) []spec.Module {
	return []spec.Module{
		serdeModule(), coreModule(),
		stringModule(), regexModule(), regexSetModule(),
		cidrModule(), domainModule(),
		digestModule(), cryptoModule(), encodeModule(),
		timeModule(o), uuidModule(),
	}
}

// coreModule are the names that stand in kumo itself.
func coreModule() spec.Module {
	var functions []function
	for _, f := range serdeFunctions() {
		if isOlderAlias(f.name) {
			f.doc = "The same as kumo.serde." + f.name + "."
			functions = append(functions, f)
		}
	}
	functions = append(functions, sleepFunction())
	m := module("kumo", "Older names of functions that stand in modules of their own now.", functions)
	m.Refused = map[string]string{
		"file_type": "it would need a table of file formats, and a proxy sees no files",
	}
	return m
}

func isOlderAlias(name string) bool {
	switch name {
	case "json_load", "json_parse", "json_encode", "json_encode_pretty",
		"toml_load", "toml_parse", "toml_encode", "toml_encode_pretty":
		return true
	}
	return false
}
