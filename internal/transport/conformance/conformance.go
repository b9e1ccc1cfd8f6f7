// Package conformance is the test suite that every transport.Network passes.
//
// It drives a Network over real loopback sockets, as a client before it, an
// upstream behind it and the owner of its sessions, and checks what each of the
// three can see: bytes, ends of stream, resets, events, totals, and that no
// goroutine and no descriptor is left. It looks into no implementation and
// needs no network but loopback.
package conformance

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// testCase is one behaviour of the contract.
type testCase struct {
	name string
	run  func(t *testing.T, r *rig)
}

// Run runs the suite as subtests of t. It calls open for each of them. They
// count the descriptors of the process, so nothing may run beside them.
func Run(t *testing.T, open func(t *testing.T) transport.Network) {
	run(t, open, nil, handshakeCases(), dialCases(), bindCases(), relayCases(), bannerCases(), lastByteCases(), resetCases(),
		stallCases(), paceCases(), limitCases(), endCases(), serveCases(), passedCases(), exhaustionCases())
}

// RunTLS runs what TLS may change with clients that speak it, and what only TLS
// has. A Network that refuses TLS is not meant to pass.
func RunTLS(t *testing.T, open func(t *testing.T) transport.Network) {
	run(t, open, newSecurity(t), handshakeCases(), dialCases(), relayCases(), bannerCases(), lastByteCases(), resetCases(), stallCases(), paceCases(), limitCases(), endCases(), tlsCases(), tlsLaterCases())
}

func run(t *testing.T, open func(t *testing.T) transport.Network, secure *security, groups ...[]testCase) {
	_ = listen(t).Close() // the runtime's poller opens its own descriptors now
	for _, group := range groups {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				before := goleak.IgnoreCurrent()
				descriptors := openDescriptors(t)
				// Also of a case that is skipped: loops that are still to end close theirs
				// in the midst of the next case, which may be about to have none left.
				defer func() {
					if t.Failed() {
						return // what it left behind is a consequence
					}
					goleak.VerifyNone(t, before)
					eventually(t, "descriptors are closed", func() bool { return openDescriptors(t) <= descriptors })
				}()
				c.run(t, newRig(t, open(t), secure))
			})
		}
	}
}
