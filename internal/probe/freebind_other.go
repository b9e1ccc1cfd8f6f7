//go:build !linux

package probe

import (
	"errors"
	"syscall"
)

// freebind: there is no such thing here, and no policy that asks for it.
func freebind(string, string, syscall.RawConn) error { return errors.ErrUnsupported }
