package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/handle"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

// newState is a state whose global dir is an empty directory.
func newState(t *testing.T) (s *luatest.State, store *handle.Store, dir string) {
	t.Helper()
	store = handle.NewStore()
	s = luatest.New(t, New(store, nil).Modules()...)
	dir = t.TempDir()
	s.Must(t, fmt.Sprintf(`dir = %q .. '/' path = dir .. 'file' fs = kumo.fs`, dir))
	return s, store, dir
}

func mustWrite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestModes(t *testing.T) {
	s, _, dir := newState(t)
	name := filepath.Join(dir, "file")
	for _, c := range []struct{ before, mode, code, after string }{
		{"old text", "w", `f:write('new')`, "new text"}, // KumoMTA's w does not empty
		{"old text", "wb", `f:seek('set', 4) f:write('TEXT')`, "old TEXT"},
		{"old text", "w+", `f:write('new')`, "new"},
		{"old", "a", `f:write('1') f:write('2')`, "old12"},
		{"old", "a+b", `assert(f:read() == 'old') f:write('1')`, "old1"},
		{"old", "r+", `assert(f:read(1) == 'o') f:write('ff')`, "off"},
		{"", "r+", `f:write('made')`, "made"},
		{"", "a", `f:write('made')`, "made"},
		{"", "w", `f:write('a\0\255')`, "a\x00\xff"},
	} {
		os.Remove(name)
		if c.before != "" {
			mustWrite(t, name, c.before)
		}
		s.Must(t, fmt.Sprintf(`local f = fs.open(path, %q) %s f:flush() f:close() f:close()`, c.mode, c.code))
		if got, err := os.ReadFile(name); err != nil || string(got) != c.after {
			t.Errorf("%q opened with %s, %s: got %q, %v; want %q", c.before, c.mode, c.code, got, err, c.after)
		}
	}
}

