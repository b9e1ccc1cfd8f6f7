//go:build linux

package transport

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Roles name the descriptors of a session in events. The sockets it dials take
// the numbers after clientRole in turn; the last ones are no descriptors.
const (
	clientRole uint8 = iota
	firstDialRole
	lastDialRole uint8 = 250
	ripeRole     uint8 = 252 // its relay has lasted a while
	timerRole    uint8 = 253 // a timer is due
	resumeRole   uint8 = 254 // its new turn has come
	noRole       uint8 = 255 // somebody wants it looked at
)

// watched is what a session hears of its sockets, edge-triggered: an event says
// that something has changed, and what was seen is remembered in the flow.
// EPOLLPRI marks urgent data, at which a read stops short.
//
// Room to write is heard of by who connects, since that says when it has
// connected, and of a client only once it was full: each socket that is asked
// about has room at first, and an event would say so.
const (
	watched     = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET&0xffffffff
	watchedRoom = watched | unix.EPOLLOUT
)

// epollConn is a Conn on a loop. There may be very many of them, idle in their
// relay: what is needed only before it is in greeting.
//
// The mutex guards the fields below it. It is not held while the owner is told
// something. The session is read, relayed and told of by its loop alone; the
// methods write, dial, close, and leave the rest to the loop.
type epollConn struct {
	loop     *loop
	listener *epollListener
	client   netip.AddrPort
	index    int32  // among the loop's targets
	data     uint32 // generation, as events carry it
	timer    int32  // index and one among the loop's timers, which guard it
	spoke    activity

	mu       sync.Mutex
	phase    phase
	called   bool // the loop is at work on it, or will look at it
	waits    bool // among those that used up their turn
	gone     [2]bool
	finSent  [2]bool
	reset    bool // in the relay, by the side by
	by       Side
	left     bool     // the loop has forgotten it
	roomy    bool     // the loop hears of room at the client
	newborn  bool     // its relay is to be noted in the nursery
	fd       [2]int32 // by side, -1: none
	role     uint8    // of the upstream's socket
	lastRole uint8
	owner    Owner
	events   []Event // to be told, oldest first
	flow     [2]flow // by the side it comes from
	greeting *greeting
	parting  *parting
	pacing   *pacing // nil: nothing is held up
	deadline moment  // of the owner's timer; 0: none

	session, total *Traffic
	limits         *RelayLimits // of the relay; nil: none
	ends           moment       // when it has lasted long enough; 0: never
	look           *look        // at the upstream's first line; nil: it is told, or nobody asks
}

// greeting is what a session has before its relay.
type greeting struct {
	held     []byte // what the client sent and nobody consumed
	done     bool   // ClientClosed was told without an error
	gone     bool   // and with one
	joined   moment // when the upstream was connected
	source   Origin
	reserved int32 // a socket bound to source and not used yet; -1: none
	attempts []epollAttempt
}

// parting is how far the end of a session has come.
type parting struct {
	limit   moment        // when patience is over
	next    moment        // when to look again; 0: now
	pause   time.Duration // between looks
	looking bool          // all was handed on, and only its delivery is awaited
	unacked int           // what the side that lives on had not acknowledged at the last look
}

func newEpollConn(l *loop, from *epollListener, fd int32, client netip.AddrPort) *epollConn {
	c := &epollConn{loop: l, listener: from, client: client, fd: [2]int32{fd, -1}, greeting: &greeting{reserved: -1}}
	index, generation := l.adopt(c)
	c.index, c.data = index, generation<<8
	l.crew.users.Add(1) // the listener is a user, so there are some
	return c
}

func (c *epollConn) Client() netip.AddrPort { return c.client }

func (c *epollConn) Local() netip.AddrPort {
	if !c.listener.addr.Addr().IsUnspecified() {
		return c.listener.addr
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == closed {
		return netip.AddrPort{}
	}
	return localRaw(c.fd[Client])
}

func (c *epollConn) Start(owner Owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner = owner
	if c.phase == closed {
		go tellLate(owner) // the loop has forgotten it
		return
	}
	// What the client sent before is reported by this call.
	if err := c.watch(c.fd[Client], clientRole, watched); err != nil {
		c.shut(Ended{End: Broken, Err: internal(err)}, resetRaw)
	}
}

// tellLate tells the owner of a session that was closed before it was started.
func tellLate(owner Owner) {
	defer func() { _ = recover() }() // there is nothing left to end
	owner.Notify(Ended{End: Closed})
}

// watch lets the loop hear of fd.
func (c *epollConn) watch(fd int32, role uint8, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: c.index, Pad: int32(c.data | uint32(role))}
	return failure("epoll_ctl", watchRaw(c.loop.epoll, unix.EPOLL_CTL_ADD, fd, &e))
}

func (c *epollConn) Peek() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.greeting == nil {
		return nil
	}
	return c.greeting.held
}

func (c *epollConn) Discard(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.greeting
	if g == nil || c.phase != handshaking {
		return
	}
	if n = min(n, len(g.held)); n <= 0 {
		return
	}
	if n == len(g.held) {
		g.held = g.held[:0]
	} else {
		g.held = g.held[n:]
	}
	if c.flow[Client].readable {
		c.call() // reading may have paused
	}
}

