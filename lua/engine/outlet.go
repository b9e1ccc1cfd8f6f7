package engine

import (
	"io"
	"os"
	"sync"
)

// outlet is a writer that the state shares with the children of io.popen, whose
// output a goroutine of os/exec copies.
type outlet struct {
	mu sync.Mutex
	to io.Writer
}

// newOutlet leaves a file as it is: a child gets it as its own.
func newOutlet(to io.Writer, otherwise *os.File) io.Writer {
	switch to := to.(type) {
	case nil:
		return otherwise
	case *os.File:
		return to
	default:
		return &outlet{to: to}
	}
}

func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(p)
}
