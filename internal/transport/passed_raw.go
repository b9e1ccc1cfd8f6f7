//go:build linux || darwin || freebsd

package transport

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// longestQueue asks for the longest queue; the kernel cuts it.
const longestQueue = 1<<16 - 1

// prepareSocket makes a listening socket like one that was opened here.
func prepareSocket(fd int, k KeepAlive) error {
	syscall.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if !k.Enabled {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := setOptions(fd, k); err != nil {
		return err
	}
	// It listens already; said again, this only makes room in its queue.
	return os.NewSyscallError("listen", unix.Listen(fd, longestQueue))
}

// ListenOn implements Receiver.
func (g *goroutines) ListenOn(cfg ListenConfig, fd int) (Listener, error) {
	if err := prepareSocket(fd, cfg.KeepAlive); err != nil {
		_ = unix.Close(fd)
		return nil, failedOn(cfg.Address, err)
	}
	file := os.NewFile(uintptr(fd), "listener")
	l, err := net.FileListener(file)
	if err = errors.Join(err, file.Close()); err != nil { // the listener has a copy
		return nil, failedOn(cfg.Address, err)
	}
	return g.newListener(cfg, l.(*net.TCPListener))
}

// Pass implements Passer. Closing a listener of package net ends no queue that
// somebody else has.
func (l *listener) Pass() (fd int, err error) {
	raw, err := l.tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	if cerr := raw.Control(func(own uintptr) { fd, err = copyDescriptor(own) }); cerr != nil {
		return -1, cerr
	}
	return fd, err
}

func copyDescriptor(fd uintptr) (int, error) {
	copied, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	return copied, os.NewSyscallError("fcntl", err)
}
