package actors

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/troupe-proxy/troupe/internal/inherit"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/internal/unixsocket"
)

// opener opens listening sockets. Where one was passed on to this process that is
// bound to the address, it is served in place of one of our own: the clients in its
// queue, who may have come before the process began, are not lost.
type opener struct {
	transport.Network
	inherited *inherit.Sockets
}

func (c *Config) opener() opener { return opener{c.Network, c.Inherited} }

// lasts says whether the socket of a listener is one that its opener keeps.
func (c *Config) lasts(o *openListener) bool {
	return c.Inherited.IsLasting(inherit.Socket{Address: o.config.Address}.Bound())
}

// errNoReceiver says that this transport has no use for sockets of others.
var errNoReceiver = fmt.Errorf("this transport serves no socket that was passed on: %w", errors.ErrUnsupported)

// Listen implements transport.Network.
func (o opener) Listen(cfg transport.ListenConfig) (transport.Listener, error) {
	passed, ok, err := o.inherited.TCP(cfg.Address)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		l, err := o.Network.Listen(cfg)
		return l, o.inherited.Explain(err, cfg.Address)
	}
	r, can := o.Network.(transport.Receiver)
	if !can {
		return nil, errNoReceiver
	}
	return r.ListenOn(cfg, passed.FD)
}

// listenTCP opens a TCP socket for HTTP.
func (o opener) listenTCP(address netip.AddrPort) (webListener, error) {
	passed, ok, err := o.inherited.TCP(address)
	if err != nil {
		return nil, err
	}
	if !ok {
		l, err := net.ListenTCP(transport.ListenNetwork(address), net.TCPAddrFromAddrPort(address))
		if err != nil {
			return nil, o.inherited.Explain(err, address)
		}
		return l, nil
	}
	file := os.NewFile(uintptr(passed.FD), passed.Bound())
	l, err := net.FileListener(file)
	if err = errors.Join(err, file.Close()); err != nil { // the listener has a copy
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// listenUnix opens a Unix socket. One that its opener keeps has the permissions and
// the file that this one gave it.
func (o opener) listenUnix(path string, p unixsocket.Permission) (webListener, error) {
	passed, ok, err := o.inherited.Unix(path)
	if err != nil {
		return nil, err
	}
	if !ok {
		l, err := unixsocket.Listen(path, p)
		if err != nil {
			return nil, err // and no *unixsocket.Listener
		}
		return l, nil
	}
	l, err := unixsocket.ListenOn(passed.FD, path, func() bool { return passed.Lasting || !o.inherited.Settled() })
	if err != nil {
		return nil, err
	}
	if !passed.Lasting {
		if err := l.Permit(p); err != nil {
			_ = l.Close() // nothing was accepted on it
			return nil, err
		}
	}
	return l, nil
}
