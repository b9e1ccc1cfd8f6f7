package logging

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// hours is a clock that a test sets.
type hours struct{ now time.Time }

func (h *hours) Now() time.Time { return h.now }

func mustWrite(t *testing.T, h *HourlyFiles, s string) {
	t.Helper()
	if n, err := h.Write([]byte(s)); err != nil || n != len(s) {
		t.Fatalf("writing %q: got %d, %v", s, n, err)
	}
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v; want %q", filepath.Base(path), got, err, want)
	}
}

func TestDirectoryTurnsWithTheHour(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	// Half past one in Kathmandu: neither the day nor the hour is UTC's.
	clock := &hours{time.Date(2026, 8, 6, 1, 30, 0, 0, time.FixedZone("NPT", 5*3600+45*60))}
	h := Directory(dir, clock.Now)
	defer h.Close()
	mustWrite(t, h, "one\n")
	clock.now = clock.now.Add(14*time.Minute + 59*time.Second)
	mustWrite(t, h, "two\n")
	clock.now = clock.now.Add(time.Second)
	mustWrite(t, h, "three\n")
	checkFile(t, filepath.Join(dir, "log.2026-08-05-19"), "one\ntwo\n")
	checkFile(t, filepath.Join(dir, "log.2026-08-05-20"), "three\n")
	if runtime.GOOS != "windows" {
		info, err := os.Stat(filepath.Join(dir, "log.2026-08-05-19"))
		if err != nil || info.Mode().Perm()&^0o640 != 0 {
			t.Errorf("got mode %v, %v; want at most 0640", info.Mode(), err)
		}
	}
}

func TestDirectoryAppends(t *testing.T) {
	dir := t.TempDir()
	clock := &hours{time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)}
	for _, s := range []string{"before\n", "after a restart\n"} {
		h := Directory(dir, clock.Now)
		mustWrite(t, h, s)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
	checkFile(t, filepath.Join(dir, "log.2026-08-05-10"), "before\nafter a restart\n")
}

func TestDirectoryComesBackAfterAnError(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "logs")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file is where the directory should be
		t.Fatal(err)
	}
	clock := &hours{time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)}
	h := Directory(dir, clock.Now)
	defer h.Close()
	var wrong *os.PathError
	if n, err := h.Write([]byte("lost\n")); n != 0 || !errors.As(err, &wrong) {
		t.Errorf("got %d, %v; want an *os.PathError", n, err)
	}
	if err := h.Reopen(); !errors.As(err, &wrong) {
		t.Errorf("Reopen: got %v; want an *os.PathError", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, h, "kept\n")
	checkFile(t, filepath.Join(dir, "log.2026-08-05-10"), "kept\n")
}

func TestDirectoryReopens(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file can't be renamed")
	}
	dir := t.TempDir()
	clock := &hours{time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)}
	h := Directory(dir, clock.Now)
	defer h.Close()
	path, moved := filepath.Join(dir, "log.2026-08-05-10"), filepath.Join(dir, "moved")
	mustWrite(t, h, "one\n")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	if err := h.Reopen(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, h, "two\n")
	checkFile(t, moved, "one\n")
	checkFile(t, path, "two\n")
}

func TestDirectoryClosed(t *testing.T) {
	h := Directory(t.TempDir(), nil)
	mustWrite(t, h, "one\n")
	for range 2 {
		if err := h.Close(); err != nil {
			t.Errorf("Close: got %v", err)
		}
	}
	if _, err := h.Write([]byte("two\n")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write: got %v; want %v", err, os.ErrClosed)
	}
	if err := h.Reopen(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Reopen: got %v; want %v", err, os.ErrClosed)
	}
}

func TestDirectoryHoldsOneDescriptor(t *testing.T) {
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(entries)
	}
	before := descriptors()
	clock := &hours{time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)}
	h := Directory(t.TempDir(), clock.Now)
	for range 5 {
		mustWrite(t, h, "line\n")
		clock.now = clock.now.Add(time.Hour)
	}
	if got, want := descriptors(), before+1; got != want {
		t.Errorf("after five hours: got %d descriptors; want %d", got, want)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got := descriptors(); got != before {
		t.Errorf("after Close: got %d descriptors; want %d", got, before)
	}
}
