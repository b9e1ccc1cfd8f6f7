package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// invoke runs the command as a process and gives its report and exit code. Only
// dir and the commands of TestMain are on its path.
func invoke(t *testing.T, dir string, args ...string) (*report, string, int) {
	t.Helper()
	self, err := exec.LookPath("troupe-bench")
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	// A process under the race detector sleeps a second before it ends, and
	// this one starts a dozen.
	cmd.Env = append(os.Environ(), "PATH="+dir, "TMPDIR="+t.TempDir(), "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = bound()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	var r report
	if slices.Contains(args, "json") && stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Fatalf("%v in\n%s", err, &stdout)
		}
	}
	return &r, stderr.String(), cmd.ProcessState.ExitCode()
}

// script puts a program into dir.
func script(t *testing.T, dir, name, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
}

func troupePath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("troupe")
	must(t, err)
	return path
}

// TestCompare starts a field of four, of which one does not start: it does not
// drop out in silence.
func TestCompare(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	script(t, dir, "microsocks", "echo no sockets today >&2; exit 3")
	script(t, dir, "proxy-server", "exec "+troupePath(t)+` "$@"`)
	r, said, code := invoke(t, dir, "--compare", "--quick", "--rounds", "2", "--format", "json",
		"--troupe", troupePath(t), "--only", "sessions-bind", "smtp")
	if code != exitOK {
		t.Fatalf("exit code %d; it said\n%s", code, said)
	}
	if want := []string{"troupe", "io.Copy", "kumomta", "microsocks"}; !slices.Equal(r.Subjects, want) {
		t.Errorf("got subjects %v; want %v", r.Subjects, want)
	}
	if len(r.Rows) != 3+4 {
		t.Errorf("got %d rows; want 7", len(r.Rows))
	}
	for _, row := range r.Rows {
		for _, name := range []string{"troupe", "io.Copy", "kumomta"} {
			if c := row.Cells[name]; c.Missing == "unknown" && kernel() == "" {
				continue // no /proc to read costs from
			} else if len(c.Rounds) != 2 || c.Errors != 0 {
				t.Errorf("%s, %s, %s: got %+v; want 2 rounds without errors", row.Workload, row.Metric, name, c)
			}
		}
		if c := row.Cells["microsocks"]; c.Missing != "not started" {
			t.Errorf("%s: got %+v of a peer that does not start", row.Workload, c)
		}
	}
	notes := strings.Join(r.Notes, "\n")
	for _, want := range []string{"dante: not installed", "no sockets today", "exit status 3"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not say %q:\n%s", want, notes)
		}
	}
}

// TestBrokenTroupe: a hole in Troupe's own column is a failure of the run.
func TestBrokenTroupe(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	script(t, dir, "broken", "exit 1")
	_, said, code := invoke(t, dir, "--compare", "--quick", "--troupe", filepath.Join(dir, "broken"), "roundtrip")
	if code != exitFailed || !strings.Contains(said, errSubject.Error()) {
		t.Errorf("got exit code %d and\n%s\nwant %d and %q", code, said, exitFailed, errSubject)
	}
}

// TestNoTroupe: the first column is Troupe's or there is no table.
func TestNoTroupe(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := run([]string{"--compare", "--quick", "--troupe", filepath.Join(t.TempDir(), "nothing")}, &stdout, &stderr)
	if code != exitFailed || stdout.Len() > 0 || !strings.Contains(stderr.String(), "--troupe: ") {
		t.Errorf("got exit code %d, %q and %q; want %d and an error alone", code, &stdout, &stderr, exitFailed)
	}
}

// TestOneProxy measures a proxy that runs already.
func TestOneProxy(t *testing.T) {
	t.Parallel()
	p := startIOCopy(t)
	var stdout, stderr bytes.Buffer
	code := run([]string{"--proxy", p.addr, "--quick", "--rounds", "2", "roundtrip"}, &stdout, &stderr)
	if code != exitOK {
		t.Fatalf("exit code %d; it said\n%s", code, &stderr)
	}
	for _, want := range []string{"median µs", "unknown", "its process id is not known", "rounds: 2"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, &stdout)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"", "--proxy 127.0.0.1:1 --compare", "--compare --pid 3", "--compare --user a:b", "--proxy nowhere",
		"--proxy 127.0.0.1:1 --troupe x", "--proxy 127.0.0.1:1 --user a", "--proxy 127.0.0.1:1 --pid -1",
		"--compare --rounds 0", "--compare --clients 0", "--compare --format html", "--compare tea",
		"--compare --bulk 1", "--compare --bulk 0B", "--compare --bulk 9999999999GiB", "--compare --idle 5,5", "--compare --idle 5",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(args), &stdout, &stderr); code != exitUsage {
			t.Errorf("%q: got exit code %d and %q; want %d", args, code, &stderr, exitUsage)
		}
	}
}

// TestQuick: what the command line says is stronger than --quick.
func TestQuick(t *testing.T) {
	t.Parallel()
	var got options
	c := newCommand(func(_ context.Context, o *options) error {
		got = *o
		return nil
	})
	c.SetArgs([]string{"--compare", "--quick", "--sessions", "7", "--idle", "3,4"})
	must(t, c.Execute())
	want := quickSizes()
	want.sessions, want.idle = 7, countPair{3, 4}
	if got.sizes != want || got.rounds != 1 {
		t.Errorf("got %+v, %d rounds; want %+v, 1", got.sizes, got.rounds, want)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]byteSize{"1GiB": 1 << 30, "64MiB": 64 << 20, "3KiB": 3072, "7B": 7} {
		var got byteSize
		if err := got.Set(in); err != nil || got != want || got.String() != in {
			t.Errorf("%s: got %d, %v, printed %s; want %d", in, got, err, &got, want)
		}
	}
	for limit, want := range map[int]countPair{
		10_000: {2000, 8000}, 8000: {2000, 8000}, 4000: {1000, 4000}, 3: {1, 3}, 0: {1, 2},
	} {
		if got := (countPair{2000, 8000}).capped(limit); got != want {
			t.Errorf("capped at %d: got %v; want %v", limit, got, want)
		}
	}
}
