package actors

import (
	"net/netip"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// The messages of the tree, in the order of their senders. Commands are
// imperative, events past tense. A message that owns a socket implements
// census.Undelivered. Beside these a connection gets the transport's events, and
// every actor the exits of its tasks.

// main → supervisor, supervisor → listener: stop accepting, end every session,
// close the sockets, then stop yourself. listener → connection: end the session.
type shutdown struct{}

// supervisor → itself: a child's back-off is over.
type restartChild struct{ child *actor.PID }

// supervisor → listener: you failed and go on; see to it that you accept.
type recovered struct{}

// acceptor → listener: lend me the listening socket. Answered by lend.
type borrow struct{ acceptor *actor.PID }

// listener → acceptor: accept on this socket. It stays the listener's.
type lend struct{ socket transport.Listener }

// acceptor → listener: a client was accepted. It owns the client's sockets
// until a connection has them.
type accepted struct {
	conn   transport.Conn
	record *record
}

// listener → itself: the acceptor's back-off is over.
type restartAcceptor struct{}

// connection's resolver goroutine → connection: names were resolved.
type resolved struct {
	addrs []netip.Addr
	last  bool
	err   error
}

// connection's question goroutine → connection: the policy has answered.
type answered struct{ answer answer }

// connection → metrics: reports is no longer empty.
type sessionsEnded struct{}

// metrics → itself: look for destinations to prune.
type pruneTick struct{}

// Undelivered implements census.Undelivered: the client is closed and booked.
func (a *accepted) Undelivered() { a.discard(ReasonShutdown) }

// discard closes a client that gets no connection. It is booked even should
// closing it panic.
func (a *accepted) discard(r Reason) {
	defer func() { a.record.end(failed(r), time.Now()) }()
	a.conn.Abort()
}
