//go:build linux

package transport

import (
	"net"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// epollAttempt is one Dial that has no outcome yet.
type epollAttempt struct {
	number   int
	fd       int32
	role     uint8
	upstream netip.AddrPort
}

// release lets a bound socket go that was not used.
func (g *greeting) release(how func(int32)) {
	if g.reserved >= 0 {
		how(g.reserved)
		g.reserved = -1
	}
}

// cancel ends all attempts.
func (g *greeting) cancel(how func(int32)) {
	for _, a := range g.attempts {
		how(a.fd)
	}
	g.attempts = nil
}

func (c *epollConn) Bind(source Origin) (netip.AddrPort, error) {
	source.AddrPort = unmapped(source.AddrPort)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != handshaking {
		return netip.AddrPort{}, net.ErrClosed
	}
	fd, err := boundRaw(source)
	if err != nil {
		return netip.AddrPort{}, &net.OpError{Op: "bind", Net: "tcp", Source: net.TCPAddrFromAddrPort(source.AddrPort), Err: err}
	}
	c.greeting.release(closeRaw)
	c.greeting.reserved, c.greeting.source = fd, source
	return localRaw(fd), nil
}

// boundRaw opens a socket that is bound to source.
func boundRaw(source Origin) (int32, error) {
	fd, err := socketRaw(source.Addr())
	if err != nil {
		return -1, err
	}
	if source.Freebind {
		err = freebind(int(fd), familyOf(source.Addr()))
	}
	if err == nil {
		err = bindRaw(fd, source.AddrPort)
	}
	if err != nil {
		closeRaw(fd)
		return -1, err
	}
	return fd, nil
}

func (c *epollConn) Dial(number int, upstream netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != handshaking || c.fd[Upstream] >= 0 {
		return
	}
	upstream = unmapped(upstream)
	fd, err := c.connect(upstream)
	if err == nil {
		c.lastRole = c.lastRole%lastDialRole + 1
		if err = c.watch(fd, c.lastRole, watchedRoom); err != nil {
			closeRaw(fd)
		}
	}
	if err != nil {
		c.post(Dialed{Attempt: number, Err: dialError(c.greeting.source.AddrPort, upstream, err)})
		return
	}
	c.greeting.attempts = append(c.greeting.attempts,
		epollAttempt{number: number, fd: fd, role: c.lastRole, upstream: upstream})
}

// connect begins to connect, from the bound socket if that can serve.
func (c *epollConn) connect(upstream netip.AddrPort) (int32, error) {
	fd, err := c.socket(upstream.Addr())
	if err != nil {
		return -1, err
	}
	for i := range c.listener.options {
		if err == nil {
			err = setRaw(fd, &c.listener.options[i])
		}
	}
	if err == nil {
		err = connectRaw(fd, upstream)
	}
	if err != nil {
		closeRaw(fd)
		return -1, err
	}
	return fd, nil
}

// socket is one for an attempt: bound to the source, if there is one.
func (c *epollConn) socket(upstream netip.Addr) (int32, error) {
	g := c.greeting
	if !g.source.IsValid() {
		return socketRaw(upstream)
	}
	if upstream.Is4() != g.source.Addr().Is4() {
		return -1, os.NewSyscallError("bind", unix.EAFNOSUPPORT)
	}
	if fd := g.reserved; fd >= 0 {
		g.reserved = -1
		return fd, nil
	}
	return boundRaw(g.source)
}

func (c *epollConn) CancelDial() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.greeting != nil {
		c.greeting.cancel(resetRaw)
	}
}

// conclude takes the outcome of the attempt with a role, if events say that
// there is one. The first to connect becomes the upstream and ends the others;
// one that was cancelled is not found.
func (c *epollConn) conclude(role uint8, events uint32) {
	g := c.greeting
	i := slices.IndexFunc(g.attempts, func(a epollAttempt) bool { return a.role == role })
	if i < 0 || events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) == 0 {
		return
	}
	a := g.attempts[i]
	g.attempts = slices.Delete(g.attempts, i, i+1)
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		if errno := failureRaw(a.fd); errno != 0 {
			closeRaw(a.fd)
			c.post(Dialed{Attempt: a.number, Err: dialError(g.source.AddrPort, a.upstream, os.NewSyscallError("connect", errno))})
			return
		}
	}
	g.release(closeRaw)
	g.cancel(resetRaw)
	c.fd[Upstream], c.role, g.joined = a.fd, role, c.loop.tick
	c.post(Dialed{Attempt: a.number, Local: localRaw(a.fd)})
	c.noteSide(Upstream, events) // a server that speaks first may have spoken
}
