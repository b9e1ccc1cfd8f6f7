package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// raw sends bytes over a connection of its own and reads the answer's status,
// header and body.
func raw(t *testing.T, address, request string) (answer, error) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return answer{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// wantSound fails unless everything is answered as if nothing had happened.
func wantSound(t *testing.T, after, address string) {
	t.Helper()
	for _, path := range []string{"/proxy/status", "/metrics", "/livez"} {
		got, err := raw(t, address, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if err != nil || got.status != 200 {
			t.Errorf("after %s: %s: got %d %q, %v; want 200", after, path, got.status, got.body, err)
		}
	}
}

// TestAbuse sends every endpoint what it does not expect. Each time the status and
// the text must say what was wrong, and all else go on.
func TestAbuse(t *testing.T) {
	var log logBuffer
	c := newConfig()
	set := 0
	c.SetLogFilter = func(string) error { set++; return nil }
	address := serve(t, "tcp", "127.0.0.1:0", Handler(c), log.logger())
	long := strings.Repeat("a", 2000)
	bomb := string(compressed(t, `{"filter":"`+strings.Repeat("a", 1<<20)+`"}`, gzipped))
	host := "Host: localhost\r\nConnection: close\r\n"
	for _, route := range known {
		route.path = concrete(route.path)
		method, _, _ := strings.Cut(route.allow, ",")
		asJSON := "Content-Type: application/json\r\n"
		for _, tt := range []struct {
			name, request string
			status        []int
			empty         bool
		}{
			{"a method nobody knows", "BREW " + route.path + " HTTP/1.1\r\n" + host + "\r\n", []int{405}, true},
			{"too long a body", method + " " + route.path + " HTTP/1.1\r\n" + host + asJSON + "Content-Length: 2000\r\n\r\n" + long, []int{413}, false},
			{"a length that is none", method + " " + route.path + " HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", []int{400}, false},
			{"two lengths", method + " " + route.path + " HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", []int{400}, false},
			{"a bomb", method + " " + route.path + " HTTP/1.1\r\n" + host + asJSON + "Content-Encoding: gzip\r\nContent-Length: " + fmt.Sprint(len(bomb)) + "\r\n\r\n" + bomb, []int{200, 413, 503}, false},
			{"an unknown encoding", method + " " + route.path + " HTTP/1.1\r\n" + host + asJSON + "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx", []int{415}, true},
			{"an unknown transfer encoding", method + " " + route.path + " HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", []int{501}, false},
			{"another version", method + " " + route.path + " HTTP/3.0\r\n" + host + "\r\n", []int{505}, false},
			{"no host", method + " " + route.path + " HTTP/1.1\r\nConnection: close\r\n\r\n", []int{400}, false},
			{"two hosts", method + " " + route.path + " HTTP/1.1\r\n" + host + "Host: x\r\n\r\n", []int{400}, false},
			{"a header that is none", method + " " + route.path + " HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", []int{400}, false},
			{"a huge header", method + " " + route.path + " HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 1<<17) + "\r\n\r\n", []int{431}, false},
			{"no HTTP", "\x05\x01\x00" + route.path + "\r\n\r\n", []int{400}, false},
			{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}, false},
			{"a way out of the path", method + " " + route.path + "/../../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", []int{404}, true},
			{"an escaped way out", method + " " + route.path + "/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + host + "\r\n", []int{404}, true},
			{"a way out with a backslash", method + " " + route.path + "\\..\\..\\etc HTTP/1.1\r\n" + host + "\r\n", []int{404}, !strings.Contains(route.path, "/sessions/")}, // which is no ID
			{"a broken escape", method + " " + route.path + "%zz HTTP/1.1\r\n" + host + "\r\n", []int{400}, false},
			{"an absolute URL of another host", method + " http://attacker.example" + route.path + " HTTP/1.1\r\n" + host + "\r\n", []int{200, 403, 415, 503}, false},
		} {
			got, err := raw(t, address, tt.request)
			if err != nil {
				// The server need not read all of what it refuses, and then the kernel
				// may cut the answer short.
				t.Logf("%s on %s: %v", tt.name, route.path, err)
				continue
			}
			if !slices.Contains(tt.status, got.status) {
				t.Errorf("%s on %s: got %d %.100q; want %v", tt.name, route.path, got.status, got.body, tt.status)
			}
			if got.status >= 400 && (got.body == "") != tt.empty {
				t.Errorf("%s on %s: got %d with the text %q; want none: %v", tt.name, route.path, got.status, got.body, tt.empty)
			}
		}
		wantSound(t, "abuse of "+route.path, address)
	}
	if set > 0 {
		t.Errorf("the log filter was set %d times", set)
	}
	if text := log.String(); strings.Contains(text, "panic") || strings.Contains(text, "level=ERROR") {
		t.Errorf("got log %q; want no panic and no error", text)
	}
}

// TestIdleConnections: those who hold a thousand connections and ask nothing keep
// nobody out, and cost few descriptors.
func TestIdleConnections(t *testing.T) {
	const held = 1000
	address := serve(t, "tcp", "127.0.0.1:0", Handler(newConfig()), (&logBuffer{}).logger())
	ended := make(chan struct{}, held)
	var holders sync.WaitGroup
	defer holders.Wait()
	for i := range held {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		// Some say nothing, some begin to, some have asked before.
		begin := []string{"", "GET /metrics HT", "GET /proxy/status HTTP/1.1\r\nHost: x\r\n\r\n"}[i%3]
		if _, err := io.WriteString(c, begin); err != nil {
			t.Fatal(err)
		}
		holders.Go(func() {
			_, _ = io.Copy(io.Discard, c) // one that has been answered ends behind its answer
			ended <- struct{}{}
		})
		if i%100 == 99 {
			wantSound(t, fmt.Sprintf("%d connections", i+1), address)
		}
	}
	// All are closed but the last that waited: which those are depends on when each
	// was answered.
	patience := time.After(time.Minute)
	for n := range held - mostConnections {
		select {
		case <-ended:
		case <-patience:
			t.Fatalf("got %d connections closed; want %d", n, held-mostConnections)
		}
	}
	wantSound(t, "all of them", address)
}

// TestBusyConnectionsStay: a connection whose request is being answered is not
// closed for another one.
func TestBusyConnectionsStay(t *testing.T) {
	const most = 3
	all := newConnections(most)
	begun, end := make(chan struct{}, most), make(chan struct{})
	server := NewServer(busy(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		<-end
		writeText(w, 200, "done")
	})), (&logBuffer{}).logger())
	server.ConnContext, server.ConnState = all.enter, all.leave
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	defer func() {
		server.Close()
		<-served
	}()
	var working []net.Conn
	for range most {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-begun
		working = append(working, c)
	}
	surplus, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer surplus.Close()
	if n, err := surplus.Read(make([]byte, 1)); err == nil || n > 0 {
		t.Errorf("one too many: got %d bytes, %v; want it closed", n, err)
	}
	close(end)
	for _, c := range working {
		text, err := io.ReadAll(c)
		if err != nil || !bytes.Contains(text, []byte("done")) {
			t.Errorf("got %q, %v; want the answer", text, err)
		}
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.waiting.Len() > len(all.open) {
		t.Errorf("%d connections wait of %d", all.waiting.Len(), len(all.open))
	}
}
