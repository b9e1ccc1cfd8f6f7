package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// dynasty is a daemon that is handed from process to process. Its log is that of
// all, and it has exited when all have.
type dynasty struct {
	*daemon
	pid int // of the one that serves
}

// startDynasty starts a daemon whose sessions are let be when it drains.
func startDynasty(t *testing.T, policy string, args ...string) *dynasty {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(policy), 0o600))
	cmd := exec.Command("troupe", append([]string{"--drain-timeout=5m", "--proxy-config", path}, args...)...)
	return startDynastyBy(t, cmd)
}

func startDynastyBy(t *testing.T, cmd *exec.Cmd) *dynasty {
	t.Helper()
	d := launchCommand(t, cmd)
	y := &dynasty{daemon: d, pid: cmd.Process.Pid}
	t.Cleanup(y.cleanUp)
	d.awaitReady()
	return y
}

// cleanUp ends the one that serves, and the ones before it with a second signal.
func (y *dynasty) cleanUp() {
	y.stopped = true
	for range 2 {
		y.killAll(syscall.SIGTERM)
		if y.awaitExit(patience / 4) {
			return
		}
	}
	y.t.Error("still running after two signals")
	y.killAll(syscall.SIGKILL)
}

var successorForm = regexp.MustCompile(`new_pid=(\d+)`)

// killAll sends a signal to every process that there was.
func (y *dynasty) killAll(s syscall.Signal) {
	select {
	case <-y.exited:
		return
	default:
	}
	_ = syscall.Kill(y.cmd.Process.Pid, s) // it may have ended
	for _, m := range successorForm.FindAllStringSubmatch(y.log.text(), -1) {
		pid, err := strconv.Atoi(m[1])
		must(y.t, err)
		_ = syscall.Kill(pid, s)
	}
}

// upgrade has the next process take over, by the command.
func (y *dynasty) upgrade() adminclient.Upgraded {
	y.t.Helper()
	out, err := y.try("--json")
	must(y.t, err)
	var done adminclient.Upgraded
	must(y.t, json.Unmarshal([]byte(out), &done))
	if done.OldPID != y.pid || done.NewPID == y.pid {
		y.t.Fatalf("got %+v; want process %d to be the old one", done, y.pid)
	}
	y.pid = done.NewPID
	return done
}

// try asks for an upgrade. The error has what was said.
func (y *dynasty) try(args ...string) (string, error) {
	y.t.Helper()
	cmd := exec.Command("troupe", append([]string{"upgrade", "--endpoint", "http://" + y.http()}, args...)...)
	cmd.Env = append(os.Environ(), quickExit)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("exit code %d: %s", exit.ExitCode(), exit.Stderr)
	}
	return string(out), err
}

// endOrderly ends the one that serves, and waits for all.
func (y *dynasty) endOrderly() {
	y.t.Helper()
	y.stopped = true
	must(y.t, syscall.Kill(y.pid, syscall.SIGTERM))
	if !y.awaitExit(patience) {
		y.t.Fatalf("still running; it said:\n%s", y.log.text())
	}
	if n := strings.Count(y.log.text(), "Shutdown completed OK!"); n == 0 {
		y.t.Error("the log does not say that the end went well")
	}
}

// processes are the sessions by the process they are of.
func (y *dynasty) processes() (old, own int) {
	y.t.Helper()
	var list adminclient.Sessions
	y.control("GET", "sessions?limit=1000", "", 200, &list)
	for _, s := range list.Sessions {
		if s.Process == "old" {
			old++
		} else {
			own++
		}
	}
	return old, own
}

// descriptors are what the descriptors of a process lead to.
func descriptors(t *testing.T, pid int) (all []string) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			all = append(all, target)
		}
	}
	return all
}

func countSockets(descriptors []string) (n int) {
	for _, d := range descriptors {
		if strings.HasPrefix(d, "socket:") {
			n++
		}
	}
	return n
}

// children are the processes that a process has started and that are there.
func children(t *testing.T, pid int) (all []string) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	must(t, err)
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err == nil { // a thread may have ended
			all = append(all, strings.Fields(string(text))...)
		}
	}
	return all
}
