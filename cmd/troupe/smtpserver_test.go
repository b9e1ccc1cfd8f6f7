package main

import (
	"crypto/sha256"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// counted counts what a connection has read and written.
type counted struct {
	net.Conn
	read, written atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// delivery is one SMTP session as the server saw it.
type delivery struct {
	client        netip.AddrPort
	from, to      string
	hash          [sha256.Size]byte // of the message, with line ends of one byte
	read, written int64
	err           error
}

// smtpServer is a mail server for one test. It speaks first, as they all do.
type smtpServer struct {
	address    netip.AddrPort
	deliveries chan delivery // one for each session, at its end
	sessions   sync.WaitGroup
}

func newSMTPServer(t *testing.T) *smtpServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newSMTPServerOn(t, l)
}

// newSMTPServerOn is one on a socket, which it closes.
func newSMTPServerOn(t *testing.T, l net.Listener) *smtpServer {
	t.Helper()
	s := &smtpServer{address: l.Addr().(*net.TCPAddr).AddrPort(), deliveries: make(chan delivery, 16)}
	s.sessions.Go(func() { s.accept(l) })
	t.Cleanup(func() {
		_ = l.Close() // its only purpose is to end accept
		s.sessions.Wait()
	})
	return s
}

func (s *smtpServer) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.sessions.Go(func() { s.serve(c) })
	}
}

func (s *smtpServer) serve(conn net.Conn) {
	c := &counted{Conn: conn}
	d := delivery{client: conn.RemoteAddr().(*net.TCPAddr).AddrPort()}
	d.err = d.dialogue(textproto.NewConn(c))
	_ = conn.Close()
	d.read, d.written = c.read.Load(), c.written.Load()
	s.deliveries <- d
}

// dialogue is the server's side of RFC 5321 up to QUIT.
func (d *delivery) dialogue(c *textproto.Conn) error {
	if err := c.PrintfLine("220 mx.test ESMTP"); err != nil {
		return err
	}
	for {
		line, err := c.ReadLine()
		if err != nil {
			return err
		}
		reply := "250 2.0.0 OK"
		switch verb, rest, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
		case "EHLO":
			reply = "250-mx.test greets " + rest + "\r\n250-8BITMIME\r\n250 SIZE 10485760"
		case "MAIL":
			d.from = rest
		case "RCPT":
			d.to = rest
		case "DATA":
			if err := c.PrintfLine("354 go ahead"); err != nil {
				return err
			}
			hash := sha256.New()
			if _, err := io.Copy(hash, c.DotReader()); err != nil {
				return err
			}
			copy(d.hash[:], hash.Sum(nil))
		case "QUIT":
			return c.PrintfLine("221 2.0.0 bye")
		default:
			reply = "500 5.5.1 what?"
		}
		if err := c.PrintfLine("%s", reply); err != nil {
			return err
		}
	}
}
