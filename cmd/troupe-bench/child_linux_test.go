package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNoChildSurvives ends a comparison in the middle of a load, by signals
// that can be caught and by one that cannot. The proxy is a child's child, of
// which the kernel does not take care; danted, which changes its user, once
// stayed behind in thirty processes.
func TestNoChildSurvives(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			self, err := exec.LookPath("troupe-bench")
			must(t, err)
			temporary, dir := t.TempDir(), t.TempDir()
			script(t, dir, "forking", troupePath(t)+` "$@" & wait`)
			cmd := exec.Command(self, "--compare", "--troupe", filepath.Join(dir, "forking"), "--roundtrips", "1000000000", "roundtrip")
			cmd.Env = append(os.Environ(), "PATH=", "TMPDIR="+temporary)
			cmd.SysProcAttr = bound()
			stderr, err := cmd.StderrPipe()
			must(t, err)
			must(t, cmd.Start())
			defer endGroup(cmd.Process, true)
			proxy := childUnderLoad(t, cmd.Process.Pid, stderr)
			must(t, cmd.Process.Signal(signal))
			_, _ = io.Copy(io.Discard, stderr)
			_ = cmd.Wait()
			if err := poll(t.Context(), 5*time.Millisecond, deadline(t, func() bool { return !alive(proxy) })); err != nil {
				t.Error(err)
			}
			left, err := filepath.Glob(filepath.Join(temporary, "*"))
			must(t, err)
			if signal != syscall.SIGKILL && len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// childUnderLoad waits until the first proxy has work and gives its process id.
func childUnderLoad(t *testing.T, parent int, stderr io.Reader) (proxy int) {
	t.Helper()
	if line, err := bufio.NewReader(stderr).ReadString('\n'); !strings.HasPrefix(line, "round 1") {
		t.Fatalf("it said %q, %v; want a first round", line, err)
	}
	busy := deadline(t, func() bool {
		all, err := readProcesses()
		must(t, err)
		for _, proxy = range descendants(all, parent) {
			if len(descendants(all, proxy)) > 1 {
				continue // what it uses is its children's too
			}
			if u, err := readUsage(proxy); err == nil && u.files > 2*usualSizes().trippers {
				return true
			}
		}
		return false
	})
	must(t, poll(t.Context(), 5*time.Millisecond, busy))
	return proxy
}

// alive is false for a zombie too: it runs no more, and its parent's parent has
// yet to read how it ended.
func alive(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// TestStop: a child's own children end with it.
func TestStop(t *testing.T) {
	t.Parallel()
	c, err := startChild(newGuard(t), "/bin/sh", []string{"-c", "sleep 60 & wait"}, t.TempDir())
	must(t, err)
	var family []int
	must(t, poll(t.Context(), 5*time.Millisecond, deadline(t, func() bool {
		all, err := readProcesses()
		must(t, err)
		family = descendants(all, c.cmd.Process.Pid)
		return len(family) == 2
	})))
	c.stop()
	must(t, poll(t.Context(), 5*time.Millisecond, deadline(t, func() bool {
		return !slices.ContainsFunc(family, alive)
	})))
}
