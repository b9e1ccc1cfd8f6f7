package policy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Options of a load. The zero value is right for the daemon, except for Log and
// Version.
type Options struct {
	// Log takes what the policy writes with kumo.log_error, log_warn, log_info
	// and log_debug, each record with the attribute target=lua. Nil discards it.
	Log *slog.Logger
	// Version is kumo.version. Empty means "unknown".
	Version string
	// Deadline bounds the whole load, proxy_init included. Zero means 30 s: long
	// enough for a policy that asks a database, short enough for a person who
	// waits for a reload.
	Deadline time.Duration
	// Stdout takes what the policy writes with print. Nil means os.Stdout.
	Stdout io.Writer
}

func (o Options) withDefaults() Options {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Version = cmp.Or(o.Version, "unknown")
	o.Deadline = cmp.Or(o.Deadline, 30*time.Second)
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	return o
}

// Load reads the file and runs it. The error is an Errors; errors.Is sees
// fs.ErrNotExist, context.DeadlineExceeded and such in it.
func Load(ctx context.Context, path string, o Options) (*Policy, error) {
	source, err := readFile(path)
	if err != nil {
		return nil, Errors{err}
	}
	return LoadSource(ctx, path, source, o)
}

// LoadSource runs a policy whose text is not in a file, or was read already. The
// name stands in positions and in Policy.Name. The error is an Errors.
func LoadSource(ctx context.Context, name string, source []byte, o Options) (*Policy, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.Deadline)
	defer cancel()
	sum := sha256.Sum256(source)
	l := &load{
		ctx:      ctx,
		options:  o,
		policy:   Policy{Name: name, SHA256: hex.EncodeToString(sum[:])},
		sources:  sources{trees: map[string]syntaxTree{}},
		handlers: map[string]handler{},
		taken:    addresses{},
	}
	if errs := l.run(source); len(errs) > 0 {
		return nil, errs
	}
	return &l.policy, nil
}

// proxyInit is the event that starts the listeners.
const proxyInit = "proxy_init"

// load is one run of a policy. It belongs to one goroutine, and so does its Lua
// state.
type load struct {
	ctx      context.Context
	options  Options
	policy   Policy
	sources  sources
	handlers map[string]handler
	taken    addresses
	// event is the event whose handler runs, empty at the top level of the file.
	event string
	// raised is what one of our functions raised last, to know it again when it
	// comes back out of Lua as plain text.
	raised Errors
}

// handler is what kumo.on registered.
type handler struct {
	function *lua.LFunction
	at       Position
}

// run is the whole life of the Lua state.
func (l *load) run(source []byte) (errs Errors) {
	// A panic in Go that Lua did not turn into an error must not end the daemon.
	defer func() {
		if reason := recover(); reason != nil {
			errs = Errors{{Position: Position{File: l.policy.Name}, Msg: fmt.Sprintf("internal error: %v", reason)}}
		}
	}()
	tree, err := parse(l.policy.Name, source)
	if err != nil {
		return Errors{err}
	}
	l.sources.add(l.policy.Name, tree)
	chunk, err := compile(l.policy.Name, tree)
	if err != nil {
		return Errors{err}
	}

	L := lua.NewState(lua.Options{
		SkipOpenLibs:        true,
		MinimizeStackMemory: true,
		CallStackSize:       2000, // nested calls; a traceback takes the square of it
		RegistrySize:        1024,
		RegistryGrowStep:    1024,
		RegistryMaxSize:     256 * 1024,
	})
	defer L.Close()
	L.SetContext(l.ctx)
	l.openLibraries(L)
	l.openRequire(L)
	l.openModules(L)

	if errs := l.call(L, L.NewFunctionFromProto(chunk)); errs != nil {
		return errs
	}
	start, ok := l.handlers[proxyInit]
	if !ok {
		return nil
	}
	l.event = proxyInit
	return l.call(L, start.function)
}

// call runs a function without arguments; what it returns is dropped.
func (l *load) call(L *lua.LState, f *lua.LFunction) Errors {
	L.Push(f)
	if err := L.PCall(0, 0, nil); err != nil {
		return l.explain(L, err)
	}
	return nil
}
