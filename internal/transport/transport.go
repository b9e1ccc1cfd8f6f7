// Package transport carries bytes: it owns the sockets of a session and the
// goroutines that wait on them, and tells the session's owner what happened by
// events.
//
// It does not know SOCKS, policy, names or metrics: it accepts, reads, writes,
// binds, dials one address, relays, and closes. It decides nothing.
//
// Its data comes from the sockets and from the owner's calls; it goes to the
// other socket, to the owner as an Event, and into the counters the owner lent.
//
// The contract below is kept by every implementation and checked by one
// conformance suite (package transport/conformance).
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"
)

// Network opens listening sockets. It may be used by several goroutines.
type Network interface {
	// Listen binds and listens. The error names the address.
	// The caller owns the Listener and closes it.
	Listen(cfg ListenConfig) (Listener, error)
	// Alive returns nil once every event loop has moved since the call. When ctx
	// ends before, the error wraps ErrStuck and says which one has not. It costs
	// nothing but when it is asked.
	Alive(ctx context.Context) error
	// Figures are how the Network is now. It waits for no loop.
	Figures() Figures
}

// ListenConfig says how to listen and how the sessions of this listener treat
// their sockets. The zero value of all but Address is usable.
type ListenConfig struct {
	// Address to bind. Port 0 lets the kernel choose. An IPv6 unspecified
	// address also takes IPv4 clients where the system does.
	Address netip.AddrPort
	// KeepAlive is set on both sockets of each session.
	KeepAlive KeepAlive
	// NoSplice has bulk copied through memory also where the transport could
	// leave it to the kernel, splice(2).
	NoSplice bool
	// TLS is what clients are served by; nil: they speak in the clear. A Network
	// that knows no TLS must refuse it. The handshake begins with Conn.Start and is
	// heard as Secured or as a ClientClosed; nothing is read before, and what
	// is written waits for it.
	TLS *tls.Config
	// TLSLater has the handshake begin with Conn.Secure and not with Start. What
	// comes before that is read in the clear; nothing else is different.
	TLSLater bool
	// HandshakeTimeout bounds the TLS handshake, from its beginning; 0 does not.
	HandshakeTimeout time.Duration
	// LastWords is how long a side may take nothing of what the other had sent
	// before it reset, and how long Conn.Finish waits for the client; 0 is 2 s.
	// Then what is left is lost.
	LastWords time.Duration
}

// KeepAlive is TCP keepalive, tcp(7). Idle and Interval are whole seconds in
// 1..32767, Count is 1..127; the policy has checked them.
type KeepAlive struct {
	Enabled  bool
	Idle     time.Duration
	Interval time.Duration
	Count    int
}

// Listener is one listening socket. Its owner may lend it: Serve can be called
// again after an earlier Serve returned, on the same socket, and meanwhile
// clients wait in the kernel's queue.
type Listener interface {
	// Addr is the bound address, with the real port.
	Addr() netip.AddrPort
	// Serve accepts clients until ctx ends (then it returns nil) or the socket
	// can accept no more (then the error is, or wraps, ErrListenerDead).
	// Running out of descriptors or memory and clients that left before they
	// were accepted end nothing: Serve holds back and goes on, see Acceptance.
	// A second call waits until the first has returned.
	// A panic in an Acceptance function ends Serve with that panic. A slot that
	// was taken and belongs to no Conn by then is handed back by Leave, once.
	Serve(ctx context.Context, a Acceptance) error
	// Close closes the socket; a running Serve returns. Sessions live on.
	Close() error
}

// Acceptance is what Serve asks and tells while it accepts. All functions are
// called on Serve's goroutine or, in a transport with several loops, on theirs;
// each must be set.
type Acceptance struct {
	// Enter takes a slot, waiting for one as long as ctx lives; it is called
	// before each accept so that back-pressure stays in the kernel's queue.
	// Once it returned nil, the slot is handed back by Leave when no client came
	// of it, and otherwise belongs to the Conn given to Accepted as soon as that
	// has returned or has started the Conn.
	Enter func(ctx context.Context) error
	Leave func()
	// Accepted is given each client. The Conn is the callee's from then on,
	// who must Start, Decline or Abort it. If Accepted panics before the Conn was started,
	// the transport aborts the Conn and calls Leave, so nothing that may panic
	// should follow once the callee has made the slot its own.
	Accepted func(Conn)
	// HoldBack is told of each accept that failed for want of descriptors or
	// memory, before Serve waits and tries again.
	HoldBack func(err error)
	// Shed is told of each client that had waited 2 s for a descriptor and was
	// taken with a reserve descriptor and closed unserved.
	Shed func(client netip.AddrPort, err error)
}

