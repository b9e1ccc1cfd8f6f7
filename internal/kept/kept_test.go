package kept

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "hunter2"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "a", "state"))
	must(t, err)
	return s
}

func anyPolicy() Policy {
	return Policy{Files: []File{
		{"/etc/troupe/policy.lua", []byte("local password = '" + secret + "' -- \xff\x00 is no UTF-8")},
		{"./lib/more.lua", nil},
		{"lib/other.lua", []byte("return 1\n")},
	}}
}

// What is kept comes back, also to a daemon that is started later.
func TestKeepAndLoad(t *testing.T) {
	s := mustOpen(t)
	if _, err := s.Load(); !errors.Is(err, ErrNone) {
		t.Errorf("nothing was kept: got error %v; want %v", err, ErrNone)
	}
	want := anyPolicy()
	for range 2 {
		must(t, s.Keep(want))
		again, err := Open(s.dir)
		must(t, err)
		got, err := again.Load()
		must(t, err)
		if got.Saved.IsZero() || got.Sum() != want.Sum() || got.Name() != want.Name() {
			t.Errorf("got %q; want what was kept, and when", got.Name())
		}
		for _, f := range want.Files {
			text, err := got.Read(f.Name)
			if err != nil || !bytes.Equal(text, f.Text) {
				t.Errorf("%s: got %q, error %v; want %q", f.Name, text, err, f.Text)
			}
		}
		if _, err := got.Read("lib/more.lua"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a name that was not kept: got error %v; want %v", err, fs.ErrNotExist)
		}
		want.Files[1].Text = []byte("changed")
	}
	if files, err := os.ReadDir(s.dir); err != nil || len(files) != 1 {
		t.Errorf("the directory has %v, error %v; want one file", files, err)
	}
}

func TestIsForItsOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other rights")
	}
	s := mustOpen(t)
	must(t, s.Keep(anyPolicy()))
	for path, want := range map[string]fs.FileMode{s.Path(): 0o600, s.dir: 0o700} {
		info, err := os.Stat(path)
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the rights %o; want %o", path, got, want)
		}
	}
}

// Every byte counts: a file that is not what was written is not run.
func TestDamage(t *testing.T) {
	s := mustOpen(t)
	must(t, s.Keep(anyPolicy()))
	whole, err := os.ReadFile(s.Path())
	must(t, err)
	first, err := s.Load()
	must(t, err)
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		must(t, os.WriteFile(s.Path(), damaged, 0o600))
		got, err := s.Load()
		switch {
		case err == nil && !reflect.DeepEqual(got.Files, first.Files):
			t.Fatalf("byte %d: damage was not noticed", i)
		case err != nil && !errors.Is(err, ErrDamaged):
			t.Fatalf("byte %d: got error %v; want %v", i, err, ErrDamaged)
		case err != nil && (strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), s.Path())):
			t.Fatalf("byte %d: %v: want the path and nothing of the policy", i, err)
		}
	}
	for _, n := range []int{0, 1, len(whole) / 2, len(whole) - 3} {
		must(t, os.WriteFile(s.Path(), whole[:n], 0o600))
		if _, err := s.Load(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes of %d: got error %v; want %v", n, len(whole), err, ErrDamaged)
		}
	}
	for _, text := range []string{`{}`, `{"version":1}`, `{"version":2,"files":[{"name":"x"}]}`, `null`, `[]`} {
		must(t, os.WriteFile(s.Path(), []byte(text), 0o600))
		if _, err := s.Load(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got error %v; want %v", text, err, ErrDamaged)
		}
	}
}

// What is kept already is not written again.
func TestKeepsOnce(t *testing.T) {
	s := mustOpen(t)
	must(t, s.Keep(anyPolicy()))
	first, err := os.Stat(s.Path())
	must(t, err)
	must(t, s.Keep(anyPolicy()))
	if again, err := os.Stat(s.Path()); err != nil || !os.SameFile(first, again) {
		t.Errorf("got another file, error %v; want it left alone", err)
	}
}

// Where nothing can be written, what was kept stays.
func TestKeepFails(t *testing.T) {
	s := mustOpen(t)
	must(t, s.Keep(anyPolicy()))
	must(t, os.Rename(s.dir, s.dir+".away"))
	other := Policy{Files: []File{{"x", []byte("y")}}}
	if err := s.Keep(other); err == nil {
		t.Error("kept in a directory that is gone")
	}
	must(t, os.Rename(s.dir+".away", s.dir))
	got, err := s.Load()
	must(t, err)
	if got.Sum() != anyPolicy().Sum() {
		t.Error("what was kept is lost")
	}
	must(t, s.Keep(other)) // a failure is not taken for done
	if got, err = s.Load(); err != nil || got.Sum() != other.Sum() {
		t.Errorf("got error %v; want the other policy", err)
	}
}

// What a daemon that was killed left behind is cleaned away, and nothing else.
func TestLeftovers(t *testing.T) {
	s := mustOpen(t)
	must(t, s.Keep(anyPolicy()))
	leftover, foreign := filepath.Join(s.dir, ".last-policy.json.new-123"), filepath.Join(s.dir, "other")
	for _, path := range []string{leftover, foreign} {
		must(t, os.WriteFile(path, nil, 0o600))
	}
	s, err := Open(s.dir)
	must(t, err)
	if _, err := os.Stat(leftover); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover: got error %v; want it gone", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Error(err)
	}
	if _, err := s.Load(); err != nil {
		t.Error(err)
	}
}

// Sum tells policies apart, Sort has one order for each.
func TestSumAndSort(t *testing.T) {
	seen := make(map[string]int)
	for i, files := range [][]File{
		nil, {{"a", nil}}, {{"", []byte("a")}}, {{"a", []byte("b")}}, {{"ab", nil}}, {{"a", nil}, {"b", nil}}, {{"b", nil}, {"a", nil}},
	} {
		sum := Policy{Files: files}.Sum()
		if other, known := seen[sum]; known {
			t.Errorf("%d has the sum of %d", i, other)
		}
		seen[sum] = i
	}
	files := []File{{"c", nil}, {"a", nil}, {"b", nil}}
	Sort(files, "b")
	if files[0].Name != "b" || files[1].Name != "a" || files[2].Name != "c" {
		t.Errorf("got %v; want b, a, c", files)
	}
}
