package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// ioCopyName is the hidden command by which this program is the io.Copy proxy.
const ioCopyName = "io-copy-proxy"

func ioCopyCommand() *cobra.Command {
	return &cobra.Command{
		Use: ioCopyName + " address:port", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := net.Listen("tcp", args[0])
			if err != nil {
				return err
			}
			return serveIOCopy(c.Context(), l)
		},
	}
}

// serveIOCopy is what a Go programmer writes in an afternoon, and the mark to
// be measured against: a goroutine for each client, io.Copy both ways, and
// TCP_NODELAY, which package net sets by itself. It knows CONNECT to IP
// addresses and KumoMTA's BIND, no authentication, and no limits.
//
// It owns the listener. Once the context has ended it accepts nobody and returns
// when the sessions have ended, which is for the clients to do.
func serveIOCopy(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			wg.Go(func() { copySession(c.(*net.TCPConn)) })
		case ctx.Err() != nil:
			return nil
		default:
			return err
		}
	}
}

// copySession serves one client to the end.
func copySession(client *net.TCPConn) {
	defer func() { _ = client.Close() }()
	upstream, err := answer(client)
	if err != nil {
		return // the client has its reply, or is gone
	}
	defer func() { _ = upstream.Close() }()
	var wg sync.WaitGroup
	wg.Go(func() { copyHalf(upstream, client) })
	copyHalf(client, upstream)
	wg.Wait()
}

// copyHalf relays one direction and its end.
func copyHalf(to, from *net.TCPConn) {
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
}

var errNotServed = errors.New("a request that is not served")

// answer goes through the handshake and gives the connection to the upstream.
func answer(client *net.TCPConn) (*net.TCPConn, error) {
	var b [256]byte
	if _, err := io.ReadFull(client, b[:2]); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(client, b[:b[1]]); err != nil {
		return nil, err
	}
	if _, err := client.Write(socks5.AppendMethod(nil, socks5.MethodNone)); err != nil {
		return nil, err
	}
	var d net.Dialer
	for {
		command, to, err := readRequest(client)
		if err != nil {
			return nil, errors.Join(err, reply(client, socks5.GeneralFailure, netip.AddrPort{}))
		}
		switch command {
		case socks5.Bind:
			d.LocalAddr = net.TCPAddrFromAddrPort(to)
			if err := reply(client, socks5.Succeeded, to); err != nil {
				return nil, err
			}
		case socks5.Connect:
			return connect(client, &d, to)
		default:
			return nil, errors.Join(errNotServed, reply(client, socks5.CommandNotSupported, netip.AddrPort{}))
		}
	}
}

func connect(client *net.TCPConn, d *net.Dialer, to netip.AddrPort) (*net.TCPConn, error) {
	c, err := d.Dial("tcp", to.String())
	if err != nil {
		return nil, errors.Join(err, reply(client, socks5.GeneralFailure, netip.AddrPort{}))
	}
	upstream := c.(*net.TCPConn)
	local := upstream.LocalAddr().(*net.TCPAddr).AddrPort()
	if err := reply(client, socks5.Succeeded, local); err != nil {
		_ = upstream.Close()
		return nil, err
	}
	return upstream, nil
}

func reply(client io.Writer, r socks5.Reply, bound netip.AddrPort) error {
	_, err := client.Write(socks5.AppendReply(nil, r, bound))
	return err
}

// readRequest reads one request, RFC 1928 section 4, to its last byte.
func readRequest(r io.Reader) (socks5.Command, netip.AddrPort, error) {
	var b [4 + 16 + 2]byte
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return 0, netip.AddrPort{}, err
	}
	size := 4
	switch b[3] { // ATYP, RFC 1928 section 5
	case 1:
	case 4:
		size = 16
	default:
		return 0, netip.AddrPort{}, errNotServed
	}
	rest := b[4 : 4+size+2]
	if _, err := io.ReadFull(r, rest); err != nil {
		return 0, netip.AddrPort{}, err
	}
	ip, _ := netip.AddrFromSlice(rest[:size])
	port := uint16(rest[size])<<8 | uint16(rest[size+1])
	return socks5.Command(b[1]), netip.AddrPortFrom(ip, port), nil
}
