package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/manual"
)

// TestManual: each command has a page, the pages are roff that mandoc takes, the
// completions are what their shells read, and none of it depends on the day.
func TestManual(t *testing.T) {
	t.Parallel()
	dir := writeManualTo(t)
	commands(newCommand(nil), func(c *cobra.Command) {
		page := filepath.Join(dir, "man1", strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		text, err := os.ReadFile(page)
		if err != nil {
			t.Errorf("%s has no page: %v", c.CommandPath(), err)
			return
		}
		if !bytes.Contains(text, []byte("1999-12-31")) && !bytes.Contains(text, []byte("Dec 1999")) {
			t.Errorf("%s does not have the date it was given", page)
		}
		checkedBy(t, []byte("ERROR"), "mandoc", "-Tlint", "-Werror", page)
	})
	for _, c := range []struct{ shell, path, flag string }{
		{"bash", "bash/troupe", "-n"}, {"zsh", "zsh/_troupe", "-n"}, {"fish", "fish/troupe.fish", "--no-execute"},
	} {
		checkedBy(t, nil, c.shell, c.flag, filepath.Join(dir, "completions", c.path))
	}
	again := writeManualTo(t)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	must(t, err)
	if len(files) < 10 {
		t.Errorf("got %d files; want a page for each command", len(files))
	}
	compareTrees(t, dir, again)
}

func writeManualTo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, manual.Write(newCommand(nil), dir, time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), "1.2.3"))
	return dir
}

// commands visits the commands that --help shows.
func commands(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			commands(sub, visit)
		}
	}
}

// checkedBy runs a program that looks at a file, if it is installed.
func checkedBy(t *testing.T, bad []byte, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Logf("not looked at by %s, which is not installed", name)
		return
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil || len(bad) > 0 && bytes.Contains(out, bad) {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func compareTrees(t *testing.T, one, other string) {
	t.Helper()
	must(t, filepath.WalkDir(one, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(one, path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if got, err := os.ReadFile(filepath.Join(other, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the same twice (%v)", name, err)
		}
		return nil
	}))
}

// TestCompletion: the completions ask the program for what there is.
func TestCompletion(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "troupe", "__complete", "sess").Output()
	if err != nil || !bytes.HasPrefix(out, []byte("sessions\t")) {
		t.Errorf("got %q, error %v; want sessions", out, err)
	}
}

// TestVersionLine: what a release build says of itself.
func TestVersionLine(t *testing.T) {
	t.Parallel()
	want := regexp.MustCompile(`^troupe \S+( \(commit [0-9a-f]{12} of \d{4}-\d\d-\d\d(, modified)?\))?$`)
	if got := versionLine(); !want.MatchString(got) {
		t.Errorf("got %q; want %s", got, want)
	}
}
