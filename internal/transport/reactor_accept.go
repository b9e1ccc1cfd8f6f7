//go:build linux

package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// acceptBatch is how many clients a loop takes before it looks at its
	// sessions again.
	acceptBatch = 16
	// backlog asks for the longest queue; the kernel cuts it to somaxconn.
	backlog = 1<<16 - 1
)

// epollListener is a Listener. Its one socket is shared by all loops.
type epollListener struct {
	reactor   *reactor
	crew      *crew
	fd        int32 // used by who has the turn
	addr      netip.AddrPort
	options   []socketOption // of sockets that sessions dial
	later     []socketOption // of those that have become upstreams, after a while
	copies    bool           // no pipes are borrowed
	lastWords time.Duration
	turn      chan struct{} // holds the one Serve that may run, in the end Close
	reserve   reserve       // of who has the turn

	life context.Context // of the socket: ended by Close
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool // fd is; guarded by mu
	shared bool // another process has the socket too, or may have; guarded by mu
}

func (r *reactor) Listen(cfg ListenConfig) (Listener, error) {
	if cfg.TLS != nil {
		return nil, fmt.Errorf("listen %v: TLS in the reactor: %w", cfg.Address, errors.ErrUnsupported)
	}
	fd, err := listenRaw(unmapped(cfg.Address), cfg.KeepAlive)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(cfg.Address), Err: err}
	}
	return r.newListener(cfg, fd)
}

// newListener serves a listening socket, which it takes over also with an error.
func (r *reactor) newListener(cfg ListenConfig, fd int32) (*epollListener, error) {
	l := &epollListener{reactor: r, fd: fd, addr: localRaw(fd), options: atOnce(), copies: cfg.NoSplice,
		lastWords: cmp.Or(cfg.LastWords, lastWords), turn: make(chan struct{}, 1)}
	if cfg.KeepAlive.Idle < youthMost {
		l.options = sessionOptions(cfg.KeepAlive)
	} else {
		l.later = keepAliveOptions(cfg.KeepAlive)
	}
	l.life, l.end = context.WithCancel(context.Background())
	if err := l.reserve.open(); err != nil {
		closeRaw(fd)
		return nil, fmt.Errorf("listen %v: reserve descriptor: %w", cfg.Address, err)
	}
	var err error
	if l.crew, err = r.hire(); err != nil {
		closeRaw(fd)
		l.reserve.close()
		return nil, fmt.Errorf("listen %v: %w", cfg.Address, err)
	}
	return l, nil
}

// listenRaw opens a listening socket whose options accepted ones inherit.
func listenRaw(a netip.AddrPort, k KeepAlive) (int32, error) {
	family, sa, err := socketAddr(a)
	if err != nil {
		return -1, err
	}
	fd, err := newSocket(family)
	if err != nil {
		return -1, err
	}
	if a.Addr() == netip.IPv6Unspecified() {
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0))
	}
	if err == nil {
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	}
	if err == nil {
		err = setOptions(fd, k)
	}
	if err == nil {
		err = os.NewSyscallError("bind", unix.Bind(fd, sa))
	}
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		closeRaw(int32(fd))
		return -1, err
	}
	return int32(fd), nil
}

func (l *epollListener) Addr() netip.AddrPort { return l.addr }

// Close ends the queue at once. The descriptor itself is closed when no Serve
// uses it any more, since its number would be given to somebody else.
func (l *epollListener) Close() error {
	if l.life.Err() != nil {
		return net.ErrClosed
	}
	l.end()
	select {
	case l.turn <- struct{}{}:
		l.dispose()
	default:
		l.refuse() // who has the turn disposes, later
		l.disposeIfIdle()
	}
	return nil
}

// refuse ends the queue of a socket that is still in use, unless that is the queue
// of another process too.
func (l *epollListener) refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && !l.shared {
		_ = unix.Shutdown(int(l.fd), unix.SHUT_RD) // can't fail while it listens
	}
}

func (l *epollListener) disposeIfIdle() {
	select {
	case l.turn <- struct{}{}:
		l.dispose()
	default:
	}
}

// dispose closes the descriptor and keeps the turn for ever.
func (l *epollListener) dispose() {
	l.mu.Lock()
	l.closed = true
	closeRaw(l.fd)
	l.mu.Unlock()
	l.reserve.close()
	l.crew.dismiss()
}

