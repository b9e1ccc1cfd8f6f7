package transport

import (
	"errors"
	"fmt"
	"net/netip"
)

// Receiver is a Network that can serve a listening socket which somebody else has
// opened and passed on to this process, as those of this package can where
// descriptors are passed on.
type Receiver interface {
	// ListenOn is Listen on the socket fd, which is bound to the address of cfg
	// and listens. It gives it the options that Listen gives its own. Another
	// process may have the socket too and accept from the same queue: nothing
	// that is done here, Close included, ends that. The descriptor is the
	// Listener's from here on, and is closed with an error.
	ListenOn(cfg ListenConfig, fd int) (Listener, error)
}

// Passer is a Listener whose socket can be passed on to another process, as those
// of this package can where descriptors are passed on.
type Passer interface {
	// Pass returns a copy of the listening socket's descriptor, which is the
	// caller's. From then on whoever has the copy may accept from the same queue,
	// and Close leaves that queue alone. It may be called from any goroutine; the
	// error of a closed one wraps net.ErrClosed.
	Pass() (fd int, err error)
}

// errNoPassing is for what has no descriptors to pass on.
var errNoPassing = fmt.Errorf("a listening socket of another process: %w", errors.ErrUnsupported)

// ListenOn implements Receiver.
func (b byClient) ListenOn(cfg ListenConfig, fd int) (Listener, error) {
	n := b.plain
	if cfg.TLS != nil {
		n = b.tls
	}
	if r, ok := n.(Receiver); ok {
		return r.ListenOn(cfg, fd)
	}
	return nil, errNoPassing
}

// failedOn is the error of a socket that was passed on.
func failedOn(address netip.AddrPort, err error) error {
	return fmt.Errorf("listen %v on a socket that was passed on: %w", address, err)
}
