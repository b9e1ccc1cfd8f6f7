package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// startIOCopy runs the io.Copy proxy in this process.
func startIOCopy(t *testing.T) *subject {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveIOCopy(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the proxy ended with %v", err)
		}
	})
	return &subject{name: "io.Copy", addr: l.Addr().String()}
}

// startProxy runs a proxy that treats each client as serve does, until the test
// ends or serve returns.
func startProxy(t *testing.T, serve func(*net.TCPConn)) *subject {
	t.Helper()
	k, err := newSink(func(c net.Conn) { serve(c.(*net.TCPConn)) })
	must(t, err)
	t.Cleanup(k.close)
	return &subject{name: "proxy", addr: k.addr().String()}
}

// mangling relays like the io.Copy proxy, but what comes from the upstream goes
// through change.
func mangling(change func(io.Reader) io.Reader) func(*net.TCPConn) {
	return func(client *net.TCPConn) {
		upstream, err := answer(client)
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		wg.Go(func() { copyHalf(upstream, client) })
		_, _ = io.Copy(client, change(upstream))
		_ = errors.Join(client.Close(), upstream.Close())
		wg.Wait()
	}
}

// shortened ends a stream early.
func shortened(r io.Reader) io.Reader { return io.LimitReader(r, 20) }

// altered changes a digit: probes have it, and so has the count of a message.
func altered(r io.Reader) io.Reader { return alteredReader{r} }

type alteredReader struct{ io.Reader }

func (a alteredReader) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	copy(b, bytes.ReplaceAll(b[:n], []byte("5"), []byte("6")))
	return n, err
}

// refusing answers every request with r.
func refusing(r socks5.Reply) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		_, _ = io.ReadFull(c, make([]byte, 3))
		_, _ = c.Write(socks5.AppendMethod(nil, socks5.MethodNone))
		_, _, _ = readRequest(c)
		_ = reply(c, r, c.LocalAddr().(*net.TCPAddr).AddrPort())
		waitForEnd(c)
	}
}

// plainBind relays after CONNECT and answers BIND with r, after which it says
// nothing more: with success as one that knows BIND as RFC 1928 has it, and
// waits for a caller.
func plainBind(r socks5.Reply) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		_, _ = io.ReadFull(c, make([]byte, 3))
		_, _ = c.Write(socks5.AppendMethod(nil, socks5.MethodNone))
		command, to, err := readRequest(c)
		if err != nil {
			return
		}
		if command == socks5.Bind {
			_ = reply(c, r, to)
			_, _ = io.Copy(io.Discard, c)
			return
		}
		upstream, err := connect(c, &net.Dialer{}, to)
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		wg.Go(func() { copyHalf(upstream, c) })
		copyHalf(c, upstream)
		wg.Wait()
		_ = upstream.Close()
	}
}
