//go:build unix

package engine

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

func shellCommand(command string) (string, []string) {
	return "/bin/sh", []string{"-c", command}
}

// ownGroup gives the command a process group, so that what it starts can be
// killed with it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func killGroup(cmd *exec.Cmd) error {
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}

func exitOf(state *os.ProcessState) (kind string, number int) {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return "signal", int(status.Signal())
	}
	return "exit", state.ExitCode()
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
