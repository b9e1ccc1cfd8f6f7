package actors

import (
	"net/netip"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// The messages of the tree, in the order of their senders. Commands are
// imperative, events past tense. A message that owns a socket implements
// census.Undelivered. Beside these a connection gets the transport's events, and
// every actor the exits of its tasks.

// main → supervisor, supervisor → listener: stop accepting, end every session,
// close the sockets, then stop yourself. listener → connection: end the session.
type shutdown struct{}

// System.Reload → supervisor: go over to what was prepared, all of it. Answered
// by one value: false, the tree is about to end and nothing was changed.
type apply struct {
	plan *plan
	done chan<- bool // has room for the answer
}

// supervisor → listener: take clients by these terms from now on, on this socket
// if there is one. It owns both.
type adjust struct {
	terms  *terms
	socket transport.Listener
}

// supervisor → listener: take the clients who wait in the queue, close the
// socket, and stop yourself when the last session has ended.
type retire struct{}

// System → supervisor: have listeners take no more clients, or take them again.
type drain struct {
	only   string // the address of the one that is meant; "": all
	by     string // who asked, for the log
	undo   bool
	last   bool           // the tree is about to end: from now on nothing else is undone or reloaded
	answer chan<- drained // has room for the answer

	spareLasting bool // those on sockets that their opener keeps go on
}

// supervisor → listener: take those who wait in the queue, close the socket, and
// let the sessions go on. It may be said again.
type halt struct {
	by   string
	once sync.Once
	done chan struct{} // closed with the socket, or when the listener takes clients again or ends
}

// supervisor → listener: take clients again.
type unhalt struct{ answer chan<- error } // has room for the answer

// supervisor → web: there are sockets that you do not serve yet.
type serveSockets struct{}

// System.Reload → supervisor → listener: give me your socket with another
// configuration, while you go on with your own. Answered by one value.
type share struct {
	listener *openListener
	config   transport.ListenConfig
	answer   chan<- sharedSocket // has room for the answer
}

// sharedSocket is the same socket once more, which belongs to whoever asked; nil
// without an error: there is none at the moment.
type sharedSocket struct {
	socket transport.Listener
	err    error
}

// System → supervisor → listener: give me a copy of your socket's descriptor, while
// you go on with your own. Answered by one value.
type pass struct {
	listener *openListener
	answer   chan<- passed // has room for the answer
}

// passed is a descriptor that belongs to whoever asked; -1: there is none.
type passed struct {
	fd      int
	drained string // who has drained the listener
	err     error
}

// System → supervisor: what HTTPLater has held back may be served.
type serveHTTP struct{}

// System → supervisor: another process serves your sockets. Answered by what is
// closed with each of them.
type yield struct{ done chan<- []<-chan struct{} } // has room for the answer

// supervisor → itself: a child's back-off is over.
type restartChild struct{ child *actor.PID }

// supervisor → listener: you failed and go on; see to it that you accept.
type recovered struct{}

// acceptor → listener: lend me the listening socket. Answered by lend.
type borrow struct {
	acceptor *actor.PID
	by       *acceptor
}

// listener → acceptor: accept on this socket, which stays the listener's, by
// these terms.
type lend struct {
	to     *acceptor // its successor might get it
	socket transport.Listener
	terms  *terms
	last   bool // take those who wait, and no more
}

// acceptor → listener: a client was accepted, by the terms that it is to be
// served by. It owns the client's sockets until a connection has them.
type accepted struct {
	conn   transport.Conn
	record *record
	shared *shared
	prove  bool // it has to authenticate
}

// System → connection: end the session.
type endSession struct{ reason Reason }

// listener → itself: whatever was accepted before you were retired is behind you.
type settle struct{}

// listener → itself: the acceptor's back-off is over.
type restartAcceptor struct{}

// source.Table → sources: sources have come or gone.
type sourcesChanged struct{}

// sources' watching goroutine → sources: addresses of this machine may have changed.
type addressesChanged struct{}

// sources → source: see whether your address is plumbed.
type lookAtAddress struct{}

// sources → itself: the time of a hold is up.
type holdsOver struct{}

// System → sources: carry out what somebody has decided.
type changeSources struct {
	change source.Change
	answer chan<- changedSources // has room for the answer
}

// changedSources is what that came to.
type changedSources struct {
	done source.Done
	err  error
}

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

// Undelivered implements census.Undelivered: nothing is changed.
func (a *apply) Undelivered() { a.done <- false }

// Undelivered implements census.Undelivered.
func (a *adjust) Undelivered() {
	a.terms.generation.leave()
	if a.socket != nil {
		_ = a.socket.Close() // nothing was accepted on it
	}
}

// Undelivered implements census.Undelivered.
func (s *share) Undelivered() { s.answer <- sharedSocket{err: errAbsent} }

// Undelivered implements census.Undelivered.
func (p *pass) Undelivered() { p.answer <- passed{fd: -1, err: errAbsent} }

// Undelivered implements census.Undelivered.
func (y *yield) Undelivered() { y.done <- nil }

// Undelivered implements census.Undelivered.
func (d *drain) Undelivered() { d.answer <- drained{err: ErrStopping} }

// Undelivered implements census.Undelivered.
func (c *changeSources) Undelivered() { c.answer <- changedSources{err: ErrStopping} }

// Undelivered implements census.Undelivered.
func (h *halt) Undelivered() { h.settle() }

// Undelivered implements census.Undelivered.
func (u *unhalt) Undelivered() { u.answer <- errAbsent }

// Undelivered implements census.Undelivered: the client is closed and booked.
func (a *accepted) Undelivered() { a.discard(ReasonShutdown) }

// discard closes a client that gets no connection. It is booked even should
// closing it panic.
func (a *accepted) discard(r Reason) {
	defer a.book(failed(r))
	a.conn.Abort()
}

func (a *accepted) book(o Outcome) {
	now := time.Now()
	if a.record.end(o, now) && a.shared != nil {
		a.shared.reportUnserved(a.record, o, now)
	}
}
