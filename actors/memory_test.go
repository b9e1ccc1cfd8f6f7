package actors

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// memory is a transport without sockets, for trees under a clock of their own. It
// keeps the contract of transport, and what its clients and upstreams do is a
// script's.
type memory struct {
	queue     chan *memoryConn // of the one listening socket
	fault     chan error       // has Serve end, or panic
	listening atomic.Int64     // sockets
}

var errMemoryPanic = errors.New("the transport panics")

func newMemory() *memory {
	return &memory{queue: make(chan *memoryConn, 1000), fault: make(chan error, 100)}
}

// come is a client's: it is in the queue, or refused.
func (m *memory) come(c *memoryConn) {
	if m.listening.Load() == 0 {
		close(c.refused)
		return
	}
	m.queue <- c
}

// Listen implements transport.Network.
func (m *memory) Listen(c transport.ListenConfig) (transport.Listener, error) {
	m.listening.Add(1)
	return &memoryListener{memory: m, at: c.Address}, nil
}

// Alive implements transport.Network.
func (m *memory) Alive(context.Context) error { return nil }

// Figures implements transport.Network.
func (m *memory) Figures() transport.Figures { return transport.Figures{} }

type memoryListener struct {
	*memory
	at     netip.AddrPort
	closed sync.Once
}

func (l *memoryListener) Addr() netip.AddrPort { return l.at }

// Close implements transport.Listener. Who waits in the queue would be reset.
func (l *memoryListener) Close() error {
	l.closed.Do(func() {
		l.listening.Add(-1)
		for {
			select {
			case c := <-l.queue:
				close(c.refused)
			default:
				return
			}
		}
	})
	return nil
}

// Serve implements transport.Listener.
func (l *memoryListener) Serve(ctx context.Context, a transport.Acceptance) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-l.fault:
			if errors.Is(err, errMemoryPanic) {
				panic(err)
			}
			return err
		case c := <-l.queue:
			if err := a.Enter(ctx); err != nil {
				l.queue <- c
				return nil
			}
			l.admit(a, c)
		}
	}
}

func (l *memoryListener) admit(a transport.Acceptance, c *memoryConn) {
	done := false
	defer func() {
		if !done && !c.hasStarted() {
			c.Abort()
			a.Leave()
		}
	}()
	a.Accepted(c)
	done = true
}

// memoryScript is what the world around one session does.
type memoryScript struct {
	client  netip.AddrPort
	dials   time.Duration // how long a dial takes
	refuses error         // how it ends
}

// memoryConn is a session: its client is whoever calls say, leave and hang up.
type memoryConn struct {
	script memoryScript

	mu       sync.Mutex
	owner    transport.Owner
	started  bool
	telling  bool
	events   []transport.Event
	pending  []byte
	timer    *time.Timer
	dialling map[int]*time.Timer
	relay    *transport.Traffic
	total    *transport.Traffic
	over     bool // Finish or Abort was called, or the relay has ended
	endTold  bool

	refused chan struct{} // closed: the listening socket was closed before it was accepted
	ended   chan struct{} // closed: both sockets are
}

func newMemoryConn(s memoryScript) *memoryConn {
	return &memoryConn{script: s, dialling: map[int]*time.Timer{}, refused: make(chan struct{}), ended: make(chan struct{})}
}

func (c *memoryConn) Client() netip.AddrPort { return c.script.client }
func (c *memoryConn) Local() netip.AddrPort  { return netip.MustParseAddrPort("192.0.2.1:1080") }
func (c *memoryConn) LastByte() (transport.Side, time.Duration, bool) {
	return transport.Client, 0, false
}

func (c *memoryConn) hasStarted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// Start implements transport.Conn. What the client has sent by then is heard.
func (c *memoryConn) Start(o transport.Owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner, c.started = o, true
	switch {
	case c.endTold: // aborted before
		c.endTold = false
		c.tell(transport.Ended{})
	case len(c.pending) > 0:
		c.tell(transport.Readable{})
	}
}

// tell is called with the mutex held; the owner hears it on another goroutine, one
// event after the other, and Ended last.
func (c *memoryConn) tell(e transport.Event) {
	if _, end := e.(transport.Ended); end {
		if c.endTold {
			return
		}
		c.endTold = true
		if c.timer != nil {
			c.timer.Stop()
		}
		c.cancelDials()
		close(c.ended)
	} else if c.endTold {
		return
	}
	if c.owner == nil {
		return
	}
	c.events = append(c.events, e)
	if !c.telling {
		c.telling = true
		go c.deliver()
	}
}

func (c *memoryConn) deliver() {
	for {
		c.mu.Lock()
		if len(c.events) == 0 {
			c.telling = false
			c.mu.Unlock()
			return
		}
		e := c.events[0]
		c.events = c.events[1:]
		c.mu.Unlock()
		c.owner.Notify(e)
	}
}

// Peek implements transport.Conn, and so do those that follow.
func (c *memoryConn) Peek() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.pending)
}

func (c *memoryConn) Discard(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = c.pending[n:]
}

func (c *memoryConn) Write([]byte) {}

func (c *memoryConn) Bind(source transport.Origin) (netip.AddrPort, error) {
	if source.Addr() == netip.MustParseAddr("192.0.2.77") {
		return netip.AddrPort{}, syscall.EADDRNOTAVAIL
	}
	return source.AddrPort, nil
}

func (c *memoryConn) Dial(attempt int, upstream netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialling[attempt] = time.AfterFunc(c.script.dials, func() { c.dialled(attempt) })
}

func (c *memoryConn) dialled(attempt int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dialling[attempt] == nil || c.over {
		return
	}
	delete(c.dialling, attempt)
	d := transport.Dialed{Attempt: attempt, Err: c.script.refuses}
	if d.Err == nil {
		c.cancelDials()
		d.Local = netip.MustParseAddrPort("192.0.2.1:4000")
	}
	c.tell(d)
}

func (c *memoryConn) CancelDial() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancelDials()
}

func (c *memoryConn) cancelDials() {
	for n, t := range c.dialling {
		t.Stop()
		delete(c.dialling, n)
	}
}

func (c *memoryConn) SetTimer(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if d > 0 && !c.endTold {
		c.timer = time.AfterFunc(d, func() { c.hear(transport.Expired{}) })
	}
}

func (c *memoryConn) hear(e transport.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell(e)
}

func (c *memoryConn) Relay(session, total *transport.Traffic, _ *transport.RelayLimits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.relay, c.total, c.pending = session, total, nil
	if c.over {
		c.tell(transport.Ended{})
	}
}

func (c *memoryConn) Finish() { c.Abort() }

func (c *memoryConn) Decline() { c.Abort() }

func (*memoryConn) Secure() {}

func (*memoryConn) Limit(...*transport.Pace) {}

func (c *memoryConn) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.tell(transport.Ended{})
}

// say is the client's: bytes before the relay, and counted ones in it.
func (c *memoryConn) say(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
	case c.relay != nil:
		c.relay.Up.Add(uint64(len(p)))
		c.total.Up.Add(uint64(len(p)))
	default:
		c.pending = append(c.pending, p...)
		if c.started {
			c.tell(transport.Readable{})
		}
	}
}

// leave is the client's end: how says whether it is by a reset.
func (c *memoryConn) leave(reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
	case c.relay != nil:
		c.over = true
		end := transport.Ended{End: transport.Fin}
		if reset {
			end.End = transport.Reset
		}
		c.tell(end)
	case reset:
		c.tell(transport.ClientClosed{Err: syscall.ECONNRESET})
	default:
		c.tell(transport.ClientClosed{})
	}
}
