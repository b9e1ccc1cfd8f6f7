package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// probe is what is echoed: 64 bytes, a line of a dialogue.
func probe() []byte { return bytes.Repeat([]byte("0123456789abcde\n"), 4) }

var errEcho = errors.New("what came back is not what was sent")

func sessionsWorkload(name, about string, viaBind bool) workload {
	return workload{
		name: name, family: "sessions", about: about,
		metrics: []metric{
			{"sessions/s", true},
			{"processor µs per session", false},
			{"resident MiB afterwards", false},
		},
		run: func(ctx context.Context, p *subject, s *sizes) (outcome, error) {
			return runSessions(ctx, p, s, viaBind)
		},
	}
}

func runSessions(ctx context.Context, p *subject, s *sizes, viaBind bool) (outcome, error) {
	k, err := newSink(echoOnce)
	if err != nil {
		return outcome{}, err
	}
	defer k.close()
	if viaBind {
		if err := speaksBind(ctx, p, k.addr()); err != nil {
			return outcome{}, err
		}
	}
	return billSessions(ctx, p, s, k, func(ctx context.Context) error { return openEchoClose(ctx, p, k.addr(), viaBind) })
}

// billSessions has as many sessions as s says, and gives what they have cost.
func billSessions(ctx context.Context, p *subject, s *sizes, k *sink, session func(context.Context) error) (outcome, error) {
	t, b, err := billed(ctx, p, k, load{s.clients, s.sessions, func(ctx context.Context, _ int) error { return session(ctx) }})
	if err != nil {
		return outcome{}, err
	}
	return t.gave(t.rate(), b.microsEach(t.done), b.mebibytes()), nil
}

func openEchoClose(ctx context.Context, p *subject, upstream netip.AddrPort, viaBind bool) error {
	c, err := open(ctx, p, upstream, viaBind)
	if err != nil {
		return err
	}
	return c.finish(trip(c))
}

// finish closes a session that the server ends. It gives the error of what was
// done in it; if there is none it waits for the end first, however it comes,
// since some proxies reset.
func (s *session) finish(err error) error {
	var b [1]byte
	if err == nil {
		if n, _ := s.Read(b[:]); n > 0 {
			err = errEcho
		}
	}
	return errors.Join(err, s.Close())
}

// trip sends 64 bytes and reads them back.
func trip(c net.Conn) error {
	out := probe()
	if _, err := c.Write(out); err != nil {
		return err
	}
	in := make([]byte, len(out))
	if _, err := io.ReadFull(c, in); err != nil {
		return err
	}
	if !bytes.Equal(in, out) {
		return errEcho
	}
	return nil
}

// bindTime is how long a proxy has to answer CONNECT after BIND: one that takes
// BIND as RFC 1928 has it waits for a caller from outside instead.
const bindTime = 2 * time.Second

// speaksBind tries a session without and one with BIND, and tells a proxy that does not know KumoMTA's
// use of BIND, which is errNotSpoken, from one that fails.
func speaksBind(ctx context.Context, p *subject, upstream netip.AddrPort) error {
	if err := openEchoClose(ctx, p, upstream, false); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, bindTime)
	defer cancel()
	err := openEchoClose(limited, p, upstream, true)
	var refused *replyError
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case errors.As(err, &refused):
		return fmt.Errorf("%w: %w", errNotSpoken, refused)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errNotSOCKS):
		return fmt.Errorf("%w: BIND succeeds but CONNECT after it is not answered", errNotSpoken)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the connection is closed at BIND", errNotSpoken)
	}
	return err
}
