//go:build !linux

package main

import (
	"os"
	"syscall"
)

func bound() *syscall.SysProcAttr { return nil }

func apart() *syscall.SysProcAttr { return nil }

// endGroup asks a child to end, or kills it, also where it cannot be asked.
func endGroup(p *os.Process, kill bool) {
	if kill || p.Signal(os.Interrupt) != nil {
		_ = p.Kill()
	}
}
