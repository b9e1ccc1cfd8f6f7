package transport

import (
	"errors"
	"net"
)

// ListenOn implements Receiver.
func (r *reactor) ListenOn(cfg ListenConfig, fd int) (Listener, error) {
	err := prepareSocket(fd, cfg.KeepAlive)
	if err == nil && cfg.TLS != nil {
		err = errors.ErrUnsupported
	}
	if err != nil {
		closeRaw(int32(fd))
		return nil, failedOn(cfg.Address, err)
	}
	l, err := r.newListener(cfg, int32(fd))
	if err != nil {
		return nil, err
	}
	l.shared = true // nobody else has it yet
	return l, nil
}

// Pass implements Passer.
func (l *epollListener) Pass() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return -1, net.ErrClosed
	}
	l.shared = true
	return copyDescriptor(uintptr(l.fd))
}