// Conn is one session's sockets: the client's from accept on and, once
// dialled, the upstream's. Unless noted, its methods may be called by one
// goroutine at a time (the owner's turn) and never block.
type Conn interface {
	// Client is the peer's address, IPv4-mapped forms unmapped.
	Client() netip.AddrPort
	// Local is the address that the client dialled, unmapped.
	Local() netip.AddrPort

	// Start begins to read from the client; from here on owner hears events.
	// It is called once, before any other method but Client, Local, Abort.
	Start(owner Owner)
	// Decline closes a client that is not to be served, in place of Start: with an
	// end of stream, since one that is about to learn that it has connected would
	// take a reset for a refusal. What it had sent is lost.
	Decline()

	// Peek returns what the client sent and nobody consumed yet. The slice is
	// valid until the next call of Discard, Relay, Finish or Abort.
	// At most 16 KiB are held; then reading pauses until Discard.
	Peek() []byte
	// Discard consumes the first n bytes of Peek.
	Discard(n int)
	// Write sends p to the client, after what was written before; p may be
	// reused at once. What the socket does not take is kept and sent later.
	// A failed write is heard as ClientClosed.
	Write(p []byte)

	// Secure begins the TLS handshake of a listener with TLSLater: with what Peek
	// holds, which it consumes. It is called once, before Relay; with another
	// listener it does nothing. Secured follows, or a ClientClosed, as after Start.
	Secure()

	// Bind chooses the outgoing address: port 0 reserves no port where the
	// system can avoid it (IP_BIND_ADDRESS_NO_PORT, ip(7)), another port is
	// really bound. It returns the bound address. It is the only method that
	// answers at once; the errno tells an unplumbed address (EADDRNOTAVAIL).
	// A second Bind replaces the first.
	Bind(source Origin) (netip.AddrPort, error)
	// Dial starts one attempt to connect to an address, from the bound source
	// if there is one (which must be of its family). Several may run at once:
	// the first to connect becomes the upstream, which closes the others
	// without an event. Each other outcome is a Dialed with its attempt.
	Dial(attempt int, upstream netip.AddrPort)
	// CancelDial ends all attempts that have not connected, without an event
	// (one may already be on its way).
	CancelDial()

	// SetTimer lets the owner hear Expired after d, once; a new call replaces
	// the earlier, 0 stops it (an Expired may already be on its way). It serves
	// before and during the relay.
	SetTimer(d time.Duration)

	// LastByte says which side sent the last byte that has come, and how long ago
	// anything last moved: a byte came, or one that had waited was taken by the
	// other side, or a relay with limits began or was closed by one side. Not ok:
	// neither side has sent any. It is noted when it is received, so
	// that bytes which the other side does not take are known of too; what the
	// owner writes is of neither side, nor is a TLS handshake. It may be called at
	// any time, from any goroutine, and makes no system call. A transport may read
	// its clock once for many events, so ago may be a little long.
	LastByte() (from Side, ago time.Duration, ok bool)

	// Limit has the relay keep to paces, each of which it may have in common with
	// others. Called before Relay, at most once; without it nothing is held up. What
	// Peek still holds does not count, nor are the last words of a side held up that
	// has reset. Bytes that have to wait stay where they are, or hold no more than
	// one buffer.
	Limit(to ...*Pace)
	// Relay joins client and upstream: what Peek still holds first, then both
	// directions until both have ended, each end of stream passed on as a
	// half-close. Called once, after a successful Dialed. Bytes are added to
	// both counters as the destination's socket takes them. It stops the timer.
	// The relay is held to limits, nil: to none. Ended is the last event.
	Relay(session, total *Traffic, limits *RelayLimits)

	// Finish closes a session that never relayed: what was written is
	// delivered, then end of stream; what the client still sends is thrown
	// away until it closes too, for at most LastWords, so that no reset overtakes
	// the last reply. Ended follows.
	Finish()
	// Abort closes everything at once, the client and upstream with a reset.
	// It may be called at any time, from any goroutine, more than once, and
	// before Start. If Start was called, Ended follows exactly once.
	Abort()
}

// Origin is what a socket is bound to before it connects.
type Origin struct {
	netip.AddrPort
	// Freebind: the address need not be one of this machine (IP_FREEBIND, ip(7)),
	// so that a bind does not find out. Where the system has no such thing, the
	// error wraps errors.ErrUnsupported.
	Freebind bool
}