func (l *epollListener) Serve(ctx context.Context, a Acceptance) error {
	select {
	case l.turn <- struct{}{}:
		defer l.yield()
	case <-l.life.Done():
		return errClosedListener()
	case <-ctx.Done():
		return nil
	}
	caller := ctx
	ctx, cancel := context.WithCancel(caller)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	s := &serving{listener: l, Acceptance: a, calls: make(chan call, len(l.crew.loops))}
	defer s.withdraw()
	if err := s.run(ctx); err != nil {
		return err
	}
	if caller.Err() != nil {
		return nil
	}
	return errClosedListener()
}

// yield lets the next Serve begin.
func (l *epollListener) yield() {
	<-l.turn
	if l.life.Err() != nil {
		l.disposeIfIdle()
	}
}

// serving is one call of Serve: the loops accept, each through a door of its
// own, and Serve's goroutine does what has to wait.
type serving struct {
	Acceptance
	listener *epollListener
	doors    []*door
	calls    chan call // has room for a call from each door
}

// call is a door's wish for Serve's goroutine: it could not accept, for want of
// a slot, of descriptors or of memory, or it has caught a panic. It is shut then.
type call struct {
	door     *door
	panicked any // out of an Acceptance function
}

// run answers the doors until ctx ends or the socket is dead.
func (s *serving) run(ctx context.Context) error {
	for _, l := range s.listener.crew.loops {
		d := &door{serving: s, loop: l}
		s.doors = append(s.doors, d)
		l.do(d.install)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-s.calls:
			if err := s.answer(ctx, c); err != nil {
				return err
			}
		}
	}
}

// answer waits for a slot in place of a door, takes one client with it, and
// opens the door again.
func (s *serving) answer(ctx context.Context, c call) error {
	if c.panicked != nil {
		panic(c.panicked)
	}
	if err := s.Enter(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("take a slot: %w", err)
	}
	fd, client, err := s.acceptOrLeave(ctx)
	if err != nil || ctx.Err() != nil && fd < 0 {
		return err
	}
	c.door.loop.do(func() { c.door.reopen(fd, client) })
	return nil
}

// acceptOrLeave is accept that gives the slot back if no client came, also by a
// panic.
func (s *serving) acceptOrLeave(ctx context.Context) (fd int32, client netip.AddrPort, err error) {
	fd = -1
	defer func() {
		if fd < 0 {
			s.Leave()
		}
	}()
	return s.accept(ctx)
}

// accept takes a client that waits, if there is one, and holds back while there
// are no means to.
func (s *serving) accept(ctx context.Context) (int32, netip.AddrPort, error) {
	want := shortage{pause: holdBackMin}
	for ctx.Err() == nil {
		_ = s.listener.reserve.open() // if it was lost: before any client, who would go on to take the next
		fd, client, errno := acceptRaw(s.listener.fd)
		switch {
		case errno == 0:
			return fd, client, nil
		case errno == unix.EAGAIN:
			return -1, client, nil
		case deadErrno(errno):
			return -1, client, deadListener(errno)
		case abandonedErrno(errno):
		default:
			want.holdBack(ctx, s.Acceptance, os.NewSyscallError("accept4", errno), s.listener.shed)
		}
	}
	return -1, netip.AddrPort{}, nil
}

func deadListener(errno syscall.Errno) error {
	return fmt.Errorf("%w: %w", ErrListenerDead, os.NewSyscallError("accept4", errno))
}

// shed takes one waiting client with the reserve descriptor and closes it.
func (l *epollListener) shed() (client netip.AddrPort, ok bool) {
	l.reserve.close()
	fd, client, errno := acceptRaw(l.fd)
	if errno == 0 {
		closeRaw(fd)
	}
	_ = l.reserve.open() // fails where somebody else was quicker: tried again before the next accept
	return client, errno == 0
}

// withdraw takes the doors away and waits until no loop is inside an
// Acceptance function. What one of them panicked with meanwhile is not lost.
func (s *serving) withdraw() {
	var gone sync.WaitGroup
	for _, d := range s.doors {
		gone.Add(1)
		d.loop.do(func() { d.remove(); gone.Done() })
	}
	gone.Wait()
	for len(s.calls) > 0 {
		if c := <-s.calls; c.panicked != nil {
			panic(c.panicked)
		}
	}
}