func (c *epollConn) Write(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.flow[Upstream]
	if c.phase != handshaking || len(p) == 0 || c.gone[Client] {
		return
	}
	f.own = true
	if len(f.rest) > 0 {
		f.rest = append(f.rest, p...)
		return
	}
	n, errno := sendRaw(c.fd[Client], p)
	if errno != 0 && errno != unix.EAGAIN {
		c.sendFailed(Client, errno)
		return
	}
	if n = max(n, 0); n < len(p) {
		f.rest = append([]byte(nil), p[n:]...)
		c.block(Client)
	}
}

// block notes that a side takes no more. The kernel says when it does.
func (c *epollConn) block(to Side) {
	f := &c.flow[to.other()]
	f.blocked = true
	if f.pipe != nil {
		f.pipe.stall(c.loop.tick) // there is one in the relay alone, and so on the loop
	}
	if to != Client || c.roomy {
		return
	}
	e := unix.EpollEvent{Events: watchedRoom, Fd: c.index, Pad: int32(c.data | uint32(clientRole))}
	// It says at once if there is room by now.
	if errno := watchRaw(c.loop.epoll, unix.EPOLL_CTL_MOD, c.fd[Client], &e); errno != 0 {
		c.sendFailed(Client, errno)
		return
	}
	c.roomy = true
}

func (c *epollConn) LastByte() (from Side, ago time.Duration, ok bool) {
	return c.spoke.read(int64(c.loop.now()))
}

func (c *epollConn) SetTimer(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = 0
	if d > 0 && c.phase != closed {
		c.deadline = c.loop.after(d)
		c.loop.schedule(c, c.deadline)
	}
}

func (c *epollConn) Relay(session, total *Traffic, limits *RelayLimits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != handshaking || c.fd[Upstream] < 0 {
		return
	}
	c.phase = relaying
	c.session, c.total = session, total
	if session.Banner {
		c.look = &look{since: int64(c.greeting.joined)}
	}
	if held := c.greeting.held; len(held) > 0 {
		c.remember(&c.flow[Client], held)
	}
	c.greeting, c.deadline, c.newborn = nil, 0, len(c.listener.later) > 0
	c.limit(limits)
	for _, side := range []Side{Client, Upstream} {
		if c.gone[side] || c.flow[side].hung {
			c.lost(side)
		}
	}
	c.call()
}

func (c *epollConn) Finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != handshaking {
		return
	}
	c.phase, c.deadline = finishing, 0
	c.closeUpstream(closeRaw)
	c.greeting = nil
	c.parting = &parting{}
	c.parting.limit = c.loop.after(c.listener.lastWords)
	c.parting.next = c.parting.limit
	c.loop.schedule(c, c.parting.next)
	c.call()
}

func (c *epollConn) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(Ended{End: Closed}, resetRaw)
}

// Secure implements Conn: no listener of a reactor has TLS.
func (*epollConn) Secure() {}

func (c *epollConn) Decline() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(Ended{End: Closed}, closeRaw)
}

// abandon aborts a session, unless it was started.
func (c *epollConn) abandon() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owner != nil {
		return false
	}
	c.shut(Ended{End: Closed}, resetRaw)
	return true
}

// shut closes all sockets, each in the manner how, and settles how the session
// ended. Only the first call has an effect. Like all below, it is called with
// the mutex held.
func (c *epollConn) shut(end Ended, how func(int32)) {
	if c.phase == closed {
		return
	}
	c.phase, c.deadline = closed, 0
	if c.gone[Client] {
		closeRaw(c.fd[Client]) // there is nobody to reset
	} else {
		how(c.fd[Client])
	}
	c.closeUpstream(how)
	for i := range c.flow {
		c.flow[i].drop(c.loop)
		c.pacing.rest(Side(i))
	}
	c.fd[Client], c.greeting, c.parting = -1, nil, nil
	c.session, c.total, c.limits = nil, nil, nil
	c.loop.timers.remove(c)
	if c.look != nil {
		c.events, c.look = append(c.events, c.look.broken(int64(c.loop.now()))), nil
	}
	if c.owner != nil {
		c.events = append(c.events, end)
	}
	c.call()
}

// closeUpstream closes all that is open toward the upstream.
func (c *epollConn) closeUpstream(how func(int32)) {
	if c.fd[Upstream] >= 0 {
		if c.gone[Upstream] {
			closeRaw(c.fd[Upstream])
		} else {
			how(c.fd[Upstream])
		}
		c.fd[Upstream] = -1
	}
	if g := c.greeting; g != nil {
		g.release(how)
		g.cancel(how)
	}
}

// post is an event for the owner, after those already waiting.
func (c *epollConn) post(e Event) {
	if c.phase == closed || c.owner == nil {
		return
	}
	if _, ok := e.(Readable); ok && len(c.events) > 0 && c.events[len(c.events)-1] == e {
		return
	}
	c.events = append(c.events, e)
	c.call()
}

// call makes the loop look at the session, unless it is about to.
func (c *epollConn) call() {
	if !c.called {
		c.called = true
		c.loop.attend(c)
	}
}

// clientClosed tells ClientClosed, once without an error and once with one,
// which is the last.
func (c *epollConn) clientClosed(err error) {
	g := c.greeting
	if c.phase != handshaking || g.gone || g.done && err == nil {
		return
	}
	g.done, g.gone = err == nil, err != nil
	c.post(ClientClosed{Err: err})
}
