package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// in names the files of a directory that end in .lua.
func in(dir string) Files {
	return func(context.Context) ([]string, error) { return filepath.Glob(filepath.Join(dir, "*.lua")) }
}

// watched runs f in a bubble, where time is what f makes it, on a watcher that is
// told of nothing and has to look. changes counts what it tells.
func watched(t *testing.T, f func(w *Watcher, dir string, changes *atomic.Int64)) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "policy.lua"), "first")
	synctest.Test(t, func(t *testing.T) {
		var changes atomic.Int64
		w := New(Options{Changed: func() { changes.Add(1) }, deaf: true})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); w.Run(ctx) }()
		w.Watch(in(dir), Mark{})
		synctest.Wait()
		f(w, dir, &changes)
		cancel()
		<-ended
	})
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func wantChanges(t *testing.T, changes *atomic.Int64, want int64, when string) {
	t.Helper()
	if got := changes.Load(); got != want {
		t.Fatalf("%s: told of %d changes; want %d", when, got, want)
	}
}

// A change is told once it has been quiet for its time.
func TestTellsWhenQuiet(t *testing.T) {
	watched(t, func(_ *Watcher, dir string, changes *atomic.Int64) {
		path := filepath.Join(dir, "policy.lua")
		pass(time.Hour)
		wantChanges(t, changes, 0, "nothing happened")
		write(t, path, "second")
		pass(10 * time.Second)
		wantChanges(t, changes, 0, "not quiet yet")
		write(t, path, "third") // an editor saves twice
		pass(5 * time.Second)
		wantChanges(t, changes, 0, "changed again")
		pass(5 * time.Second)
		wantChanges(t, changes, 1, "quiet")
		pass(time.Hour)
		wantChanges(t, changes, 1, "long after")
	})
}

// What counts is what is in the files.
func TestTellsOfContentsAlone(t *testing.T) {
	watched(t, func(_ *Watcher, dir string, changes *atomic.Int64) {
		path := filepath.Join(dir, "policy.lua")
		must(t, os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)))
		write(t, filepath.Join(dir, "other.txt"), "x")
		write(t, path, "first")
		pass(time.Minute)
		wantChanges(t, changes, 0, "the same text again")
		write(t, path, "second")
		pass(12 * time.Second)
		write(t, path, "first")
		pass(time.Minute)
		wantChanges(t, changes, 0, "taken back")
	})
}

// However a file is replaced, and whatever comes and goes, it is a change.
func TestTellsHoweverItChanges(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, dir string)
	}{
		{"renamed over", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "new"), "second")
			must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "policy.lua")))
		}},
		{"a file more", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "more.lua"), "") }},
		{"a file less", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "policy.lua"))) }},
		{"another name", func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "policy.lua"), filepath.Join(dir, "other.lua")))
		}},
		{"the directory is gone", func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			watched(t, func(_ *Watcher, dir string, changes *atomic.Int64) {
				tc.change(t, dir)
				pass(15 * time.Second)
				wantChanges(t, changes, 1, "changed")
				must(t, os.RemoveAll(dir))
				must(t, os.MkdirAll(dir, 0o700))
				write(t, filepath.Join(dir, "policy.lua"), "third")
				pass(15 * time.Second)
				wantChanges(t, changes, 2, "changed again")
			})
		})
	}
}

// A link that leads through another, as Kubernetes mounts a ConfigMap, changes
// with that.
func TestTellsOfLinks(t *testing.T) {
	watched(t, func(w *Watcher, dir string, changes *atomic.Int64) {
		for name, text := range map[string]string{"v1": "one", "v2": "two"} {
			must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
			write(t, filepath.Join(dir, name, "x"), text)
		}
		if err := os.Symlink("v1", filepath.Join(dir, "..data")); err != nil {
			t.Skipf("no links here: %v", err)
		}
		must(t, os.Symlink("..data/x", filepath.Join(dir, "linked.lua")))
		w.Watch(in(dir), Mark{})
		pass(time.Minute)
		wantChanges(t, changes, 0, "nothing happened")
		must(t, os.Symlink("v2", filepath.Join(dir, "..new")))
		must(t, os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")))
		pass(15 * time.Second)
		wantChanges(t, changes, 1, "the link leads elsewhere")
	})
}

// What changes while somebody reads the files is told afterwards.
func TestMark(t *testing.T) {
	watched(t, func(w *Watcher, dir string, changes *atomic.Int64) {
		mark := w.Mark(t.Context())
		write(t, filepath.Join(dir, "policy.lua"), "second")
		w.Watch(in(dir), mark)
		pass(5 * time.Second)
		wantChanges(t, changes, 1, "changed since the mark")
		write(t, filepath.Join(dir, "policy.lua"), "third")
		w.Watch(in(dir), w.Mark(t.Context()))
		pass(time.Minute)
		wantChanges(t, changes, 1, "marked after the change")
		w.Watch(nil, Mark{})
		synctest.Wait()
		if m := w.Mark(t.Context()); m.ok {
			t.Error("there is a mark of nothing")
		}
		write(t, filepath.Join(dir, "policy.lua"), "fourth")
		pass(time.Hour)
		wantChanges(t, changes, 1, "nothing is watched")
	})
}

// Files that cannot be told are asked for again.
func TestFilesThatCannotBeTold(t *testing.T) {
	watched(t, func(w *Watcher, dir string, changes *atomic.Int64) {
		var broken atomic.Bool
		w.Watch(func(ctx context.Context) ([]string, error) {
			if broken.Load() {
				return nil, errors.New("too many")
			}
			return in(dir)(ctx)
		}, Mark{})
		synctest.Wait()
		broken.Store(true)
		write(t, filepath.Join(dir, "policy.lua"), "second")
		pass(time.Hour)
		wantChanges(t, changes, 0, "not to be told")
		broken.Store(false)
		pass(15 * time.Second)
		wantChanges(t, changes, 1, "to be told again")
	})
}

// The system tells of a change long before anybody would look.
func TestIsTold(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.lua")
	write(t, path, "first")
	changes := make(chan struct{}, 10)
	w := New(Options{Changed: func() { changes <- struct{}{} }, Poll: time.Hour, Quiet: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	w.Watch(in(dir), Look(ctx, in(dir)))
	for _, text := range []string{"second", "third"} {
		write(t, path+".new", text)
		must(t, os.Rename(path+".new", path))
		select {
		case <-changes:
		case <-time.After(patience):
			t.Fatal("not told of the change")
		}
	}
	cancel()
	<-ended
}

// Two lists of files never have one digest.
func TestDigest(t *testing.T) {
	dir := t.TempDir()
	a, b, ab := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "ab")
	write(t, a, "xy")
	write(t, b, "x")
	write(t, ab, "")
	seen := make(map[digest][]string)
	for _, names := range [][]string{nil, {a}, {b}, {ab}, {a, b}, {b, a}, {a, b, ab}, {dir}, {filepath.Join(dir, "none")}} {
		d, err := read(t.Context(), names)
		must(t, err)
		if other, known := seen[d]; known {
			t.Errorf("%q has the digest of %q", names, other)
		}
		seen[d] = slices.Clone(names)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := read(ctx, []string{a}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v; want %v", err, context.Canceled)
	}
}
