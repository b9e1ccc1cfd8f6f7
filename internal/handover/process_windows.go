package handover

import (
	"errors"
	"fmt"

	"github.com/troupe-proxy/troupe/internal/inherit"
)

// Program is what is started as the successor.
type Program struct {
	Path string
	Args []string
	Env  []string
}

// Launch is for systems whose processes pass descriptors on by their numbers.
func Launch(Program, []inherit.Socket) (*Successor, error) {
	return nil, fmt.Errorf("a hand-over: %w on this system", errors.ErrUnsupported)
}

// FromEnvironment is none: see Launch.
func FromEnvironment(func(string) (string, bool)) (*Predecessor, *inherit.Sockets, error) {
	return nil, nil, nil
}
