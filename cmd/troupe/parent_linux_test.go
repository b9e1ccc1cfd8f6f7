package main

import "syscall"

// diesWithParent takes a daemon along when the tests themselves are killed.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