// Owner hears the events of one Conn. Notify may be called from any goroutine
// and must not block; calls for one Conn do not overlap with one another, but
// may run while the owner is inside a method of the Conn. They never run on
// the stack of such a method, so that the owner may hold a lock around its
// calls; and the owner may call any method from within Notify. A panic out of
// Notify ends the session as Broken.
type Owner interface {
	Notify(Event)
}

// Event is one of Secured, Readable, ClientClosed, Dialed, Expired, Banner, Ended.
type Event interface{ event() }

// Secured says that the TLS handshake with the client is done. Subject is the
// name in the client's certificate if one was demanded, and verified.
type Secured struct{ Subject string }

// Readable says that Peek has something new.
type Readable struct{}

// ClientClosed says, before the relay, that the client sends no more. Err is
// nil after an end of stream, which leaves the client there to be written to:
// should it be lost after that, a second ClientClosed says so. Err is not nil
// when the client is gone, and then ClientClosed does not come again. That is
// noticed too while nothing is read, because of what Peek holds or after an end
// of stream, where the system can tell, within about a second. Err is the error
// of the read or write, or ECONNRESET if there was none; it
// wraps ErrTLSHandshake when there was no more than a handshake, and
// ErrTLSTruncated as said there. An end of stream comes after the Readable of
// what preceded it.
type ClientClosed struct{ Err error }

// Dialed is the outcome of one attempt. Local is our address on success.
type Dialed struct {
	Attempt int
	Local   netip.AddrPort
	Err     error
}

// Expired says that the timer set last has run out.
type Expired struct{}

// Ended says that both sockets are closed; it is the last event of a Conn.
// End is how a relay ended, or Closed if there was none or it was aborted.
type Ended struct {
	End End
	// Side is who reset, if End is Reset, or who was waited for if it is Idle or
	// HalfClosed: who had not sent the last byte, or has not closed.
	Side Side
	// Err is why, if End is Broken. If End is Reset it wraps ErrTLSTruncated, or
	// is nil: the peer did reset.
	Err error
}

func (Secured) event()      {}
func (Readable) event()     {}
func (ClientClosed) event() {}
func (Dialed) event()       {}
func (Expired) event()      {}
func (Ended) event()        {}

// End is how a session's sockets came to be closed.
type End uint8

const (
	// Closed by our own Finish or Abort.
	Closed End = iota
	// Fin: both directions of the relay ended with an end of stream.
	Fin
	// Reset: a peer reset the relay, or broke its TLS off; the other side was
	// reset too, after what had come was delivered, or when it had taken nothing
	// of that for 2 s. A reset is noticed within about a second also while the
	// other side does not read.
	Reset
	// Broken: a fault of ours ended the session; Err wraps ErrInternal.
	Broken
	// Idle, HalfClosed and Outlived: the relay was past the limit Idle, HalfClosed
	// or Most.
	Idle
	HalfClosed
	Outlived
)

// Side is a peer of a session.
type Side uint8

const (
	Client Side = iota
	Upstream
)

// Traffic counts the bytes that a destination's socket has taken: Up from
// client to upstream, Down from upstream to client. It may be read at any time.
type Traffic struct {
	Up, Down atomic.Uint64
	// Began, if set before the relay, is what FirstDown counts from.
	Began time.Time
	first atomic.Int64
	// Banner, if set in the session's before the relay, asks for the event Banner.
	Banner bool
}

// FirstDown is how long after Began the client's socket took the first byte of the
// upstream; 0: it has taken none, or Began is not set.
func (t *Traffic) FirstDown() time.Duration { return time.Duration(t.first.Load()) }

// addDown counts bytes that the client's socket has taken. One goroutine does at a
// time.
func (t *Traffic) addDown(n uint64) {
	if t.Down.Add(n) == n && !t.Began.IsZero() {
		t.first.Store(int64(max(time.Since(t.Began), 1)))
	}
}

var (
	// ErrListenerDead says that the listening socket can accept no more and has to be
	// opened anew.
	ErrListenerDead = errors.New("listening socket is dead")
	// ErrTLSHandshake says that the client did not make a TLS handshake that
	// could be accepted, or not in time. One that left before its first byte is
	// not meant. The owner had better Finish, so that the client is told why; the
	// session is closed 2 s later at the latest.
	ErrTLSHandshake = errors.New("TLS handshake failed")
	// ErrTLSTruncated says that the client's stream broke off: by a FIN without
	// close_notify, which anybody on the way could have sent, or by a record that
	// is none. After our own close_notify, when nobody listens to the client any
	// more, it is an end of stream like any other.
	ErrTLSTruncated = errors.New("TLS stream broken off without close_notify")
	// ErrInternal is a panic or broken invariant inside the transport.
	ErrInternal = errors.New("internal fault")
)
