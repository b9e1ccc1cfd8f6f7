package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
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

// startForwarder runs what relays to the destination of a PROXY header. What comes
// from there goes through change.
func startForwarder(t *testing.T, change func(io.Reader) io.Reader) *subject {
	t.Helper()
	p := startProxy(t, func(client *net.TCPConn) {
		b := make([]byte, 28) // a header of version 2 with two IPv4 addresses
		if _, err := io.ReadFull(client, b); err != nil {
			return
		}
		h, _, err := proxyproto.Parse(b)
		if err != nil {
			return
		}
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(h.Source)}
		upstream, err := d.Dial("tcp", h.Destination.String())
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = io.Copy(upstream, client) })
		_, _ = io.Copy(client, change(upstream))
		_ = errors.Join(client.Close(), upstream.Close())
		wg.Wait()
	})
	return &subject{name: p.name, forward: p.addr}
}

// TestNotMeant: a peer that is not made for a workload is n/a there, without a word.
func TestNotMeant(t *testing.T) {
	t.Parallel()
	socks, forwards := startIOCopy(t), startForwarder(t, func(r io.Reader) io.Reader { return r })
	for name, p := range map[string]*subject{"forward": socks, "sessions": forwards, "idle": forwards} {
		selected, err := selectWorkloads([]string{name})
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err = selected[0].run(ctx, p, tinySizes())
		b := newBoard(selected[:1])
		b.add(selected[0], p.name, outcome{}, err)
		if got := b.cell(place{selected[0].name, p.name}, 0).Missing; got != "n/a" || len(b.notes) > 0 || b.failed(p.name) {
			t.Errorf("%s: got %q, notes %q; want n/a and none", name, got, b.notes)
		}
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
