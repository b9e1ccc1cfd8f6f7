package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// How long a child may take.
const (
	startTime = 10 * time.Second // until it listens
	stopTime  = 3 * time.Second  // to end by itself when asked to
)

// child is a process that this one has started. It does not outlive it: stop
// ends it, and if this process dies before, the guard does.
type child struct {
	cmd    *exec.Cmd
	guard  *guard
	stderr tail
	gone   chan struct{} // closed once it has ended
}

// startChild starts a program in dir. The caller stops it.
func startChild(g *guard, program string, args []string, dir string) (*child, error) {
	c := &child{cmd: exec.Command(program, args...), guard: g, gone: make(chan struct{})}
	c.cmd.Dir = dir
	c.cmd.Stderr = &c.stderr
	// A child of its own may keep the pipe open: not to be waited for.
	c.cmd.WaitDelay = time.Second
	c.cmd.SysProcAttr = bound()
	// The log filter of whoever measures must not decide what is measured.
	c.cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "TROUPE_LOG=") || strings.HasPrefix(s, "KUMO_PROXY_LOG=")
	})
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go c.wait()
	if err := g.watch(c.cmd.Process.Pid); err != nil {
		c.stop()
		return nil, fmt.Errorf("guard: %w", err)
	}
	return c, nil
}

func (c *child) wait() {
	_ = c.cmd.Wait() // how it ended is in ProcessState
	close(c.gone)
}

var errEnded = errors.New("it ended")

// ready waits until the child accepts connections on addr.
func (c *child) ready(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("it does not listen after %s", startTime))
	defer cancel()
	ended := false
	err := poll(ctx, 10*time.Millisecond, func() bool {
		select {
		case <-c.gone:
			ended = true
			return true
		default:
		}
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	if ended {
		err = errEnded
	}
	if err != nil {
		return c.explain(err)
	}
	return nil
}

// explain adds how the child ended, if it has, and its last words.
func (c *child) explain(err error) error {
	select {
	case <-c.gone:
		err = fmt.Errorf("%w (%v)", err, c.cmd.ProcessState)
	default:
	}
	if words := c.stderr.lastLine(); words != "" {
		err = fmt.Errorf("%w; it said: %s", err, words)
	}
	return err
}

// stop asks the child to end and kills what is left of it. It returns when the
// child is gone.
func (c *child) stop() {
	endGroup(c.cmd.Process, false)
	select {
	case <-c.gone:
	case <-time.After(stopTime):
	}
	endGroup(c.cmd.Process, true)
	<-c.gone
	_ = c.guard.watch(-c.cmd.Process.Pid) // it may be gone; so is the child
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailSize is how much a tail keeps, in bytes.
const tailSize = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(b), nil
}

func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.text))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
