//go:build linux || darwin || freebsd

package transport

import (
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// rawSockets opens sockets by system calls.
type rawSockets struct {
	buffers *buffers
}

func (s rawSockets) inherit(k KeepAlive) (func(uintptr) error, net.KeepAliveConfig) {
	if !acceptInherits {
		return nil, k.keepAliveConfig()
	}
	return func(fd uintptr) error { return setOptions(int(fd), k) }, net.KeepAliveConfig{}
}

func (s rawSockets) accepted(c *net.TCPConn) (stream, error) {
	return newRawStream(c, s.buffers)
}

// boundSocket is a socket between bind and connect. It is not known to the
// poller yet: an unconnected socket would only report that it is hung up.
type boundSocket struct {
	fd     int
	family int
}

func (b *boundSocket) release() { _ = unix.Close(b.fd) }

func (s rawSockets) bind(source Origin) (reservation, netip.AddrPort, error) {
	family, sa, err := socketAddr(source.AddrPort)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	fd, err := newSocket(family)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	if err := bindSocket(fd, family, sa, source); err != nil {
		_ = unix.Close(fd)
		return nil, netip.AddrPort{}, &net.OpError{Op: "bind", Net: "tcp", Source: net.TCPAddrFromAddrPort(source.AddrPort), Err: err}
	}
	return &boundSocket{fd: fd, family: family}, socketName(fd), nil
}

// bindSocket binds fd, without taking a port for a port 0 where that can wait
// until the destination is known: a source has its ephemeral ports once per
// destination then, and not once in all (IP_BIND_ADDRESS_NO_PORT, ip(7)).
func bindSocket(fd, family int, sa unix.Sockaddr, source Origin) error {
	if source.Freebind {
		if err := freebind(fd, family); err != nil {
			return err
		}
	}
	if source.Port() == 0 {
		bindWithoutPort(fd)
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

func (s rawSockets) dial(r reservation, source Origin, upstream netip.AddrPort, k KeepAlive) (dialling, bool, error) {
	family, sa, err := socketAddr(upstream)
	if err != nil {
		return nil, true, err
	}
	bound, _ := r.(*boundSocket)
	kept := bound == nil || bound.family != family
	var fd int
	if !kept {
		fd = bound.fd
	} else if fd, err = newBoundSocket(family, source); err != nil {
		return nil, kept, dialError(source.AddrPort, upstream, err)
	}
	if err := setOptions(fd, k); err != nil {
		_ = unix.Close(fd)
		return nil, kept, dialError(source.AddrPort, upstream, err)
	}
	switch err := unix.Connect(fd, sa); err {
	case nil, unix.EINPROGRESS, unix.EINTR: // interrupted it goes on by itself, connect(2)
	default:
		_ = unix.Close(fd)
		return nil, kept, dialError(source.AddrPort, upstream, os.NewSyscallError("connect", err))
	}
	file := os.NewFile(uintptr(fd), "upstream")
	st, err := newRawStream(file, s.buffers)
	if err != nil {
		_ = file.Close()
		return nil, kept, dialError(source.AddrPort, upstream, err)
	}
	return &rawDialling{stream: st, source: source.AddrPort, upstream: upstream}, kept, nil
}

// newBoundSocket opens a socket and binds it to source if that is valid.
func newBoundSocket(family int, source Origin) (int, error) {
	fd, err := newSocket(family)
	if err != nil || !source.IsValid() {
		return fd, err
	}
	_, sa, err := socketAddr(source.AddrPort)
	if err == nil {
		err = bindSocket(fd, family, sa, source)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// newSocket opens a non-blocking TCP socket. An IPv6 one is for IPv6 alone.
func newSocket(family int) (int, error) {
	fd, err := openSocket(family)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			_ = unix.Close(fd)
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	return fd, nil
}

// socketOption is one setsockopt(2).
type socketOption struct {
	level, name, value int32
}

// sessionOptions is what every socket of a session has: small messages leave at
// once (an SMTP dialogue would wait 40 ms at each delayed acknowledgement), and
// a dead peer is noticed.
func sessionOptions(k KeepAlive) []socketOption {
	return append(atOnce(), keepAliveOptions(k)...)
}

func atOnce() []socketOption {
	return []socketOption{{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1}}
}

func keepAliveOptions(k KeepAlive) []socketOption {
	if !k.Enabled {
		return nil
	}
	return []socketOption{
		{unix.IPPROTO_TCP, keepAliveIdle, int32(k.Idle.Seconds())},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int32(k.Interval.Seconds())},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, int32(k.Count)},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
	}
}

// setOptions sets sessionOptions on fd.
func setOptions(fd int, k KeepAlive) error {
	for _, o := range sessionOptions(k) {
		if err := unix.SetsockoptInt(fd, int(o.level), int(o.name), int(o.value)); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// rawDialling is an attempt by connect(2).
type rawDialling struct {
	stream           *rawStream
	source, upstream netip.AddrPort

	settled bool // there is an outcome
	local   netip.AddrPort
	err     error
}

// done looks whether the socket has connected or failed already, which over
// loopback it has when connect returns.
func (d *rawDialling) done() bool {
	if err := d.stream.raw.Control(func(fd uintptr) { d.look(fd) }); err != nil {
		d.settled, d.err = true, err
	}
	return d.settled
}

// look asks for the outcome: true when there is one.
func (d *rawDialling) look(fd uintptr) bool {
	failed, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		d.err = os.NewSyscallError("getsockopt", err)
	case failed != 0:
		d.err = os.NewSyscallError("connect", unix.Errno(failed))
	case !hasPeer(fd):
		return false
	default:
		d.local = socketName(int(fd))
	}
	d.settled = true
	return true
}

func (d *rawDialling) wait() (stream, netip.AddrPort, error) {
	if !d.settled {
		if err := d.stream.raw.Write(d.look); err != nil {
			d.err = err
		}
	}
	if d.err != nil {
		d.stream.close()
		return nil, netip.AddrPort{}, dialError(d.source, d.upstream, d.err)
	}
	return d.stream, d.local, nil
}

func (d *rawDialling) cancel() { d.stream.close() }

// dialError says what was dialled from where.
func dialError(source, upstream netip.AddrPort, err error) error {
	e := &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(upstream), Err: err}
	if source.IsValid() {
		e.Source = net.TCPAddrFromAddrPort(source)
	}
	return e
}
