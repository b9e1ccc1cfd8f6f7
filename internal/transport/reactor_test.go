//go:build linux

package transport_test

import (
	"fmt"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/internal/transport/conformance"
)

func TestReactorConformance(t *testing.T) {
	for _, splice := range []bool{true, false} {
		t.Run(fmt.Sprintf("splice=%v", splice), func(t *testing.T) {
			conformance.Run(t, func(t *testing.T) transport.Network {
				n, err := transport.NewReactor(transport.ReactorOptions{Loops: 2})
				if err != nil {
					t.Fatal(err)
				}
				if !splice {
					n = copying{n}
				}
				return n
			})
		})
	}
}

// copying is a Network whose listeners may not splice.
type copying struct{ transport.Network }

func (n copying) Listen(cfg transport.ListenConfig) (transport.Listener, error) {
	cfg.NoSplice = true
	return n.Network.Listen(cfg)
}

// ListenOn implements transport.Receiver.
func (n copying) ListenOn(cfg transport.ListenConfig, fd int) (transport.Listener, error) {
	cfg.NoSplice = true
	return n.Network.(transport.Receiver).ListenOn(cfg, fd)
}
