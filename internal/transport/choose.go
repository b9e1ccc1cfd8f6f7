package transport

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// Choose returns the Network of that name: "reactor", "goroutines", or "auto",
// which is the reactor where it can serve (Linux, clients in the clear) and
// goroutines where it can't. The error wraps ErrUnknown for another name.
func Choose(name string) (Network, error) {
	switch name {
	case "auto":
		if runtime.GOOS != "linux" {
			return Goroutines(), nil
		}
		shared := newBudget()
		plain, err := newReactor(ReactorOptions{}, shared)
		return byClient{plain: plain, tls: newGoroutines(Options{}, shared)}, err
	case "reactor":
		return NewReactor(ReactorOptions{})
	case "goroutines":
		return Goroutines(), nil
	}
	return nil, fmt.Errorf("%w %q, expected auto, reactor or goroutines", ErrUnknown, name)
}

// ErrUnknown is a name that no transport has.
var ErrUnknown = errors.New("unknown transport")

// byClient chooses by how the clients of a listener speak. Both have one budget.
type byClient struct{ plain, tls Network }

// Alive implements Network. The other one has no loops.
func (b byClient) Alive(ctx context.Context) error { return b.plain.Alive(ctx) }

// Figures implements Network: what is not shared, the other one has not.
func (b byClient) Figures() Figures { return b.plain.Figures() }

func (b byClient) Listen(cfg ListenConfig) (Listener, error) {
	if cfg.TLS != nil {
		return b.tls.Listen(cfg)
	}
	return b.plain.Listen(cfg)
}
