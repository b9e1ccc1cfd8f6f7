package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"
)

// heldMax is how much of the client is held before the relay.
const heldMax = 16 << 10

// phase is where a conn is in its life; it only grows.
type phase uint8

const (
	handshaking phase = iota
	relaying
	finishing
	closed
)

// conn is a Conn carried by goroutines. Each goroutine that works for it is
// counted in users; the last to leave after the sockets were closed tells the
// owner that it ended.
//
// The mutex guards the fields below it. It is held neither while the owner is
// told something nor while a stream is used, other than to ask how it is.
type conn struct {
	sockets     sockets
	keepAlive   KeepAlive
	client      stream
	clientAddr  netip.AddrPort
	clientLocal netip.AddrPort

	tls              *tlsStream // client, if that speaks TLS
	preface          preface
	handshakeTimeout time.Duration
	lastWords        time.Duration
	clock            *clock // the listener's
	spoke            activity

	mu       sync.Mutex
	phase    phase
	users    int
	started  bool
	owner    Owner
	telling  bool    // a goroutine is telling the owner; it takes queue along
	queue    []Event // to be told, oldest first
	endTold  bool    // Ended is told or queued: nothing may follow
	end      Ended
	deadline time.Time // when the timer set last runs out; zero: none
	timer    *time.Timer

	in         input
	out        [2]outbox // by the side it goes to
	stall      [2]stall  // likewise
	source     Origin
	reserved   reservation
	dialling   []*attempt
	upstream   stream
	joined     int64 // when the upstream was connected, by clock
	look       *look // from the relay on its copier's, and at last of who tells the end
	relay      relay
	clientDone bool          // ClientClosed was told without an error
	clientGone bool          // and with one
	paces      paces         // of the relay; not changed once that has begun
	hurry      chan struct{} // closed when nothing may wait for them any more
	hurried    bool          // it is
}

// newConn makes a conn of a client. On error the caller still owns tcp.
func (l *listener) newConn(tcp *net.TCPConn) (*conn, error) {
	st, err := l.sockets.accepted(tcp)
	if err != nil {
		return nil, err
	}
	c := &conn{
		sockets: l.sockets, keepAlive: l.config.KeepAlive, client: st, lastWords: cmp.Or(l.config.LastWords, lastWords), clock: l.clock,
		clientAddr: addrPort(tcp.RemoteAddr()), clientLocal: addrPort(tcp.LocalAddr()),
	}
	if l.config.TLS != nil {
		c.tls = newTLSStream(st, l.buffers, l.config.TLS, c.clientLocal, c.clientAddr)
		c.client, c.handshakeTimeout, c.preface.begins = c.tls, l.config.HandshakeTimeout, l.config.TLSLater
	}
	return c, nil
}

func (c *conn) Client() netip.AddrPort { return c.clientAddr }
func (c *conn) Local() netip.AddrPort  { return c.clientLocal }

func (c *conn) LastByte() (from Side, ago time.Duration, ok bool) { return c.spoke.read(c.clock.now()) }

func (c *conn) Start(owner Owner) {
	c.mu.Lock()
	c.owner, c.started = owner, true
	c.users++
	aborted := c.phase == closed
	c.mu.Unlock()
	if aborted {
		c.leaveQuietly()
		return
	}
	go c.readClient()
}

func (c *conn) SetTimer(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = time.Time{}
	if d > 0 && c.phase != closed {
		c.deadline = time.Now().Add(d)
	}
	c.setTimer()
}

// setTimer has the timer run out at whatever is due first. It is called with the
// mutex held.
func (c *conn) setTimer() {
	at := c.deadline
	if lapses, _ := c.lapses(); !lapses.IsZero() && (at.IsZero() || lapses.Before(at)) {
		at = lapses
	}
	switch {
	case at.IsZero() && c.timer != nil:
		c.timer.Stop()
	case at.IsZero():
	case c.timer == nil:
		c.timer = time.AfterFunc(time.Until(at), c.expire)
	default:
		c.timer.Reset(time.Until(at))
	}
}

// stopTimer is called with the mutex held.
func (c *conn) stopTimer() {
	c.deadline = time.Time{}
	if c.timer != nil {
		c.timer.Stop()
	}
}

// expire runs on the timer's goroutine. A timer that was set anew while this
// goroutine was on its way runs again by itself.
func (c *conn) expire() {
	c.mu.Lock()
	now := time.Now()
	due := !c.deadline.IsZero() && !now.Before(c.deadline)
	if due {
		c.deadline = time.Time{}
	}
	lapses, end := c.lapses()
	lapsed := !lapses.IsZero() && !now.Before(lapses)
	if lapsed {
		c.users++
	} else {
		c.setTimer() // bytes that moved have put it off
	}
	sent := c.relay.finSent
	c.mu.Unlock()
	if lapsed {
		defer c.leave()
		c.shut(c.spoke.lapsed(end, sent), stream.reset)
	}
	if due {
		c.tell(Expired{})
	}
}

