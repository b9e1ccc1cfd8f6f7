//go:build unix

package handover

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/troupe-proxy/troupe/internal/inherit"
)

// lineDescriptor is the line in the successor; the sockets follow.
const lineDescriptor = 3

// Program is what is started as the successor.
type Program struct {
	Path string
	Args []string // with the name it is called by
	Env  []string // without Variable
}

// Launch starts a program with standard input, output and error of this process, a
// line to it, and the sockets, whose descriptors stay the caller's. Nothing else is
// passed on.
func Launch(p Program, sockets []inherit.Socket) (*Successor, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(theirs) }() // it has a copy
	conn, err := connOf(ours, "successor")
	if err != nil {
		return nil, err
	}
	files := []uintptr{0, 1, 2, uintptr(theirs)}
	for _, s := range sockets {
		files = append(files, uintptr(s.FD))
	}
	// Not by package os: it would make the sockets, ours too, wait in each call.
	pid, _, err := syscall.StartProcess(p.Path, p.Args, &syscall.ProcAttr{
		Env: append(p.Env, Variable+"="+strconv.Itoa(lineDescriptor)), Files: files,
	})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("start %s: %w", p.Path, err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		_ = conn.Close() // it ends by that
		return nil, err
	}
	s := newSuccessor(conn, pid, process.Kill)
	go s.reap(process)
	return s, nil
}

// reap waits for the end of the process, if this one lives to see it.
func (s *Successor) reap(p *os.Process) {
	s.status = "unknown"
	if state, err := p.Wait(); err == nil {
		s.status = state.String()
	}
	close(s.exited)
}

// pair is a line, whose ends no program that is started has.
func pair() (ours, theirs int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, -1, os.NewSyscallError("socketpair", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return fds[0], fds[1], nil
}

func connOf(fd int, name string) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), name)
	if file == nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, os.ErrInvalid)
	}
	conn, err := net.FileConn(file)
	if err = errors.Join(err, file.Close()); err != nil { // the connection has a copy
		return nil, err
	}
	return conn, nil
}

// FromEnvironment is the process that has started this one to take over from it,
// with the sockets; nil if none has. It is called once, before descriptors are
// opened, and Variable is taken out of the environment by whoever calls it. The
// error wraps ErrProtocol, ErrLost or what was expected.
func FromEnvironment(lookup func(string) (string, bool)) (*Predecessor, *inherit.Sockets, error) {
	text, there := lookup(Variable)
	if !there {
		return nil, nil, nil
	}
	if text != strconv.Itoa(lineDescriptor) {
		return nil, nil, fmt.Errorf("$%s is for a process that takes over: expected %d, got %.20q", Variable, lineDescriptor, text)
	}
	name, err := unix.Getsockname(lineDescriptor)
	if _, local := name.(*unix.SockaddrUnix); err != nil || !local {
		return nil, nil, fmt.Errorf("$%s: descriptor %d is no line to another process", Variable, lineDescriptor)
	}
	unix.CloseOnExec(lineDescriptor)
	conn, err := connOf(lineDescriptor, "predecessor")
	if err != nil {
		return nil, nil, err
	}
	p, err := newPredecessor(conn)
	if err != nil {
		return nil, nil, err
	}
	sockets, err := received(p.hello.Sockets)
	if err != nil {
		p.Refuse(err)
		return nil, nil, err
	}
	return p, sockets, nil
}

// received are the sockets as they are here.
func received(told []inherit.Socket) (*inherit.Sockets, error) {
	var all []inherit.Socket
	for i, s := range told {
		fd := lineDescriptor + 1 + i
		if _, err := inherit.Look(fd); err != nil {
			return nil, fmt.Errorf("the socket %v, descriptor %d: %w", s, fd, err)
		}
		s.FD = fd
		all = append(all, s)
	}
	return inherit.New(all), nil
}