func TestReadAndSeek(t *testing.T) {
	s, _, dir := newState(t)
	mustWrite(t, filepath.Join(dir, "file"), "0123456789")
	s.Must(t, `f = fs.open(path)`)
	for _, c := range []struct {
		code string
		want any
	}{
		{`f:read(3)`, "012"}, {`f:seek()`, int64(3)}, {`f:read()`, "3456789"}, {`f:read()`, ""}, {`f:read(5)`, ""},
		{`f:seek('end', -2)`, int64(8)}, {`f:read(100)`, "89"}, {`f:seek('set')`, int64(0)}, {`f:seek(4)`, int64(4)},
		{`f:seek(1, 'cur')`, int64(5)}, {`f:read(0)`, ""}, {`f:seek('end')`, int64(10)},
	} {
		if got := s.Must(t, `return `+c.code); got != c.want {
			t.Errorf("%s: got %#v; want %#v", c.code, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	s, _, dir := newState(t)
	mustWrite(t, filepath.Join(dir, "file"), "x")
	long := filepath.Join(dir, "long")
	mustWrite(t, long, "")
	if err := os.Truncate(long, MaxRead+1); err != nil {
		t.Fatal(err)
	}
	s.Raises(t, `fs.open(dir .. 'none')`, "kumo.fs.open: "+dir+"/none: ")
	s.Raises(t, `fs.open(path, 'x')`, "expected the mode r, w, a")
	s.Raises(t, `fs.open(dir)`, "it is not a regular file")
	s.Raises(t, `fs.open(dir .. 'long'):read()`, "kumo.fs.File:read: "+long+": what is left of it is longer than")
	s.Raises(t, `fs.open(path):read(1e9)`, "expected a whole number from 0 to")
	s.Raises(t, `fs.open(path):seek('middle')`, "kumo.fs.File:seek: expected where to count from")
	s.Raises(t, `fs.open(path):seek(0.5)`, "a whole number")
	s.Raises(t, `fs.open(path):seek('set', -1)`, "kumo.fs.File:seek: ")
	s.Raises(t, `fs.open(path):write('x')`, "kumo.fs.File:write: ")
	for _, method := range []string{"read()", "write('x')", "seek()", "flush()"} {
		s.Raises(t, `local f = fs.open(path, 'a+') f:close() f:`+method, "file already closed")
	}
	s.Raises(t, `fs.open(path).read()`, "a method is called with a colon")
}

func TestFilesAreClosed(t *testing.T) {
	s, store, dir := newState(t)
	mustWrite(t, filepath.Join(dir, "file"), "x")
	s.Must(t, `first = fs.open(path) for i = 1, 64 do last = fs.open(path) end`)
	s.Raises(t, `first:read()`, "file already closed") // the oldest of too many
	s.Must(t, `last:read()`)
	if err := handle.CloseState(s.L); err != nil {
		t.Fatal(err)
	}
	s.Raises(t, `last:read()`, "file already closed")
	s.Must(t, `f = fs.open(path)`)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	s.Raises(t, `f:read()`, "file already closed")
	s.Raises(t, `fs.open(path)`, "it is closed")
}

func TestReadDirectory(t *testing.T) {
	s, _, dir := newState(t)
	for _, name := range []string{"b", "a", "c/d"} {
		mustWrite(t, filepath.Join(dir, name), "")
	}
	want := []any{dir + "/a", dir + "/b", dir + "/c"}
	for _, code := range []string{`fs.read_dir(dir)`, `kumo.read_dir(dir)`} {
		if got := s.Must(t, `return `+code); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v; want %v", code, got, want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := s.Must(t, `return #fs.read_dir(dir .. 'empty')`); got != int64(0) {
		t.Errorf("got %v; want 0", got)
	}
	s.Raises(t, `fs.read_dir(dir .. 'none')`, "kumo.fs.read_dir: ")
	s.Raises(t, `fs.read_dir(dir .. 'a')`, "kumo.fs.read_dir: ")
}

func TestGlob(t *testing.T) {
	s, _, dir := newState(t)
	for _, name := range []string{"a.lua", "b.lua", "b.toml", ".hidden.lua", "x/c.lua", "x/y/d.lua", "x/y/e.json", "x/.git/f.lua", "[z]"} {
		mustWrite(t, filepath.Join(dir, name), "")
	}
	if err := os.Symlink(dir, filepath.Join(dir, "x", "loop")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ pattern, want string }{
		{"*.lua", "a.lua b.lua"},
		{"[b-z].*", "b.lua b.toml"},
		{"?.toml", "b.toml"},
		{"**/*.lua", "a.lua b.lua x/c.lua x/y/d.lua"},
		{"x/**", "x/c.lua x/loop x/y x/y/d.lua x/y/e.json"},
		{"**/*.{json,toml}", "b.toml x/y/e.json"},
		{"{a,x/{c,y/d}}.lua", "a.lua x/c.lua x/y/d.lua"},
		{".*.lua", ".hidden.lua"},
		{"x/y", "x/y"},
		{"./x//y/", "x/y"},
		{"none/*", ""},
		{`\[z\]`, "[z]"},
	} {
		if got := s.Must(t, fmt.Sprintf(`return table.concat(fs.uncached_glob(%q, dir), ' ')`, c.pattern)); got != c.want {
			t.Errorf("%s: got %v; want %v", c.pattern, got, c.want)
		}
	}
	if got := s.Must(t, `return fs.uncached_glob(dir .. 'x/y/*.json')[1]`); got != dir+"/x/y/e.json" {
		t.Errorf("a whole path: got %v; want the same", got)
	}
	for _, pattern := range []string{"[", "{a", "a{b,{c}", "/", "", strings.Repeat("{a,b}", 12)} {
		s.Raises(t, fmt.Sprintf(`kumo.uncached_glob(%q)`, pattern), "kumo.fs.uncached_glob: ")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Try(ctx, `fs.glob('**', '/')`); err == nil {
		t.Error("got a result after the end of the context; want an error")
	}
}

func TestGlobRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := handle.NewStore()
		all := New(store, nil)
		a, b := luatest.New(t, all.Modules()...), luatest.New(t, all.Modules()...)
		dir := t.TempDir()
		count := func(s *luatest.State, ttl string) any {
			return s.Must(t, fmt.Sprintf(`return #kumo.fs.glob('*', %q, %s)`, dir, ttl))
		}
		if got := count(a, "nil"); got != int64(0) {
			t.Errorf("got %v; want 0", got)
		}
		mustWrite(t, filepath.Join(dir, "new"), "")
		<-time.After(time.Minute - 1)
		if got := count(b, "5"); got != int64(0) {
			t.Errorf("within a minute: got %v; want 0", got)
		}
		<-time.After(1)
		if got := count(b, "0.5"); got != int64(1) {
			t.Errorf("after a minute: got %v; want 1", got)
		}
		mustWrite(t, filepath.Join(dir, "newer"), "")
		<-time.After(time.Second)
		if got := count(a, "nil"); got != int64(2) {
			t.Errorf("after half a second: got %v; want 2", got)
		}
		all.SetGlobCapacity(1)
		for i := range 40 {
			a.Must(t, fmt.Sprintf(`kumo.fs.glob('none%d')`, i))
		}
		if got := all.globs.results.Len(); got != 1 {
			t.Errorf("got %d remembered; want 1", got)
		}
	})
}

func TestMetadata(t *testing.T) {
	store := handle.NewStore()
	s := luatest.New(t, New(store, func(_ *lua.LState, t time.Time) lua.LValue { return lua.LNumber(t.Unix()) }).Modules()...)
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	mustWrite(t, name, "12345")
	if err := os.Symlink(name, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	when := time.Unix(1_700_000_000, 0)
	if err := os.Chtimes(name, when, when); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o444); err != nil {
		t.Fatal(err)
	}
	s.Must(t, fmt.Sprintf(`dir = %q .. '/' function m(name) return kumo.fs.metadata_for_path(dir .. name) end
		function l(name) return kumo.fs.symlink_metadata_for_path(dir .. name) end`, dir))
	for _, c := range []struct {
		code string
		want any
	}{
		{`m('file').is_file`, true}, {`m('file').is_dir`, false}, {`m('link').is_file`, true}, {`m('link').is_symlink`, false},
		{`l('link').is_symlink`, true}, {`l('link').is_file`, false}, {`m('').is_dir`, true}, {`m('file').len`, int64(5)},
		{`m('file').readonly`, true}, {`m('').readonly`, false}, {`m('file').mtime`, when.Unix()}, {`m('file').path`, name},
	} {
		if got := s.Must(t, `return `+c.code); got != c.want {
			t.Errorf("%s: got %#v; want %#v", c.code, got, c.want)
		}
	}
	if runtime.GOOS == "linux" {
		if got := s.Must(t, `local d = m('file') return d.size .. ' ' .. d.nlink .. ' ' .. d.uid .. ' ' .. tostring(d.ino > 0) .. ' ' .. d.atime`); got != fmt.Sprintf("5 1 %d true %d", os.Getuid(), when.Unix()) {
			t.Errorf("got %v", got)
		}
	}
	s.Raises(t, `m('none')`, "kumo.fs.metadata_for_path: "+dir+"/none: ")
	text := luatest.New(t, New(store, nil).Modules()...)
	if got := text.Must(t, fmt.Sprintf(`return kumo.fs.metadata_for_path(%q).mtime`, name)); got != "2023-11-14T22:13:20Z" {
		t.Errorf("got %v; want RFC 3339", got)
	}
}
