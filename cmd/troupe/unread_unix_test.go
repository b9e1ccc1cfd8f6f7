//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// piped is a daemon whose stderr is a pipe in the test's hands.
type piped struct {
	cmd    *exec.Cmd
	stderr *os.File
	socks  string
	exited chan struct{}
}

// startPiped reads stderr up to "initialization complete" and no further.
func startPiped(t *testing.T) *piped {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	p := &piped{cmd: exec.Command("troupe", "--listen", "127.0.0.1:0"), stderr: r, exited: make(chan struct{})}
	p.cmd.Env = slices.Concat([]string{quickExit, "TROUPE_LOG=trace"}, os.Environ())
	p.cmd.SysProcAttr = diesWithParent()
	p.cmd.Stderr = w
	must(t, p.cmd.Start())
	must(t, w.Close())
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		_ = r.Close()
	})
	s := bufio.NewScanner(r)
	for s.Scan() && !strings.Contains(s.Text(), "initialization complete") {
		if _, address, ok := strings.Cut(s.Text(), "proxy listener on "); ok {
			p.socks = address
		}
	}
	if p.socks == "" {
		t.Fatal("the daemon did not come up")
	}
	return p
}

// refused makes n sessions that fail, each of which has a line in the log.
func (p *piped) refused(t *testing.T, n int) {
	t.Helper()
	for range n {
		c := dial(t, p.socks)
		exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		exchange(t, c, "refused CONNECT", []byte{5, 1, 0, 1, 127, 0, 0, 1, 0, 1}, []byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		must(t, c.Close())
	}
}

func (p *piped) wantEnd(t *testing.T) {
	t.Helper()
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("still running long after SIGTERM")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("got exit code %d; want %d", code, exitOK)
	}
}

// The daemon died of SIGPIPE at the first line after whoever read its log had
// gone: "troupe 2>&1 | rotatelogs" ended when the reader was restarted.
func TestLogReaderGone(t *testing.T) {
	t.Parallel()
	p := startPiped(t)
	must(t, p.stderr.Close())
	p.refused(t, 5)
	p.wantEnd(t)
}

// With a log that nobody read, sessions waited for the log's lock, and so did
// the daemon's end.
func TestLogNotRead(t *testing.T) {
	t.Parallel()
	p := startPiped(t)
	// Each has a line, in the pipe or in the queue before it; those of a few hundred
	// would have room in the pipe.
	p.refused(t, queuedLines+1000)
	p.wantEnd(t)
}

// A policy that never came to its end could be interrupted by nothing.
func TestSignalWhileThePolicyLoads(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{
		"print('loading') while true do end",
		"os.execute('echo loading; sleep 60')",
	} {
		path := filepath.Join(t.TempDir(), "policy.lua")
		must(t, os.WriteFile(path, []byte(policy), 0o600))
		cmd := exec.Command("troupe", "--proxy-config", path)
		cmd.Env = slices.Concat([]string{quickExit}, os.Environ())
		cmd.SysProcAttr = diesWithParent()
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			t.Fatalf("%s: said %q, %v", policy, line, err)
		}
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		done := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatalf("%s: still running long after SIGTERM", policy)
		}
		if code := cmd.ProcessState.ExitCode(); code != exitOK {
			t.Errorf("%s: got exit code %d; want %d", policy, code, exitOK)
		}
	}
}
