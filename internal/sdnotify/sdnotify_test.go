//go:build unix

package sdnotify

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// manager is a service manager's socket, and the environment that names it.
type manager struct {
	t      *testing.T
	socket *net.UnixConn
	env    map[string]string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return &manager{t: t, socket: socket, env: map[string]string{"NOTIFY_SOCKET": path}}
}

func (m *manager) open() *Manager {
	m.t.Helper()
	opened, err := Open(m.lookup)
	if err != nil {
		m.t.Fatal(err)
	}
	return opened
}

func (m *manager) lookup(name string) (string, bool) {
	v, ok := m.env[name]
	return v, ok
}

// hear is the next datagram, by its keys.
func (m *manager) hear() map[string]string {
	m.t.Helper()
	if err := m.socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := m.socket.Read(b)
	if err != nil {
		m.t.Fatal(err)
	}
	said := map[string]string{}
	for line := range strings.SplitSeq(string(b[:n]), "\n") {
		key, value, _ := strings.Cut(line, "=")
		said[key] = value
	}
	return said
}

func TestTellsHowTheDaemonIs(t *testing.T) {
	fake := newManager(t)
	m := fake.open()
	check := func(err error, want map[string]string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got := fake.hear()
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: got %q; want %q", key, got[key], value)
			}
		}
		for key := range got {
			if _, ok := want[key]; !ok && key != "MONOTONIC_USEC" {
				t.Errorf("got %s=%s; want no such line", key, got[key])
			}
		}
	}
	check(m.Ready(), map[string]string{"READY": "1", "STATUS": "serving"})
	check(m.Reloading(), map[string]string{"RELOADING": "1", "STATUS": "reloading the policy"})
	check(m.Stopping("draining: 12 sessions\nREADY=1", 30*time.Second),
		map[string]string{"STOPPING": "1", "STATUS": "draining: 12 sessions READY=1", "EXTEND_TIMEOUT_USEC": "30000000"})
	check(m.Stopping("over", 0), map[string]string{"STOPPING": "1", "STATUS": "over"})
}

// The manager compares it with the time of its signal.
func TestReloadingHasTheTime(t *testing.T) {
	before, ok := monotonic()
	if !ok {
		t.Skip("no such clock")
	}
	fake := newManager(t)
	if err := fake.open().Reloading(); err != nil {
		t.Fatal(err)
	}
	usec, err := strconv.ParseInt(fake.hear()["MONOTONIC_USEC"], 10, 64)
	after, _ := monotonic()
	if err != nil || usec < before.Microseconds() || usec > after.Microseconds() {
		t.Errorf("got %d, %v; want a time from %v to %v", usec, err, before, after)
	}
}

func TestNoManager(t *testing.T) {
	m, err := Open(func(string) (string, bool) { return "", false })
	if m != nil || err != nil {
		t.Fatalf("got %v, %v; want none", m, err)
	}
	for _, err := range []error{m.Ready(), m.Reloading(), m.Stopping("over", time.Second)} {
		if err != nil {
			t.Errorf("got %v; want nothing done", err)
		}
	}
	m.Watch(t.Context(), nil, nil) // returns
}

func TestRefusesWhatIsNoManager(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want error
	}{
		{map[string]string{"NOTIFY_SOCKET": "vsock:2:1234"}, ErrAddress},
		{map[string]string{"NOTIFY_SOCKET": "/"}, ErrAddress},
		{map[string]string{"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "0"}, ErrWatchdog},
		{map[string]string{"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "18446744073709551615"}, ErrWatchdog},
		{map[string]string{"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "soon"}, ErrWatchdog},
		{map[string]string{"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "me"}, ErrWatchdog},
	} {
		fake := manager{env: tt.env}
		if m, err := Open(fake.lookup); m != nil || !errors.Is(err, tt.want) {
			t.Errorf("%v: got %v, %v; want %v", tt.env, m, err, tt.want)
		}
	}
}

// A manager that has gone away is an error, and nothing worse.
func TestManagerGone(t *testing.T) {
	fake := newManager(t)
	m := fake.open()
	if err := fake.socket.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Ready(); err == nil {
		t.Error("got no error; want that of a socket that is gone")
	}
}

// The watchdog is fed while the daemon lives, and no longer; and again once it does.
func TestWatch(t *testing.T) {
	fake := newManager(t)
	fake.env["WATCHDOG_USEC"] = "2000" // 2 ms
	fake.env["WATCHDOG_PID"] = strconv.Itoa(os.Getpid())
	m := fake.open()
	stuck := errors.New("the loop is stuck")
	answers, failures := make(chan error), make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Watch(ctx, func(context.Context) error { return <-answers }, func(err error) { failures <- err })
	}()
	feed := func() {
		t.Helper()
		answers <- nil
		if got := fake.hear()["WATCHDOG"]; got != "1" {
			t.Errorf("got WATCHDOG=%q; want 1", got)
		}
	}
	feed()
	feed()
	answers <- stuck
	if err := <-failures; !errors.Is(err, stuck) {
		t.Errorf("got %v; want %v", err, stuck)
	}
	feed()
	cancel()
	for ended := false; !ended; {
		select {
		case answers <- nil:
		case <-failures:
		case <-done:
			ended = true
		}
	}
}

// A daemon that does not answer is not alive.
func TestWatchDoesNotWait(t *testing.T) {
	fake := newManager(t)
	fake.env["WATCHDOG_USEC"] = "40000"
	m := fake.open()
	ctx, cancel := context.WithCancel(t.Context())
	hung := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	m.Watch(ctx, hung, func(err error) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v; want that it took too long", err)
		}
		cancel()
	})
}

// The watchdog of another process is not ours to feed.
func TestWatchdogOfAnother(t *testing.T) {
	fake := newManager(t)
	fake.env["WATCHDOG_USEC"], fake.env["WATCHDOG_PID"] = "1000000", "1"
	fake.open().Watch(t.Context(), nil, nil) // returns
}
