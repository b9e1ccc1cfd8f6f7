package engine

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// killedWait is how long a killed child's pipes may be held open by processes that
// left its group.
const killedWait = 2 * time.Second

// shell is a command of the system's shell. When the context ends it is killed
// with all that it started.
func shell(ctx context.Context, command string) *exec.Cmd {
	name, args := shellCommand(command)
	cmd := exec.CommandContext(ctx, name, args...)
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = killedWait
	cmd.Stderr = os.Stderr
	return cmd
}

// osExecute runs a command and waits for it, at most until the deadline of the
// call. It has no standard input; its output goes to that of the policy.
func (m *machine) osExecute(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		L.Push(lua.LTrue)
		return 1
	}
	cmd := shell(contextOf(L), checkString(L, 1))
	cmd.Stdout, cmd.Stderr = m.options.Stdout, m.options.Stderr
	err := cmd.Run()
	if ended := done(L); ended != nil {
		raisef(L, "%s", ended.Error())
	}
	return pushExit(L, cmd, err)
}

// pushExit pushes how a command ended: true or nil, "exit" or "signal", the number.
func pushExit(L *lua.LState, cmd *exec.Cmd, err error) int {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || cmd.ProcessState == nil {
		return pushResult(L, err, "")
	}
	kind, number := exitOf(cmd.ProcessState)
	if kind == "exit" && number == 0 {
		L.Push(lua.LTrue)
	} else {
		L.Push(lua.LNil)
	}
	L.Push(lua.LString(kind))
	L.Push(lua.LNumber(number))
	return 3
}

// child is the running command of a file that io.popen opened.
type child struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	pipe   io.Closer
}

// popen starts a command with a pipe from its output, or to its input. It lives at
// most as long as the call that opened it has time, or the state.
func (m *machine) popen(L *lua.LState, command, mode string) (*file, error) {
	ctx, cancel := context.WithCancel(contextOf(L))
	c := &child{cmd: shell(ctx, command), cancel: cancel}
	c.cmd.Stderr = m.options.Stderr
	f := &file{name: command, child: c}
	if mode == "r" {
		out, err := c.cmd.StdoutPipe()
		if err != nil {
			cancel()
			return nil, err
		}
		f.source, c.pipe = out, out
	} else {
		in, err := c.cmd.StdinPipe()
		if err != nil {
			cancel()
			return nil, err
		}
		f.sink, c.pipe = in, in
		c.cmd.Stdout = m.options.Stdout
	}
	if err := c.cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	return f, nil
}

// wait closes the pipe and waits for the command to end by itself.
func (c *child) wait() error {
	defer c.cancel()
	_ = c.pipe.Close() // a broken pipe shows in how the command ended
	return c.cmd.Wait()
}

// kill ends the command.
func (c *child) kill() {
	c.cancel()
	_ = c.pipe.Close()
	_ = c.cmd.Wait() // it was killed, and says so
}
