//go:build unix

package handover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connections are both ends of a line.
func connections(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	one, other, err := pair()
	must(t, err)
	ours, err = connOf(one, "old")
	must(t, err)
	theirs, err = connOf(other, "new")
	must(t, err)
	t.Cleanup(func() {
		_ = ours.Close() // a test may have closed it
		_ = theirs.Close()
	})
	return ours, theirs
}

// old is a process that hands over, to a test that is the other one.
func old(t *testing.T, conn net.Conn) *Successor {
	t.Helper()
	s := newSuccessor(conn, 1, func() error { return os.ErrPermission }) // nobody is there to be killed
	t.Cleanup(func() { s.Abandon(); <-s.line.ended })
	return s
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: waited in vain", what)
	}
}

// TestHandover goes through all of it, with both ends in this process.
func TestHandover(t *testing.T) {
	ours, theirs := connections(t)
	s := old(t, ours)
	var figures atomic.Pointer[string]
	var counted atomic.Int64
	look := func() ([]byte, error) { return []byte{byte(counted.Add(1))}, nil }
	heir := make(chan *Predecessor, 1)
	go func() {
		p, err := newPredecessor(theirs)
		if err != nil {
			t.Error(err)
			close(heir)
			return
		}
		p.Reported(func(f []byte, last bool) {
			text := string(f)
			if last {
				text = "last " + text
			}
			figures.Store(&text)
		})
		heir <- p
		if err := p.Prepared(within(t)); err != nil {
			t.Error(err)
		}
		if err := p.Ready(within(t)); err != nil {
			t.Error(err)
		}
	}()
	must(t, s.Prepare(within(t), Hello{Version: "v", State: json.RawMessage(`{"a":1}`)}))
	p := <-heir
	if h := p.Hello(); h.Version != "v" || h.PID != os.Getpid() || string(h.State) != `{"a":1}` {
		t.Errorf("got %+v; want what was said", h)
	}
	if got := p.Decided(); got != nil {
		t.Errorf("got %s before the word to serve; want nothing", got)
	}
	must(t, s.Begin(within(t), json.RawMessage(`{"b":2}`)))
	if got := string(p.Decided()); got != `{"b":2}` {
		t.Errorf("got %s; want what was decided by then", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- s.Serve(ctx, Answers{Figures: look, Topics: map[string]func(json.RawMessage) (any, error){
			"double": func(b json.RawMessage) (any, error) {
				var n int
				err := json.Unmarshal(b, &n)
				return 2 * n, err
			},
			"panic": func(json.RawMessage) (any, error) { panic("in an answer") },
		}})
	}()
	await(t, "released", p.freed)
	var n int
	must(t, p.Ask(within(t), "double", 21, &n))
	if n != 42 {
		t.Errorf("got %d; want 42", n)
	}
	for topic, want := range map[string]string{"panic": "in an answer", "nothing": "no answer to"} {
		if err := p.Ask(within(t), topic, nil, &n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want %q", topic, err, want)
		}
	}
	must(t, p.AskFigures(within(t)))
	if got := *figures.Load(); got[0] < 2 {
		t.Errorf("got figures %q; want those of the question", got)
	}
	stop()
	must(t, <-served)
	must(t, s.Final(look))
	await(t, "the end", p.Ended())
	if got, want := *figures.Load(), "last "+string([]byte{byte(counted.Load())}); got != want || p.Err() != nil {
		t.Errorf("got %q, error %v; want %q and none", got, p.Err(), want)
	}
	if err := p.Ask(within(t), "double", 1, &n); !errors.Is(err, ErrLost) {
		t.Errorf("asked after the end: got %v; want ErrLost", err)
	}
}

// TestRefused: by another version, and by who cannot take over.
func TestRefused(t *testing.T) {
	ours, theirs := connections(t)
	s := old(t, ours)
	go func() {
		m, _ := readMessage(theirs)
		text, _ := encode(message{Kind: kindRefused, Error: "no: " + string(m.Kind)})
		_, _ = theirs.Write(text)
	}()
	if err := s.Prepare(within(t), Hello{}); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no: hello") {
		t.Errorf("got %v; want that it refused, and why", err)
	}

	ours, theirs = connections(t)
	body, err := json.Marshal(Hello{Protocol: Protocol + 1})
	must(t, err)
	text, err := encode(message{Kind: kindHello, Body: body})
	must(t, err)
	_, err = ours.Write(text)
	must(t, err)
	if p, err := newPredecessor(theirs); !errors.Is(err, ErrProtocol) {
		t.Errorf("got %v, %v; want ErrProtocol", p, err)
	}
	if m, err := readMessage(ours); err != nil || m.Kind != kindRefused {
		t.Errorf("got %+v, %v; want it refused", m, err)
	}
}

// TestGarbageEndsTheLine, on both sides, and nothing else.
func TestGarbageEndsTheLine(t *testing.T) {
	for _, garbage := range []string{"garbage of some length", "\x00\x00\x00\x03abc", "\xff\xff\xff\xff", "\x00\x00\x00\x09{\"kind\":1", "\x00"} {
		ours, theirs := connections(t)
		s := old(t, ours)
		go func() {
			_, _ = theirs.Write([]byte(garbage))
			_ = theirs.(*net.UnixConn).CloseWrite()
		}()
		if err := s.Prepare(within(t), Hello{}); !errors.Is(err, ErrLost) {
			t.Errorf("%q to the old process: got %v; want ErrLost", garbage, err)
		}
		said, heard := connections(t)
		_, err := said.Write([]byte(garbage))
		must(t, err)
		_ = said.(*net.UnixConn).CloseWrite()
		if p, err := newPredecessor(heard); !errors.Is(err, ErrLost) {
			t.Errorf("%q to the new process: got %v, %v; want ErrLost", garbage, p, err)
		}
	}
}

// TestOldProcessDies: before it has said that clients may be served the new one goes
// on alone, unless it lives and only its line has ended.
func TestOldProcessDies(t *testing.T) {
	for _, lives := range []bool{false, true} {
		ours, theirs := connections(t)
		pid := os.Getpid() // no parent of ours
		if lives {
			pid = os.Getppid()
		}
		body, err := json.Marshal(Hello{Protocol: Protocol, PID: pid})
		must(t, err)
		text, err := encode(message{Kind: kindHello, Body: body})
		must(t, err)
		_, err = ours.Write(text)
		must(t, err)
		p, err := newPredecessor(theirs)
		must(t, err)
		must(t, ours.Close())
		if err := p.Prepared(within(t)); lives != errors.Is(err, ErrLost) || !lives && err != nil {
			t.Errorf("it lives: %v; got %v", lives, err)
		}
		await(t, "the end", p.Ended())
		if p.Err() == nil {
			t.Error("got no error at the end; want that it had not told its last figures")
		}
	}
}

// FuzzReadMessage: whatever comes is a message that says the same again, or an error.
func FuzzReadMessage(f *testing.F) {
	seed, err := encode(message{Kind: kindAsk, ID: 7, Topic: "figures", Body: json.RawMessage(`[1,"x"]`)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\xff\xff\xff\xff{}"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := readMessage(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, ErrGarbled) {
				t.Fatalf("got %v; want an end or ErrGarbled", err)
			}
			return
		}
		again, err := encode(m)
		if err != nil {
			t.Fatalf("%+v cannot be said: %v", m, err)
		}
		heard, err := readMessage(bytes.NewReader(again))
		if err != nil || heard.Kind != m.Kind || heard.ID != m.ID || heard.Topic != m.Topic || heard.Error != m.Error {
			t.Fatalf("said %+v, heard %+v, %v", m, heard, err)
		}
	})
}
