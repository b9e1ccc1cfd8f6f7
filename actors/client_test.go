package actors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// client is a SOCKS client on a real socket. Its reads and writes fail after
// patience, so that nothing can hang.
type client struct{ *net.TCPConn }

// dial connects to the proxy and says nothing yet.
func dial(ctx context.Context, proxy netip.AddrPort) (*client, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", proxy.String())
	if err != nil {
		return nil, err
	}
	return &client{c.(*net.TCPConn)}, c.SetDeadline(time.Now().Add(patience))
}

// mustDial connects; the end of the test closes the client.
func (tr *tree) mustDial() *client {
	tr.t.Helper()
	c, err := dial(tr.t.Context(), tr.proxy)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.t.Cleanup(func() { _ = c.Close() })
	return c
}

// mustOpen is a client with a session to upstream.
func (tr *tree) mustOpen(upstream netip.AddrPort) *client {
	tr.t.Helper()
	c := tr.mustDial()
	if err := c.open(upstream); err != nil {
		tr.t.Fatal(err)
	}
	return c
}

// wantCut is a client that the proxy closes at once. It may notice so early
// that it thinks it never connected.
func (tr *tree) wantCut() {
	tr.t.Helper()
	c, err := dial(tr.t.Context(), tr.proxy)
	if err != nil {
		return
	}
	defer c.Close()
	must(tr.t, c.ended())
}

// request is a command with an IPv4 address.
func request(command byte, a netip.AddrPort) []byte {
	ip := a.Addr().As4()
	return append(append([]byte{5, command, 0, 1}, ip[:]...), byte(a.Port()>>8), byte(a.Port()))
}

// requestName is CONNECT to a name.
func requestName(name string, port uint16) []byte {
	b := append([]byte{5, 1, 0, 3, byte(len(name))}, name...)
	return append(b, byte(port>>8), byte(port))
}

func (c *client) say(b ...byte) error {
	_, err := c.Write(b)
	return err
}

// hear reads n bytes.
func (c *client) hear(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	return b, err
}

// greet agrees on no authentication.
func (c *client) greet() error {
	if err := c.say(greetNone...); err != nil {
		return err
	}
	b, err := c.hear(2)
	if err == nil && !bytes.Equal(b, []byte{5, 0}) {
		err = fmt.Errorf("greeting answered % x", b)
	}
	return err
}

// ask sends a request and returns the code of an IPv4 reply.
func (c *client) ask(req []byte) (code byte, err error) {
	if err := c.say(req...); err != nil {
		return 0, err
	}
	b, err := c.hear(10)
	return b[1], err
}

// open begins a session with upstream.
func (c *client) open(upstream netip.AddrPort) error {
	if err := c.greet(); err != nil {
		return err
	}
	code, err := c.ask(request(1, upstream))
	if err == nil && code != 0 {
		err = fmt.Errorf("CONNECT answered %d", code)
	}
	return err
}

// echo sends text and wants it back.
func (c *client) echo(text string) error {
	if err := c.say([]byte(text)...); err != nil {
		return err
	}
	b, err := c.hear(len(text))
	if err == nil && string(b) != text {
		err = fmt.Errorf("echoed %q; want %q", b, text)
	}
	return err
}

// ended waits until the proxy has closed the connection, either way.
func (c *client) ended() error {
	_, err := io.Copy(io.Discard, c.TCPConn)
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		return fmt.Errorf("still open: %w", err)
	}
	return nil
}

// finish ends an echo session in good order.
func (c *client) finish() error {
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, c.TCPConn); err != nil {
		return err
	}
	return c.Close()
}

// reset closes with a reset.
func (c *client) reset() error {
	return errors.Join(c.SetLinger(0), c.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// upstream is a server that echoes. Each session that ends is told to ends.
type upstream struct {
	listener net.Listener
	addr     netip.AddrPort
	ends     chan struct{}
	wg       sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
}

// startUpstream starts an echo server, which the end of the test stops.
func startUpstream(t *testing.T) *upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	u := &upstream{listener: l, addr: netip.MustParseAddrPort(l.Addr().String()), ends: make(chan struct{}, 10_000)}
	u.wg.Go(u.accept)
	t.Cleanup(u.stop)
	return u
}

func (u *upstream) accept() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.open = append(u.open, c)
		u.mu.Unlock()
		u.wg.Go(func() { u.serve(c) })
	}
}

func (u *upstream) serve(c net.Conn) {
	// Without the pipe that package net would put between, and keep.
	// How it ends is the client's business; that it does is ours.
	_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
	_ = c.Close()
	u.mu.Lock()
	u.open = slices.DeleteFunc(u.open, func(o net.Conn) bool { return o == c })
	u.mu.Unlock()
	u.ends <- struct{}{}
}

// resetAll resets every session from the upstream's side.
func (u *upstream) resetAll() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range u.open {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

func (u *upstream) stop() {
	_ = u.listener.Close()
	u.resetAll()
	u.wg.Wait()
}

// closedPort is an address that refuses.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}
