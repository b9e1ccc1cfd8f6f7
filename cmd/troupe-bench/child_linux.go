package main

import (
	"os"
	"syscall"
)

// bound makes a child a group of its own, to be ended with its children, and
// has the kernel kill it when this process dies. The kernel means the thread
// that started it (PR_SET_PDEATHSIG(2const)); Go ends a thread only if its
// goroutine returns locked to it, which none here is.
func bound() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// apart makes a child a group of its own, to live on.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// endGroup asks a child and its children to end, or kills them. That they may
// be gone already is no error.
func endGroup(p *os.Process, kill bool) {
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	_ = syscall.Kill(-p.Pid, signal)
}
