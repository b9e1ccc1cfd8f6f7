//go:build !unix

package engine

import (
	"os"
	"os/exec"
	"time"
)

func shellCommand(command string) (string, []string) {
	return "cmd.exe", []string{"/c", command}
}

// ownGroup does nothing: here what a command starts cannot be killed with it.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func exitOf(state *os.ProcessState) (kind string, number int) {
	return "exit", state.ExitCode()
}

// processorTime is the time since an arbitrary moment: only differences count.
func processorTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
