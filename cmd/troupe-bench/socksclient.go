package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// subject is a proxy under test.
type subject struct {
	name        string
	addr        string              // where it listens; empty: it does not speak SOCKS
	forward     string              // where it takes PROXY headers as requests; empty: nowhere
	pid         int                 // the root of its processes; 0 if not known
	credentials *socks5.Credentials // nil: no authentication
}

// handshakeTime bounds a handshake: a proxy that takes longer has hung.
const handshakeTime = 30 * time.Second

// replyError is a request that the proxy refused.
type replyError struct {
	command socks5.Command
	reply   socks5.Reply
}

func (e *replyError) Error() string { return fmt.Sprintf("%v answered with %v", e.command, e.reply) }

var (
	errNoMethod = errors.New("the proxy accepts no method that was offered")
	errLogin    = errors.New("the proxy refused name and password")
	errNotSOCKS = errors.New("the answer is not SOCKS5")
)

// session is a connection through the proxy. It ends with its context too.
type session struct {
	*net.TCPConn
	unwatch func() bool
}

// Close ends the session; it is called once, by whoever opened it.
func (s *session) Close() error {
	s.unwatch()
	return s.TCPConn.Close()
}

// dial connects to where a proxy listens; empty: it does not.
func dial(ctx context.Context, addr string) (*session, error) {
	if addr == "" {
		return nil, errNotMeant
	}
	d := net.Dialer{KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &session{TCPConn: c.(*net.TCPConn)}
	s.unwatch = context.AfterFunc(ctx, s.giveUp)
	return s, nil
}

// giveUp has whoever reads or writes fail at once.
func (s *session) giveUp() { _ = s.SetDeadline(time.Unix(1, 0)) }

// open connects to upstream through the proxy, after a BIND to the address that
// upstream is reached from if viaBind is set, as KumoMTA does it. The caller
// closes the session.
func open(ctx context.Context, p *subject, upstream netip.AddrPort, viaBind bool) (*session, error) {
	s, err := dial(ctx, p.addr)
	if err != nil {
		return nil, err
	}
	if err := s.handshake(p.credentials, upstream, viaBind); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) handshake(login *socks5.Credentials, upstream netip.AddrPort, viaBind bool) error {
	watchdog := time.AfterFunc(handshakeTime, s.giveUp)
	defer watchdog.Stop()
	if err := s.greet(login); err != nil {
		return err
	}
	if viaBind {
		source := netip.AddrPortFrom(upstream.Addr(), 0) // on loopback the two ends have one address
		if err := s.request(socks5.Bind, source); err != nil {
			return err
		}
	}
	return s.request(socks5.Connect, upstream)
}

func (s *session) greet(login *socks5.Credentials) error {
	method := socks5.MethodNone
	if login != nil {
		method = socks5.MethodPassword
	}
	greeting, err := socks5.AppendGreeting(nil, socks5.Greeting{Methods: []byte{byte(method)}})
	if err != nil {
		return err
	}
	var answer [2]byte
	if err := s.exchange(greeting, answer[:]); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	switch {
	case answer[0] != socks5.Version:
		return errNotSOCKS
	case socks5.Method(answer[1]) != method:
		return errNoMethod
	case login == nil:
		return nil
	}
	message, err := socks5.AppendCredentials(nil, *login)
	if err != nil {
		return err
	}
	if err := s.exchange(message, answer[:]); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if answer[1] != 0 {
		return errLogin
	}
	return nil
}

// request sends one request and reads the reply to its last byte and no
// further: what follows is the upstream's.
func (s *session) request(command socks5.Command, to netip.AddrPort) error {
	message, err := socks5.AppendRequest(nil, socks5.Request{
		Command: command, Address: socks5.Address{IP: to.Addr(), Port: to.Port()},
	})
	if err != nil {
		return err
	}
	var reply [4 + 16 + 2]byte
	if err := s.exchange(message, reply[:4]); err != nil {
		return fmt.Errorf("%v: %w", command, err)
	}
	if reply[0] != socks5.Version {
		return errNotSOCKS
	}
	if r := socks5.Reply(reply[1]); r != socks5.Succeeded {
		return &replyError{command, r}
	}
	rest := 4 + 2
	switch reply[3] { // ATYP, RFC 1928 section 5
	case 1:
	case 4:
		rest = 16 + 2
	default:
		return errNotSOCKS
	}
	if _, err := io.ReadFull(s, reply[4:4+rest]); err != nil {
		return fmt.Errorf("%v: %w", command, err)
	}
	return nil
}

// exchange sends a message and fills answer.
func (s *session) exchange(message, answer []byte) error {
	if _, err := s.Write(message); err != nil {
		return err
	}
	_, err := io.ReadFull(s, answer)
	return err
}
