package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts one connection, whose other end the test holds.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() (*pipeListener, net.Conn) {
	client, server := net.Pipe()
	l := &pipeListener{make(chan net.Conn, 1), make(chan struct{})}
	l.conns <- server
	return l, client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { close(l.closed); return nil }

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// Clients that stall, and when the server must have let go of them.
func TestStallingClients(t *testing.T) {
	const request = "GET /elsewhere HTTP/1.1\r\nHost: x\r\n"
	for name, tt := range map[string]struct {
		send string
		gone time.Duration
	}{
		"says nothing":        {"", headerTimeout},
		"never ends a header": {request, headerTimeout},
		"never sends a body":  {request + "Content-Length: 5\r\n\r\n", readTimeout},
		"asks nothing more":   {request + "\r\n", idleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln, client := newPipeListener()
				server := NewServer(Handler(newConfig()), (&logBuffer{}).logger())
				go server.Serve(ln)
				defer server.Close()
				gone := make(chan time.Duration, 1)
				start := time.Now()
				go func() {
					io.Copy(io.Discard, client)
					gone <- time.Since(start)
				}()
				if _, err := io.WriteString(client, tt.send); err != nil {
					t.Fatal(err)
				}
				// net/http may let a second pass before it closes, for the client to read.
				if got := <-gone; got < tt.gone || got > tt.gone+time.Second {
					t.Errorf("let go after %v; want %v", got, tt.gone)
				}
			})
		})
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	for size, want := range map[int]int{32 << 10: http.StatusOK, 128 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		synctest.Test(t, func(t *testing.T) {
			ln, client := newPipeListener()
			server := NewServer(Handler(newConfig()), (&logBuffer{}).logger())
			go server.Serve(ln)
			defer server.Close()
			// The server stops reading where the limit is, so the write may fail.
			go io.WriteString(client, "GET /proxy/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Big: "+strings.Repeat("x", size)+"\r\n\r\n")
			response, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			io.Copy(io.Discard, client) // until the server has let go, so that nothing of it is left
			if response.StatusCode != want {
				t.Errorf("a header of %d: got %d; want %d", size, response.StatusCode, want)
			}
		})
	}
}

func TestServerSpeaksAtDebug(t *testing.T) {
	var log logBuffer
	NewServer(http.NotFoundHandler(), log.logger()).ErrorLog.Print("a client misbehaved")
	if got := log.String(); !strings.Contains(got, "level=DEBUG") || !strings.Contains(got, "a client misbehaved") {
		t.Errorf("got %q; want the line at debug", got)
	}
}
