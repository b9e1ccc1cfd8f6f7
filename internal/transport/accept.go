package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// listener is a Listener.
type listener struct {
	sockets sockets
	buffers *buffers
	config  ListenConfig
	tcp     *net.TCPListener
	addr    netip.AddrPort
	clock   *clock        // of its sessions
	turn    chan struct{} // holds the one Serve that may run
	reserve reserve       // of who has the turn

	life context.Context // of the socket: ended by Close
	end  context.CancelFunc
}

func (g *goroutines) Listen(cfg ListenConfig) (Listener, error) {
	control, each := g.sockets.inherit(cfg.KeepAlive)
	lc := net.ListenConfig{KeepAlive: -1, KeepAliveConfig: each}
	lc.SetMultipathTCP(false)
	if control != nil {
		lc.Control = func(_, _ string, raw syscall.RawConn) error {
			var err error
			if cerr := raw.Control(func(fd uintptr) { err = control(fd) }); cerr != nil {
				return cerr
			}
			return err
		}
	}
	l, err := lc.Listen(context.Background(), ListenNetwork(cfg.Address), cfg.Address.String())
	if err != nil {
		return nil, err
	}
	return g.newListener(cfg, l.(*net.TCPListener))
}

// newListener serves a listening socket, which it takes over also with an error.
func (g *goroutines) newListener(cfg ListenConfig, tcp *net.TCPListener) (*listener, error) {
	ln := &listener{
		sockets: g.sockets, buffers: g.buffers, config: cfg, tcp: tcp, addr: addrPort(tcp.Addr()),
		clock: newClock(), turn: make(chan struct{}, 1),
	}
	ln.life, ln.end = context.WithCancel(context.Background())
	if err := ln.reserve.open(); err != nil {
		_ = tcp.Close()
		return nil, fmt.Errorf("listen %v: reserve descriptor: %w", cfg.Address, err)
	}
	return ln, nil
}

// ListenNetwork is the network to listen on with package net: "tcp" takes 0.0.0.0
// for every address of both families.
func ListenNetwork(a netip.AddrPort) string {
	if a.Addr().Unmap().Is4() {
		return "tcp4"
	}
	return "tcp"
}

func (l *listener) Addr() netip.AddrPort { return l.addr }

func (l *listener) Close() error {
	err := l.tcp.Close()
	l.end()
	l.releaseReserve()
	return err
}

// releaseReserve closes the reserve descriptor, unless a Serve runs: it does so
// itself as it returns.
func (l *listener) releaseReserve() {
	select {
	case l.turn <- struct{}{}:
		l.reserve.close()
		<-l.turn
	default:
	}
}

func (l *listener) Serve(ctx context.Context, a Acceptance) error {
	select {
	case l.turn <- struct{}{}:
		defer l.yield()
	case <-ctx.Done():
		return nil
	}
	caller := ctx
	ctx, cancel := context.WithCancel(caller)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	defer l.interruptible(ctx)()
	for ctx.Err() == nil {
		if err := l.serveOne(ctx, a); err != nil {
			return err
		}
	}
	if caller.Err() != nil {
		return nil
	}
	return errClosedListener()
}

func errClosedListener() error { return fmt.Errorf("%w: %w", ErrListenerDead, net.ErrClosed) }

// yield lets the next Serve begin.
func (l *listener) yield() {
	<-l.turn
	if l.life.Err() != nil {
		l.releaseReserve()
	}
}

// interruptible makes the end of ctx interrupt an accept, by a deadline in the
// past, until the returned function is called. That one waits for an interrupt
// under way, so that none reaches the next Serve, which takes the deadline back.
func (l *listener) interruptible(ctx context.Context) (done func()) {
	_ = l.tcp.SetDeadline(time.Time{}) // fails only when closed: accept will tell
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = l.tcp.SetDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-woken
		}
	}
}

// serveOne takes a slot and gives one client to a. It returns an error when
// the listening socket is dead, and nil otherwise.
func (l *listener) serveOne(ctx context.Context, a Acceptance) error {
	if err := a.Enter(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("take a slot: %w", err)
	}
	var c *conn
	taken := false
	defer func() {
		// A panic before the session was started leaves nobody who would ever
		// close it: then the client is sent away.
		if !taken && (c == nil || c.abandon()) {
			a.Leave()
		}
	}()
	c, err := l.accept(ctx, a)
	if c != nil {
		a.Accepted(c)
		taken = true
	}
	return err
}

// accept waits for a client. It returns nil and no error when ctx has ended.
func (l *listener) accept(ctx context.Context, a Acceptance) (*conn, error) {
	want := shortage{pause: holdBackMin}
	for {
		_ = l.reserve.open() // if it was lost: before any client, who would go on to take the next
		tcp, err := l.tcp.AcceptTCP()
		if err == nil {
			c, err := l.newConn(tcp)
			if err == nil {
				return c, nil
			}
			_ = tcp.Close()
			continue
		}
		switch {
		case ctx.Err() != nil:
			return nil, nil
		case isDead(err):
			return nil, fmt.Errorf("%w: %w", ErrListenerDead, err)
		case isAbandoned(err):
		default:
			want.holdBack(ctx, a, err, func() (netip.AddrPort, bool) { return l.reserve.shed(l.tcp) })
		}
	}
}

// isDead says that no accept on this socket will ever succeed again.
func isDead(err error) bool {
	var errno syscall.Errno
	return errors.Is(err, net.ErrClosed) || errors.As(err, &errno) && deadErrno(errno)
}

// isAbandoned says that the failure was that of one client, who has left or
// was not let through: accept(2) reports what happened to it meanwhile.
func isAbandoned(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && abandonedErrno(errno)
}

// isDescriptors says that no descriptor is free.
func isDescriptors(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && descriptorErrno(errno)
}