func (c *conn) Finish() {
	c.mu.Lock()
	if c.phase != handshaking {
		c.mu.Unlock()
		return
	}
	c.phase = finishing
	c.users++
	c.stopTimer()
	c.in.held = nil
	c.in.release()
	others := c.takeUpstream()
	// The end of a TLS stream is sent, and may have to wait: not in a method.
	flush := c.tls != nil && !c.out[Client].busy
	if flush {
		c.out[Client].busy = true
		c.users++
	}
	c.mu.Unlock()

	others.close(stream.close)
	c.client.setDeadline(time.Now().Add(c.lastWords))
	if flush {
		go c.flush(Client)
	}
	c.partFromClient()
	c.leaveQuietly()
}

// partFromClient takes the steps of Finish that have become possible: the end
// of our stream once all was written, the close once the client has closed.
func (c *conn) partFromClient() {
	c.mu.Lock()
	written, read := !c.out[Client].busy, c.in.end != nil
	part := c.phase == finishing && written
	c.mu.Unlock()
	if !part {
		return
	}
	if err := c.client.closeWrite(); err != nil || read {
		c.shut(Ended{End: Closed}, stream.close)
	}
}

func (c *conn) Abort() {
	c.mu.Lock()
	c.users++
	c.mu.Unlock()
	c.shut(Ended{End: Closed}, stream.reset)
	c.leaveQuietly()
}

func (c *conn) Decline() { c.shut(Ended{End: Closed}, stream.close) } // nobody else uses it

// shut closes all sockets, each in the manner how, and settles how the session
// ended. Only the first call has an effect. The caller counts as a user.
func (c *conn) shut(end Ended, how func(stream)) {
	c.mu.Lock()
	if c.phase == closed {
		c.mu.Unlock()
		return
	}
	c.phase = closed
	c.end = end
	c.stopTimer()
	c.hasten()
	if c.relay.patience != nil {
		c.relay.patience.Stop()
	}
	c.in.release()
	others := c.takeUpstream()
	c.mu.Unlock()

	how(c.client)
	others.close(how)
}

// upstreamSide is all that a conn may have open toward the upstream.
type upstreamSide struct {
	stream   stream
	reserved reservation
	dialling []*attempt
}

// takeUpstream is called with the mutex held. The upstream's stream stays in
// place for the goroutines that use it; they hear that it is closed.
func (c *conn) takeUpstream() upstreamSide {
	u := upstreamSide{stream: c.upstream, reserved: c.reserved, dialling: c.dialling}
	c.reserved, c.dialling = nil, nil
	return u
}

func (u upstreamSide) close(how func(stream)) {
	if u.stream != nil {
		how(u.stream)
	}
	if u.reserved != nil {
		u.reserved.release()
	}
	for _, a := range u.dialling {
		a.dialling.cancel()
	}
}

// stream is the socket of a side.
func (c *conn) stream(s Side) stream {
	if s == Client {
		return c.client
	}
	return c.upstream
}

// leave is deferred by each goroutine of the conn as its last act. A panic
// ends this session and no other.
func (c *conn) leave() {
	if p := recover(); p != nil {
		c.fail(p)
	}
	if c.last() {
		c.tellEnd(c.tell)
	}
}

// leaveQuietly is leave for the methods of a Conn: the owner is told on
// another goroutine, since it may hold locks around its call.
func (c *conn) leaveQuietly() {
	if c.last() {
		c.tellEnd(c.post)
	}
}

// tellEnd tells that the session has ended, and before that that its upstream
// will say no more.
func (c *conn) tellEnd(tell func(Event)) {
	c.endLook(tell)
	tell(c.end)
}

// see looks for the upstream's first line in what comes for a side.
func (c *conn) see(to Side, p []byte) {
	if to != Client || c.look == nil {
		return
	}
	if b, done := c.look.see(p, c.clock.now()); done {
		c.look = nil
		c.tell(b)
	}
}

// endLook tells what there is of that line, if it is still looked for.
func (c *conn) endLook(tell func(Event)) {
	if c.look != nil {
		b := c.look.broken(c.clock.now())
		c.look = nil
		tell(b)
	}
}

// last takes a user away and says whether it is up to the caller to tell that
// the session ended.
func (c *conn) last() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	return c.users == 0 && c.phase == closed && c.started
}

// fail ends the session for the panic p.
func (c *conn) fail(p any) {
	err := fmt.Errorf("%w: %v\n%s", ErrInternal, p, debug.Stack())
	if cause, ok := p.(error); ok {
		err = errors.Join(err, cause)
	}
	c.shut(Ended{End: Broken, Err: err}, stream.reset)
}

// abandon aborts a conn, unless it was started.
func (c *conn) abandon() bool {
	c.mu.Lock()
	started := c.started
	c.mu.Unlock()
	if !started {
		c.Abort()
	}
	return !started
}
