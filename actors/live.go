package actors

import (
	"github.com/troupe-proxy/troupe/internal/census"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// live is who is there at the moment: the actors of which there are few, and the
// sessions. Whoever looks asks no actor, and no relay waits for that.
type live struct {
	tree     census.Tree
	sessions census.Roll[*connection]
}

// phase is where a connection was after its last turn, for any goroutine.
func (c *connection) shownPhase() phase { return phase(c.shown.Load()) }

// waitsFor is the side that a session waits for: the one that did not send the last
// byte. Before the relay that is the client, as long as its next message is
// awaited, and from then on the upstream, which in mail speaks first.
func waitsFor(p phase, last transport.Side, spoken bool) transport.Side {
	switch {
	case p < phaseHook:
		return transport.Client
	case p == phaseRelaying && spoken && last == transport.Upstream:
		return transport.Client
	}
	return transport.Upstream
}

// waitsForSide is waitsFor of a connection now, for any goroutine.
func (c *connection) waitsForSide() transport.Side {
	last, _, spoken := c.conn.LastByte()
	return waitsFor(c.shownPhase(), last, spoken)
}
