//go:build linux || darwin || freebsd

package transport

import (
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// newSockets: this system is spoken to directly.
func newSockets(b *buffers) sockets { return rawSockets{b} }

// pollable is a socket that the runtime's poller waits for.
type pollable interface {
	io.Closer
	SetDeadline(time.Time) error
	SyscallConn() (syscall.RawConn, error)
}

// rawStream is a stream over system calls that the runtime's poller waits for.
// The call is made inside the callback of syscall.RawConn, and so the buffer is
// taken when there is something to put into it.
type rawStream struct {
	file    pollable
	raw     syscall.RawConn
	buffers *buffers

	// The receiving goroutine's call. The callbacks are bound once: bound at
	// each call they would be garbage at each call.
	tryReceive func(fd uintptr) bool
	limit      int
	got        *buffer
	receiveErr error

	// The sending goroutine's call.
	trySend func(fd uintptr) bool
	pending []byte
	patient bool // wait until something was taken
	sent    int
	sendErr error
}

func newRawStream(file pollable, b *buffers) (*rawStream, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &rawStream{file: file, raw: raw, buffers: b}
	s.tryReceive = s.receiveNow
	s.trySend = s.sendNow
	return s, nil
}

func (s *rawStream) receive(limit int) (*buffer, error) {
	s.limit = limit
	if err := s.raw.Read(s.tryReceive); err != nil {
		return nil, err
	}
	b, err := s.got, s.receiveErr
	s.got, s.receiveErr = nil, nil
	return b, err
}

// receiveNow is receive's callback: true when there is a result.
func (s *rawStream) receiveNow(fd uintptr) bool {
	b := s.buffers.get(s.limit)
	n, err := ignoringEINTR(int(fd), b.space[:min(s.limit, len(b.space))], unix.Read)
	if n > 0 {
		b.n = n
		s.got = b
		return true
	}
	b.free()
	switch err {
	case nil:
		s.receiveErr = io.EOF
	case unix.EAGAIN:
		return false
	default:
		s.receiveErr = os.NewSyscallError("read", err)
	}
	return true
}

func (s *rawStream) reader() io.Reader {
	r := &rawReader{raw: s.raw}
	r.try = r.readNow
	return r
}

// rawReader reads a socket into the room that it is given.
type rawReader struct {
	raw  syscall.RawConn
	try  func(fd uintptr) bool // readNow, bound once
	room []byte
	n    int
	err  error
}

// Read implements io.Reader.
func (r *rawReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.room, r.n, r.err = p, 0, nil
	err := r.raw.Read(r.try)
	r.room = nil
	if err == nil {
		err = r.err
	}
	return r.n, err
}

// readNow is the callback of Read: true when there is a result.
func (r *rawReader) readNow(fd uintptr) bool {
	n, err := ignoringEINTR(int(fd), r.room, unix.Read)
	switch {
	case n > 0:
		r.n = n
	case err == nil:
		r.err = io.EOF
	case err == unix.EAGAIN:
		return false
	default:
		r.err = os.NewSyscallError("read", err)
	}
	return true
}

func (s *rawStream) offer(p []byte) (int, error) { return s.write(p, false) }
func (s *rawStream) send(p []byte) (int, error)  { return s.write(p, true) }

func (s *rawStream) write(p []byte, patient bool) (int, error) {
	s.pending, s.patient, s.sent, s.sendErr = p, patient, 0, nil
	err := s.raw.Write(s.trySend)
	s.pending = nil
	if err == nil {
		err = s.sendErr
	}
	return s.sent, err
}

// sendNow is the callback of send and offer: true when there is a result.
func (s *rawStream) sendNow(fd uintptr) bool {
	n, err := ignoringEINTR(int(fd), s.pending, unix.Write)
	switch err {
	case nil:
		s.sent = n
	case unix.EAGAIN:
		return !s.patient
	default:
		s.sendErr = os.NewSyscallError("write", err)
	}
	return true
}

func (s *rawStream) closeWrite() error {
	var err error
	if cerr := s.raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) }); cerr != nil {
		return cerr
	}
	return os.NewSyscallError("shutdown", err)
}

func (s *rawStream) connected() bool {
	alive := false
	_ = s.raw.Control(func(fd uintptr) { alive = hasPeer(fd) }) // fails when closed
	return alive
}

func (s *rawStream) hasError() bool {
	failed := false
	_ = s.raw.Control(func(fd uintptr) { failed = hasFailed(fd) }) // fails when closed
	return failed
}

func (s *rawStream) awaitDisconnect() bool {
	return s.raw.Read(func(fd uintptr) bool { return !hasPeer(fd) }) == nil
}

func (s *rawStream) unsent() int {
	n := 0
	_ = s.raw.Control(func(fd uintptr) { n = unacknowledged(fd) }) // fails when closed
	return n
}

func (s *rawStream) boundUnacknowledged(d time.Duration) {
	_ = s.raw.Control(func(fd uintptr) { setUserTimeout(fd, d) }) // fails when closed
}

func (s *rawStream) setDeadline(t time.Time) {
	_ = s.file.SetDeadline(t) // fails only when closed, and then nothing waits
}

func (s *rawStream) close() { _ = s.file.Close() }

func (s *rawStream) reset() {
	_ = s.raw.Control(func(fd uintptr) { lingerZero(int(fd)) }) // fails when closed
	_ = s.file.Close()
}

// lingerZero makes the close of fd a reset. It can't fail on a socket.
func lingerZero(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

// hasPeer is false once the connection of fd was reset or given up.
func hasPeer(fd uintptr) bool {
	_, err := syscall.Getpeername(int(fd)) // that of x/sys/unix asks for the protocol too
	return err == nil
}

// hasFailed says whether an error is pending, without taking it.
func hasFailed(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd)}} // an error is always asked for
	n, err := unix.Poll(p, 0)
	return err == nil && n > 0 && p[0].Revents&unix.POLLERR != 0
}

// readable says whether a read of fd would not wait.
func readable(fd uintptr) bool {
	var b [1]byte
	_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err != unix.EAGAIN
}

// ignoringEINTR makes a call again as long as a signal interrupts it.
func ignoringEINTR(fd int, p []byte, call func(int, []byte) (int, error)) (int, error) {
	for {
		n, err := call(fd, p)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// socketAddr is a as a system call's argument, with its family.
func socketAddr(a netip.AddrPort) (family int, sa unix.Sockaddr, err error) {
	if a.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, nil
	}
	sa6 := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		link, err := net.InterfaceByName(zone)
		if err != nil {
			return 0, nil, err
		}
		sa6.ZoneId = uint32(link.Index)
	}
	return unix.AF_INET6, sa6, nil
}

// socketName is the local address of fd, the zero value if it has none.
func socketName(fd int) netip.AddrPort {
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return socketAddrPort(sa)
}

// socketAddrPort is sa, unmapped; the zero value if it is no TCP address.
func socketAddrPort(sa syscall.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
