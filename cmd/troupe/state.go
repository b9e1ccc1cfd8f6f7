package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/troupe-proxy/troupe/internal/kept"
)

// keeper keeps the policy that is served in the state directory, if there is one,
// and starts from there when the file is of no use. It belongs to one goroutine at
// a time.
type keeper struct {
	store  *kept.Store // nil: nothing is kept
	dir    string      // of it; "": there is none
	strict bool
	log    *slog.Logger
}

// stateDirectory is that of the flag, or else of systemd, which may name several:
// STATE_DIRECTORY in systemd.exec(5). Only policies from a file are kept.
func stateDirectory(f *flags, p process) string {
	if f.stateDir != "" || f.proxyConfig == "" {
		return f.stateDir
	}
	if list, _ := p.lookup("STATE_DIRECTORY"); list != "" {
		return filepath.SplitList(list)[0]
	}
	return ""
}

// openKeeper opens the state directory. To be without one is no reason not to
// serve.
func openKeeper(f *flags, p process, log *slog.Logger) *keeper {
	k := &keeper{strict: f.strict, log: log}
	dir := stateDirectory(f, p)
	k.dir = dir
	if dir == "" {
		return k
	}
	store, err := kept.Open(dir)
	if err != nil {
		log.Error("no policy is kept for a start with a broken one", slog.Any("error", err))
		return k
	}
	k.store = store
	return k
}

// keep keeps a policy that is served now.
func (k *keeper) keep(l *loaded) {
	if k.store == nil || len(l.files.Files) == 0 || len(l.Listeners) == 0 {
		return
	}
	if err := k.store.Keep(l.files); err != nil {
		k.log.Error("the policy is not kept for a start with a broken one", slog.Any("error", err))
	}
}

// load loads the policy at the start, or the one kept from an earlier run when the
// file is broken or gone, or serves nobody: a file that was cut short to nothing
// is a policy that says nothing.
func (k *keeper) load(ctx context.Context, s *source) (*loaded, error) {
	l, err := s.load(ctx)
	if k.store == nil || k.strict || ctx.Err() != nil {
		return l, err
	}
	switch {
	case err != nil:
		return k.loadKept(ctx, s, err)
	case len(l.Listeners) > 0:
		return l, nil
	}
	old, err := k.loadKept(ctx, s, errNobody)
	if err != nil {
		return l, nil // as without a state directory
	}
	l.Close()
	return old, nil
}

// errNobody says that a policy starts no proxy listener.
var errNobody = errors.New("it starts no proxy listener: nobody would be served")

// loadKept loads the kept policy. err is why, and what is returned when there is none.
func (k *keeper) loadKept(ctx context.Context, s *source, err error) (*loaded, error) {
	last, kerr := k.store.Load()
	switch {
	case errors.Is(kerr, kept.ErrNone):
		return nil, err
	case kerr != nil:
		k.log.Error("the kept policy is of no use", slog.Any("error", kerr))
		return nil, err
	case !sameFile(last.Name(), s.flags.proxyConfig):
		k.log.Error("the kept policy is that of another file",
			slog.String("policy", s.flags.proxyConfig), slog.String("kept", last.Name()))
		return nil, err
	}
	old, kerr := s.loadKept(ctx, last)
	if kerr != nil {
		k.log.Error("the kept policy is of no use", slog.String("kept", k.store.Path()), slog.Any("error", kerr))
		return nil, err
	}
	k.log.Error("the policy is broken: the one kept from an earlier run is served until it is mended",
		slog.String("policy", s.flags.proxyConfig), slog.Any("error", err),
		slog.String("kept", k.store.Path()), slog.String("saved", last.Saved.Format(time.RFC3339)))
	return old, nil
}

// sameFile says whether two names are of one file, however they are written.
func sameFile(a, b string) bool {
	a, erra := filepath.Abs(a)
	b, errb := filepath.Abs(b)
	return erra == nil && errb == nil && a == b
}
