package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests: it is far above what a busy
// machine needs, and is only ever used up by a test that fails.
const patience = 30 * time.Second

// onePolicy is a SOCKS and an HTTP listener, both on a port the kernel chooses.
const onePolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`

// quickExit keeps a process that looks for races from sleeping a second at its
// exit.
const quickExit = "GORACE=atexit_sleep_ms=10"

// daemon is a running troupe. The test that started it need not stop it.
type daemon struct {
	t       *testing.T
	cmd     *exec.Cmd
	log     *transcript
	exited  chan struct{} // closed once the process is gone
	stopped bool          // the test has asked it to end
}

// startPolicy starts the daemon with a policy and waits until it is up.
func startPolicy(t *testing.T, policy string, env ...string) *daemon {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.lua")
	if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, []string{"--proxy-config", path}, env...)
}

// start starts the daemon and waits until it says on stderr that it is up.
func start(t *testing.T, args []string, env ...string) *daemon {
	t.Helper()
	d := launch(t, args, env...)
	d.awaitReady()
	return d
}

// awaitReady waits until the daemon says on stderr that it is up.
func (d *daemon) awaitReady() {
	d.t.Helper()
	select {
	case <-d.log.ready:
	case <-d.exited:
		d.t.Fatalf("the daemon ended before it was up; it said:\n%s", d.log.text())
	case <-time.After(patience):
		d.t.Fatalf("the daemon did not come up; it said:\n%s", d.log.text())
	}
}

// launch starts the daemon without waiting for it.
func launch(t *testing.T, args []string, env ...string) *daemon {
	t.Helper()
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--drain-timeout") }) {
		args = append(slices.Clone(args), "--drain-timeout=0") // what is left open must not hold the end up
	}
	cmd := exec.Command("troupe", args...)
	cmd.Env = env
	return launchCommand(t, cmd)
}

// launchCommand starts a daemon by a command, which has what it needs beside the
// environment of the tests.
func launchCommand(t *testing.T, cmd *exec.Cmd) *daemon {
	t.Helper()
	d := &daemon{t: t, cmd: cmd, log: newTranscript(), exited: make(chan struct{})}
	// The filter of whoever runs the tests must not decide them.
	outside := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "TROUPE_LOG=") || strings.HasPrefix(s, "KUMO_PROXY_LOG=")
	})
	d.cmd.Env = slices.Concat([]string{quickExit}, outside, cmd.Env)
	d.cmd.SysProcAttr = diesWithParent()
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go d.watch(stderr)
	t.Cleanup(d.cleanUp)
	return d
}

// watch reads what the daemon says until it is gone.
func (d *daemon) watch(stderr io.Reader) {
	d.log.read(stderr)
	_ = d.cmd.Wait() // how it ended is in ProcessState
	close(d.exited)
}

// signal sends a signal that does not end the daemon.
func (d *daemon) signal(s os.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatalf("sending %v: %v", s, err)
	}
}

// end sends a signal that ends the daemon, and gives the exit code.
func (d *daemon) end(s os.Signal) int {
	d.t.Helper()
	if runtime.GOOS == "windows" {
		d.t.Skip("Windows cannot send a process a signal")
	}
	d.stopped = true
	d.signal(s)
	if !d.awaitExit(patience) {
		d.t.Fatalf("still running long after %v; it said:\n%s", s, d.log.text())
	}
	return d.cmd.ProcessState.ExitCode()
}

// endWell ends the daemon as its service manager does. After it, everything has
// been said.
func (d *daemon) endWell() {
	d.t.Helper()
	if code := d.end(syscall.SIGTERM); code != exitOK {
		d.t.Errorf("got exit code %d; want %d", code, exitOK)
	}
}

// awaitExit reports whether the process is gone within the time.
func (d *daemon) awaitExit(within time.Duration) bool {
	select {
	case <-d.exited:
		return true
	case <-time.After(within):
		return false
	}
}

// cleanUp ends a daemon that is still running, and fails the test when it had
// ended by itself, does not end well, or has found a data race.
func (d *daemon) cleanUp() {
	crashed := false
	select {
	case <-d.exited:
		crashed = !d.stopped
	default:
		d.interrupt()
	}
	if crashed {
		d.t.Errorf("the daemon ended unasked: %v", d.cmd.ProcessState)
	}
	if code := d.cmd.ProcessState.ExitCode(); !d.stopped && code != 0 && runtime.GOOS != "windows" {
		d.t.Errorf("got exit code %d at the end; want 0", code)
	}
	for _, bad := range []string{"DATA RACE", "panic: ", "goroutine 1 ["} {
		if strings.Contains(d.log.text(), bad) {
			d.t.Errorf("the daemon said %q", bad)
		}
	}
	if d.t.Failed() {
		d.t.Logf("the daemon said:\n%s", d.log.text())
	}
}

func (d *daemon) interrupt() {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = d.cmd.Process.Kill() // a system without signals
	}
	if !d.awaitExit(10 * time.Second) {
		d.t.Error("still running 10 s after SIGTERM")
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
}

// socks is the address of the only SOCKS listener.
func (d *daemon) socks() string {
	d.t.Helper()
	return d.only("proxy listener", d.log.addresses("proxy listener"))
}

// http is the address of the only HTTP listener.
func (d *daemon) http() string {
	d.t.Helper()
	return d.only("http listener", d.log.addresses("http listener"))
}

func (d *daemon) only(what string, all []string) string {
	d.t.Helper()
	if len(all) != 1 {
		d.t.Fatalf("got %s on %v; want one", what, all)
	}
	return all[0]
}

// transcript is what a daemon said on stderr.
type transcript struct {
	ready chan struct{} // closed at "initialization complete"

	mu    sync.Mutex
	lines []string
}

func newTranscript() *transcript { return &transcript{ready: make(chan struct{})} }

func (l *transcript) read(r io.Reader) {
	ready := false
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20) // a stack is one line
	for s.Scan() {
		l.mu.Lock()
		l.lines = append(l.lines, s.Text())
		l.mu.Unlock()
		if !ready && strings.Contains(s.Text(), "initialization complete") {
			ready = true
			close(l.ready)
		}
	}
}

func (l *transcript) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (l *transcript) text() string { return strings.Join(l.all(), "\n") }

func (l *transcript) contains(s string) bool { return strings.Contains(l.text(), s) }

// addresses reads the listening addresses off the lines up to "initialization
// complete" as KumoMTA's integration tests do: such a line has kind and " on ",
// and its last word is the address.
func (l *transcript) addresses(kind string) []string {
	var all []string
	for _, line := range l.all() {
		if strings.Contains(line, "initialization complete") {
			break
		}
		if !strings.Contains(line, kind) || !strings.Contains(line, " on ") {
			continue
		}
		last := strings.Trim(line[strings.LastIndexByte(line, ' ')+1:], `"`)
		if strings.HasPrefix(last, "unix:") {
			continue
		}
		if _, err := netip.ParseAddrPort(last); err != nil {
			last = fmt.Sprintf("no address (%v)", err)
		}
		all = append(all, last)
	}
	return all
}

// policy is the file that the daemon was started with.
func (d *daemon) policy() string {
	for i, a := range d.cmd.Args {
		if a == "--proxy-config" {
			return d.cmd.Args[i+1]
		}
	}
	d.t.Fatal("the daemon has no policy file")
	return ""
}
