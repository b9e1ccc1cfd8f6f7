//go:build unix

package accesslog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has the mode %v; want %v", path, got, want)
	}
}

func TestMode(t *testing.T) {
	path := inTemp(t)
	f, err := openFile(path, 0o664) // which no usual umask leaves
	if err != nil {
		t.Fatal(err)
	}
	wantMode(t, path, 0o664)
	f.Close()
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err = openFile(path, 0o664); err != nil {
		t.Fatal(err)
	}
	f.Close()
	wantMode(t, path, 0o600) // it was there
}

// TestRefused: nobody else chooses what is written to.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	join := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(join("victim"), []byte("victim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Symlink(join("victim"), join("link")), os.Symlink(join("nothing"), join("dangling")),
		os.Mkdir(join("directory"), 0o700), syscall.Mkfifo(join("pipe"), 0o600),
		os.WriteFile(join("public"), nil, 0o600), os.Chmod(join("public"), 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]error{
		"link": syscall.ELOOP, "dangling": syscall.ELOOP, "directory": syscall.EISDIR, "pipe": syscall.ENXIO,
		"public": errPublic, "missing/access.log": fs.ErrNotExist,
	} {
		if f, err := openFile(join(name), DefaultMode); !errors.Is(err, want) {
			t.Errorf("%s: got %v, error %v; want %v", name, f, err, want)
		}
	}
	if text, err := os.ReadFile(join("victim")); err != nil || string(text) != "victim\n" {
		t.Errorf("the target of a link has %q, error %v", text, err)
	}
	if os.Geteuid() == 0 {
		if err := os.WriteFile(join("foreign"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(join("foreign"), 12345, 12345); err != nil {
			t.Skip(err)
		}
		if _, err := openFile(join("foreign"), DefaultMode); !errors.Is(err, errOwner) {
			t.Errorf("another user's file: got error %v; want %v", err, errOwner)
		}
	}
}

// TestFull: a disk without room costs lines, which are counted.
func TestFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	var s said
	c := at("/dev/full")
	c.BufferLines = 7
	l := openLog(t, s.logger(), c)
	for n := range 100 {
		l.Add(numbered(n))
	}
	if got := l.Counts(); got.Lost != 93 || got.Written != 0 {
		t.Errorf("got %+v; want 93 lost, and the others to wait", got)
	}
	eventually(t, "a failure", func() bool { return l.Counts().Failures > 0 })
	wantClosed(t, l)
	if got := l.Counts(); got.Lost != 100 || got.Written != 0 {
		t.Errorf("got %+v in the end; want 100 lost", got)
	}
	for _, want := range []string{"no space left on device", "path=/dev/full", "lines of the access log were lost", "lines=93", "lines=7"} {
		if !strings.Contains(s.String(), want) {
			t.Errorf("the log says %q; want %q in it", s.String(), want)
		}
	}
}

// TestMended: a disk that has room for part of a line only, and then for all.
func TestMended(t *testing.T) {
	line := len(numbered(0).AppendLine(nil))
	out := &small{room: 2*line + line/2}
	w := newWriter(at("anywhere"), New(discard(), nil))
	w.file = out
	for n := range 5 {
		w.add(numbered(n))
	}
	w.flush()
	if got, want := len(out.text), 2*line; got != want {
		t.Errorf("got %d bytes; want %d, whole lines", got, want)
	}
	out.room = 1000 * line
	w.flush()
	wantText5(t, out)
	if got := w.counts.written.Load(); got != 5 || w.lines != 0 {
		t.Errorf("%d lines are counted and %d wait; want 5 and 0", got, w.lines)
	}
}

// TestTorn: what cannot be shortened gets a line end, so that one line is lost to
// its reader and not two.
func TestTorn(t *testing.T) {
	line := len(numbered(0).AppendLine(nil))
	out := &small{room: 2*line + line/2, fixed: true}
	w := newWriter(at("anywhere"), New(discard(), nil))
	w.file = out
	for n := range 5 {
		w.add(numbered(n))
	}
	w.flush()
	out.room = 1000 * line
	w.flush()
	half := out.text[2*line : 2*line+line/2+1]
	if half[len(half)-1] != '\n' {
		t.Fatalf("the torn line %q is not ended", half)
	}
	out.text = slices.Delete(out.text, 2*line, 2*line+line/2+1)
	wantText5(t, out)
}

func wantText5(t *testing.T, out *small) {
	t.Helper()
	path := inTemp(t)
	if err := os.WriteFile(path, out.text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := idsIn(t, path); !slices.Equal(got, count(5)) {
		t.Errorf("got the lines %v; want 0 to 4", got)
	}
}

// small is a disk with so much room.
type small struct {
	room  int
	fixed bool // it cannot be shortened
	text  []byte
}

func (s *small) Write(p []byte) (int, error) {
	n := min(len(p), s.room-len(s.text))
	s.text = append(s.text, p[:n]...)
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (s *small) mend(n int) error {
	if s.fixed {
		return errors.ErrUnsupported
	}
	s.text = s.text[:len(s.text)-n]
	return nil
}

func (s *small) hold() (func(), bool) { return func() {}, true }

func (s *small) Close() error { return nil }

// TestMendFile takes the end off a real file, under O_APPEND.
func TestMendFile(t *testing.T) {
	path := inTemp(t)
	f, err := openFile(path, DefaultMode)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, text := range []string{"whole\npar", "", "next\n"} {
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			if err := f.mend(3); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "whole\nnext\n" {
		t.Errorf("got %q, error %v; want two whole lines", got, err)
	}
}

// TestLater: the directory comes only after the log was asked for.
func TestLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "access.log")
	var s said
	l := openLog(t, s.logger(), at(path))
	l.Add(numbered(0))
	eventually(t, "a failure", func() bool { return l.Counts().Failures > 0 })
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.Add(numbered(1))
	eventually(t, "both lines", func() bool { return l.Counts().Written == 2 })
	wantClosed(t, l)
	if got := idsIn(t, path); !slices.Equal(got, count(2)) {
		t.Errorf("got the lines %v; want 0 and 1", got)
	}
	if !strings.Contains(s.String(), "is written again") {
		t.Errorf("the log says %q; want that it is written again", s.String())
	}
}
