// Package inherit holds the listening sockets that this process was started with:
// by a service manager, sd_listen_fds(3), or by the process it takes over from.
//
// It opens no socket, accepts nobody and knows no policy. Descriptors come from
// the environment, or from whoever was told of them, and go to whoever asks for
// the address that they are bound to. What nobody asked for is closed by Discard.
package inherit

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrKind says that a descriptor is no listening stream socket of TCP or Unix.
var ErrKind = errors.New("expected a listening TCP or Unix stream socket")

// Socket is a listening socket that somebody else has opened.
type Socket struct {
	// FD is its descriptor, which is closed when a program is started.
	FD int
	// Name is what the service manager calls it, for the log; it may be empty.
	Name string
	// Address is what a TCP socket is bound to, and Path that of a Unix socket; the
	// other one is zero.
	Address netip.AddrPort
	Path    string
	// Asked is how a policy asks for it where that is not its address, such as
	// 127.0.0.1:0; or empty.
	Asked string
	// Lasting: whoever opened it keeps it, as a service manager does. The queue of
	// its clients then outlives every process, and its file is not ours.
	Lasting bool
}

// Bound is what the socket is bound to, as a policy would have it.
func (s Socket) Bound() string {
	if s.Path != "" {
		return unixPrefix + s.Path
	}
	return s.Address.String()
}

// String names the socket in a log.
func (s Socket) String() string {
	if s.Name == "" {
		return s.Bound()
	}
	return fmt.Sprintf("%s (%s)", s.Bound(), s.Name)
}

const unixPrefix = "unix:"

// Sockets are those of a process. The methods may be called from any goroutine;
// of a nil *Sockets, which has none, too.
type Sockets struct {
	settled atomic.Bool

	mu  sync.Mutex
	all []*held
}

type held struct {
	Socket
	used bool // somebody has asked for it
	gone bool // the descriptor is somebody else's, or closed
}

// New has sockets that were looked at by Look or FromEnvironment. It owns them.
func New(all []Socket) *Sockets {
	s := &Sockets{}
	for _, one := range all {
		s.all = append(s.all, &held{Socket: one})
	}
	return s
}

// Bound is the address of a socket whose policy asked for another text, as for a
// port that the kernel was to choose: each such text leads to each socket once.
func (s *Sockets) Bound(asked string) (netip.AddrPort, bool) {
	if s == nil || !strings.HasSuffix(asked, ":0") {
		return netip.AddrPort{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.all {
		if h.Asked == asked && !h.used && !h.gone {
			h.used = true
			return h.Address, true
		}
	}
	return netip.AddrPort{}, false
}

// TCP gives a descriptor of the socket that is bound to an address, which is the
// caller's; false: there is none. Of a lasting one it is a copy, so that it can be
// had again.
func (s *Sockets) TCP(address netip.AddrPort) (Socket, bool, error) {
	return s.take(func(h *held) bool { return h.Path == "" && h.Address == canonical(address) })
}

// Unix is as TCP, for the Unix socket at a path.
func (s *Sockets) Unix(path string) (Socket, bool, error) {
	return s.take(func(h *held) bool { return h.Path != "" && h.Path == path })
}

func (s *Sockets) take(is func(*held) bool) (Socket, bool, error) {
	if s == nil {
		return Socket{}, false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.all {
		if h.gone || !is(h) {
			continue
		}
		given := h.Socket
		if h.Lasting {
			fd, err := Copy(h.FD)
			if err != nil {
				return Socket{}, false, fmt.Errorf("the socket %v that was passed on to this process: %w", h.Socket, err)
			}
			given.FD = fd
		}
		h.used, h.gone = true, !h.Lasting
		return given, true, nil
	}
	return Socket{}, false, nil
}

// Settle notes that whoever passed the sockets on has gone, or serves them no more:
// what does not last is this process's alone from now on.
func (s *Sockets) Settle() { s.settled.Store(true) }

// Settled says whether Settle was called.
func (s *Sockets) Settled() bool { return s != nil && s.settled.Load() }

// Lasting are the sockets that whoever opened them keeps. The descriptors stay the
// Sockets'.
func (s *Sockets) Lasting() (all []Socket) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.all {
		if h.Lasting && !h.gone {
			all = append(all, h.Socket)
		}
	}
	return all
}

// IsLasting says whether the socket bound to an address is one that whoever
// opened it keeps.
func (s *Sockets) IsLasting(bound string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.all {
		if h.Lasting && !h.gone && h.Bound() == bound {
			return true
		}
	}
	return false
}

// Explain adds to the error of an address that cannot be had which socket here has
// the same port, since that one may well be meant.
func (s *Sockets) Explain(err error, address netip.AddrPort) error {
	if s == nil || err == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.all {
		if !h.gone && h.Path == "" && h.Address.Port() == address.Port() {
			return fmt.Errorf("%w (the socket %v that was passed on to this process is another address: write the same one in both places)", err, h.Socket)
		}
	}
	return err
}

// Discard closes those that nobody has asked for, and tells which they were.
func (s *Sockets) Discard() (discarded []Socket) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.all {
		if !h.used && !h.gone {
			h.gone = true
			closeDescriptor(h.FD)
			discarded = append(discarded, h.Socket)
		}
	}
	return discarded
}

// canonical is an address as the kernel would have it: IPv4 in IPv6 is IPv4.
func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
