package transport

import "context"

// Options choose how the goroutine transport uses the system. The zero value
// is right for a daemon.
type Options struct {
	// PlainSockets confines the transport to package net. It is what systems
	// get for which the package has no system calls of its own; elsewhere it
	// is slower, and it lets one machine test both.
	PlainSockets bool
}

// Goroutines returns the portable transport: a goroutine reads each client
// until the relay, and then one goroutine carries each direction.
func Goroutines() Network { return NewGoroutines(Options{}) }

// NewGoroutines is Goroutines with options.
func NewGoroutines(o Options) Network { return newGoroutines(o, newBudget()) }

// newGoroutines is NewGoroutines with a budget that others may share.
func newGoroutines(o Options, shared *budget) *goroutines {
	b := newBuffers(shared)
	if o.PlainSockets {
		return &goroutines{sockets: plainSockets{b}, buffers: b}
	}
	return &goroutines{sockets: newSockets(b), buffers: b}
}

// goroutines is the Network. It holds nothing but the buffers, which its
// sessions share, and the way to open sockets.
type goroutines struct {
	sockets sockets
	buffers *buffers
}

// Alive implements Network. No session waits for another one's goroutine.
func (g *goroutines) Alive(context.Context) error { return nil }

// Figures implements Network.
func (g *goroutines) Figures() Figures { return g.buffers.budget.figures() }
