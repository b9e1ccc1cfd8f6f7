//go:build !linux

package transport

import (
	"errors"
	"fmt"
)

// NewReactor fails: the reactor is made of epoll, which only Linux has. The
// error wraps errors.ErrUnsupported.
func NewReactor(ReactorOptions) (Network, error) {
	return nil, fmt.Errorf("epoll reactor: %w", errors.ErrUnsupported)
}

func newReactor(o ReactorOptions, _ *budget) (Network, error) { return NewReactor(o) }
