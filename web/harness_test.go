package web

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/machineinfo"
)

// loopback is the policy's default for trusted_hosts.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}

// started is when the daemon of the tests did.
var started = time.Date(2026, 8, 5, 10, 11, 12, 0, time.UTC)

// newConfig is a surface over one counter and one listener that accepts.
func newConfig() Config {
	registry := prometheus.NewRegistry()
	accepted := prometheus.NewCounter(prometheus.CounterOpts{Name: "accepted_total", Help: "Clients accepted."})
	accepted.Add(7)
	registry.MustRegister(accepted)
	return Config{
		Gatherer:         registry,
		SetLogFilter:     func(string) error { return nil },
		BumpEpoch:        func() {},
		Machine:          func() (machineinfo.Info, bool) { return machineinfo.Host("1.2.3", started).Read(), true },
		Memory:           func() []Held { return []Held{{What: "spare things", Count: 3, Bytes: 4096}} },
		Version:          "1.2.3",
		Status:           func() Status { return Status{[]ListenerStatus{{Listener: "127.0.0.1:1080", Accepting: true}}} },
		TrustedHosts:     loopback,
		RequestBodyLimit: 1 << 10,
	}
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask calls h as a client at peer would, without a socket.
func ask(h http.Handler, method, path, peer string, header ...string) answer {
	return send(h, method, path, peer, nil, header...)
}

// askAs is ask with a Host header.
func askAs(h http.Handler, method, path, peer, host string) answer {
	r := httptest.NewRequest(method, "/", nil)
	r.RequestURI, r.URL.Path, r.Host, r.RemoteAddr = path, path, host, peer
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.String()}
}

// send is ask with a body.
func send(h http.Handler, method, path, peer string, body io.Reader, header ...string) answer {
	target := path
	if method == http.MethodConnect {
		target = "/" // httptest takes no path for it
	}
	r := httptest.NewRequest(method, target, body)
	if method == http.MethodConnect {
		r.URL.Path = path
	}
	r.RemoteAddr, r.Host = peer, "127.0.0.1:8000"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.String()}
}

// serve runs NewServer on a real listener until the test ends, and gives its
// address.
func serve(t *testing.T, network, address string, h http.Handler, log *slog.Logger) string {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Skipf("no %s here: %v", network, err)
	}
	server := NewServer(h, log)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(ln); err != http.ErrServerClosed {
			t.Errorf("Serve: got %v; want %v", err, http.ErrServerClosed)
		}
	})
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		wg.Wait()
	})
	return ln.Addr().String()
}

// newClient is a client that leaves no connection behind.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// do sends one request over TCP and reads the whole answer.
func do(t *testing.T, client *http.Client, method, url, body string) (answer, error) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(got)}, err
}

// logBuffer is a log that a test reads while handlers write it.
type logBuffer struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
