package policy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/accesslog"
	"github.com/troupe-proxy/troupe/internal/acctlog"
	"github.com/troupe-proxy/troupe/lua/modules/data"
	"github.com/troupe-proxy/troupe/lua/modules/service"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// Options of a load. The zero value is right for the daemon, except for Log,
// Version, Meter, SetLogFilter and Figures.
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
	// Sandbox: the policy opens no files and starts no processes, see sandbox.go.
	Sandbox bool
	// Hooks bounds what the calls of handlers may cost.
	Hooks HookLimits
	// Meter counts the calls of handlers. It is the same for each load, so that
	// counters only grow. Nil: one for this load alone.
	Meter *pool.Meter
	// Services has what Lua states share beyond one load: databases, caches,
	// connections. It is made by OpenServices. Nil: one for this load alone, which
	// ends with it.
	Services *service.Process
	// Epoch is raised by kumo.bump_config_epoch and by Hooks.Start. It is what
	// Services was opened with, so that its caches notice. Nil: one for this load
	// alone.
	Epoch *atomic.Uint64
	// SetLogFilter is what kumo.set_diagnostic_log_filter calls. Nil: that is refused.
	SetLogFilter func(filter string) error
	// AcctLog is what Hooks.Start configures as the policy asks for, and what is
	// told of logins and decisions. It is the same for each load. Nil: there is none.
	AcctLog *acctlog.Log
	// AccessLog is what Hooks.Start configures as the policy asks for. It is the same
	// for each load. Nil: there is none.
	AccessLog *accesslog.Log
	// Figures is what kumo.prometheus_metrics gives, as plain values in the shape
	// of /metrics.json. Nil: that is refused.
	Figures func(ctx context.Context) (any, error)
}

func (o Options) withDefaults() Options {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Version = cmp.Or(o.Version, "unknown")
	o.Deadline = cmp.Or(o.Deadline, 30*time.Second)
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Meter == nil {
		o.Meter = pool.NewMeter()
	}
	if o.Epoch == nil {
		o.Epoch = &atomic.Uint64{}
	}
	return o
}

// OpenServices is what stands in Options as Services, for an epoch that stands
// there too. The caller closes it once the last policy is closed.
func OpenServices(epoch *atomic.Uint64) *service.Process {
	return service.NewProcess(service.Options{Epoch: epoch.Load, Time: data.NewTime})
}

// Load reads the file and runs it. The caller owns the Policy and ends it with
// Close. The error is an Errors; errors.Is sees fs.ErrNotExist,
// context.DeadlineExceeded, pool.ErrHeap and such in it.
func Load(ctx context.Context, path string, o Options) (*Policy, error) {
	source, failed := readFile(path)
	if failed != nil {
		return nil, Errors{failed}
	}
	p, err := LoadSource(ctx, path, source, o)
	if err != nil {
		return nil, err
	}
	p.Files = slices.Sorted(slices.Values(append(p.Files, path)))
	return p, nil
}

// LoadSource runs a policy whose text is not in a file, or was read already. The
// name stands in positions and in Policy.Name. The rest is as with Load.
func LoadSource(ctx context.Context, name string, source []byte, o Options) (*Policy, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.Deadline)
	defer cancel()
	program, errs := newProgram(name, source, o)
	if errs != nil {
		return nil, errs
	}
	sum := sha256.Sum256(source)
	l := &load{
		policy: Policy{Name: name, SHA256: hex.EncodeToString(sum[:]), Hooks: program.hooks},
		taken:  addresses{},
	}
	err := pool.Watch(ctx, o.Hooks.HeapBudget, func(ctx context.Context) error {
		if errs := l.run(ctx, program); len(errs) > 0 {
			return errs
		}
		return nil
	})
	if err != nil {
		program.hooks.Close()
		if errors.Is(err, pool.ErrHeap) {
			debug.FreeOSMemory() // what the daemon goes on with is far less
		}
		return nil, err
	}
	return &l.policy, nil
}

// proxyInit is the event that starts the listeners.
const proxyInit = "proxy_init"

// load gathers what one run of proxy_init asks for. It belongs to one goroutine.
type load struct {
	policy      Policy
	taken       addresses
	accessLogAt Position // where it was configured; Line 0: nowhere yet
	groupsAt    Position // likewise the groups of destinations
}

// run is the whole life of the first Lua state, the only one in which proxy_init
// runs. The pools have others: they must not see what only this one has done.
func (l *load) run(ctx context.Context, p *program) (errs Errors) {
	// A panic in Go that Lua did not turn into an error must not end the daemon.
	defer func() {
		if reason := recover(); reason != nil {
			errs = Errors{{Position: Position{File: l.policy.Name}, Msg: fmt.Sprintf("internal error: %v", reason)}}
		}
	}()
	s := p.newState(l)
	defer s.close()
	if errs := s.runTop(ctx); errs != nil {
		return errs
	}
	p.hooks.register(s.handlers)
	if _, ok := s.handlers[proxyInit]; ok {
		if _, errs := s.handle(ctx, proxyInit, 0); errs != nil {
			return errs
		}
	}
	p.chunks.forgetTrees()
	l.policy.Files = slices.DeleteFunc(p.chunks.files(), func(name string) bool { return name == p.name })
	l.policy.globs = p.process.Globs
	return nil
}
