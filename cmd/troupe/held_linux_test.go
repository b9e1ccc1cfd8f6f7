package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// held are sessions that stay open and carry bytes all the while. Each sends a
// count, and what comes back must be that count without a gap.
type held struct {
	conns  []net.Conn
	stop   context.CancelFunc
	runs   sync.WaitGroup
	errors chan error
	tick   time.Duration // between two exchanges of a session
	bytes  atomic.Uint64 // that all have sent
}

// holdSessions opens n sessions to the echo and keeps them busy.
func holdSessions(t *testing.T, proxy string, echo *echo, n int) *held {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	h := &held{stop: stop, errors: make(chan error, n), tick: 5 * time.Millisecond}
	h.open(ctx, t, n, func() net.Conn {
		c, _ := connect(t, proxy, echo.address)
		return c
	})
	return h
}

// open opens the sessions and keeps them busy until ctx ends.
func (h *held) open(ctx context.Context, t *testing.T, n int, session func() net.Conn) {
	t.Helper()
	t.Cleanup(func() {
		h.stop()
		for _, c := range h.conns {
			_ = c.Close() // so that no run outlives a test that failed
		}
		h.runs.Wait()
	})
	for range n {
		c := session()
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		h.bytes.Add(5)
		must(t, c.SetDeadline(time.Time{}))
		h.conns = append(h.conns, c)
	}
	for i, c := range h.conns {
		h.runs.Go(func() { h.errors <- h.run(ctx, i, c) })
	}
}

// run counts until ctx ends, then ends the session in good order.
func (h *held) run(ctx context.Context, i int, c net.Conn) error {
	tick := time.NewTicker(h.tick)
	defer tick.Stop()
	for count := uint64(0); ; {
		select {
		case <-ctx.Done():
			return h.finish(c)
		case <-tick.C:
		}
		var sent []byte
		for range 64 {
			sent = binary.BigEndian.AppendUint64(sent, count)
			count++
		}
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := c.Write(sent); err != nil {
			return fmt.Errorf("held session %d at %d: %w", i, count, err)
		}
		h.bytes.Add(uint64(len(sent)))
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(c, got); err != nil {
			return fmt.Errorf("held session %d at %d: %w", i, count, err)
		}
		if !bytes.Equal(got, sent) {
			return fmt.Errorf("held session %d at %d: what came back is not what was sent", i, count)
		}
	}
}

func (h *held) finish(c net.Conn) error {
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, c); n > 0 || err != nil {
		return fmt.Errorf("at the end %d bytes that were not sent, error %w", n, err)
	}
	return c.Close()
}

// end ends the sessions and reports what went wrong in any of them.
func (h *held) end(t *testing.T) {
	t.Helper()
	h.stop()
	h.runs.Wait()
	close(h.errors)
	for err := range h.errors {
		if err != nil {
			t.Error(err)
		}
	}
}
