package main

import (
	"log/slog"
	"os"

	"github.com/troupe-proxy/troupe/internal/inherit"
)

// takeSockets are the listening sockets that a service manager has passed on, nil
// if there are none. It is called once, before anything else is opened.
func takeSockets(p process) (*inherit.Sockets, error) {
	sockets, err := inherit.FromEnvironment(p.lookup, os.Getpid())
	for _, name := range inherit.Variables() {
		_ = os.Unsetenv(name) // it can only fail for a name that cannot be
	}
	return sockets, err
}

// discardSockets closes those that the policy has no use for.
func (s *service) discardSockets() {
	for _, one := range s.inherited.Discard() {
		s.log.Warn("a socket that was passed on to this process is closed: no listener of the policy has its address",
			slog.String("socket", one.String()))
	}
}
