package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"

	"github.com/spf13/cobra"
)

// guardName is the hidden command by which this program is the guard.
const guardName = "guard"

// guard is a process that outlives this one for a moment, and kills the
// children that are left if this one could not. The kernel does that by itself
// (see bound), but not for a program that has changed its user since, as danted
// does, and not for children of children.
type guard struct {
	cmd  *exec.Cmd
	list io.WriteCloser
}

// startGuard starts this program, at path self, as the guard. The caller closes
// it once every child is gone.
func startGuard(self string) (*guard, error) {
	g := &guard{cmd: exec.Command(self, guardName)}
	g.cmd.SysProcAttr = apart()
	var err error
	if g.list, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return g, g.cmd.Start()
}

// watch puts a process on the list; a negative id takes it off again.
func (g *guard) watch(pid int) error {
	_, err := fmt.Fprintln(g.list, pid)
	return err
}

// close ends the guard.
func (g *guard) close() {
	_ = g.list.Close()
	_ = g.cmd.Wait()
}

func guardCommand() *cobra.Command {
	return &cobra.Command{
		Use: guardName, Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			signal.Ignore(os.Interrupt)
			return keepGuard(c.InOrStdin())
		},
	}
}

// keepGuard reads the list to its end, which comes when the other process ends,
// and kills what is on it then.
func keepGuard(list io.Reader) error {
	left := map[int]bool{}
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		if pid > 0 {
			left[pid] = true
		} else {
			delete(left, -pid)
		}
	}
	for pid := range left {
		if p, err := os.FindProcess(pid); err == nil {
			endGroup(p, true)
		}
	}
	return lines.Err()
}
