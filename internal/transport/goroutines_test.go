package transport_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/internal/transport/conformance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGoroutines(t *testing.T) {
	conformance.Run(t, func(*testing.T) transport.Network { return transport.Goroutines() })
}

func TestGoroutinesTLS(t *testing.T) {
	conformance.RunTLS(t, func(*testing.T) transport.Network { return transport.Goroutines() })
}

// TestPlainSocketsTLS is TestGoroutinesTLS for other systems.
func TestPlainSocketsTLS(t *testing.T) {
	conformance.RunTLS(t, func(*testing.T) transport.Network {
		return transport.NewGoroutines(transport.Options{PlainSockets: true})
	})
}

// TestPlainSockets runs what other systems get.
func TestPlainSockets(t *testing.T) {
	conformance.Run(t, func(*testing.T) transport.Network {
		return transport.NewGoroutines(transport.Options{PlainSockets: true})
	})
}
