// Package sdnotify tells the service manager how the daemon is: that it serves,
// reloads, or is about to end, and that it still moves (sd_notify(3), systemd.service(5)
// Type=notify-reload, WatchdogSec=).
//
// It knows nothing of the daemon: what is to be said comes from cmd/troupe, and goes
// in datagrams to the socket that the manager has named in NOTIFY_SOCKET. Where there
// is no manager nothing is said, and that is no error.
package sdnotify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// sendPatience bounds a datagram: a manager that does not read must not hold the
// daemon up.
const sendPatience = time.Second

// ErrAddress says that NOTIFY_SOCKET is no address of a Unix socket.
var ErrAddress = errors.New("NOTIFY_SOCKET: expected an absolute path, or a name after @")

// ErrWatchdog says that WATCHDOG_USEC or WATCHDOG_PID cannot be read.
var ErrWatchdog = errors.New("watchdog: expected a whole number above 0")

// Manager is the service manager. Its methods may be called from any goroutine, and
// on nil, which is none: then they do nothing.
type Manager struct {
	address  *net.UnixAddr
	watchdog time.Duration // 0: it does not watch
}

// Open reads the environment by lookup. Without a manager it returns nil.
func Open(lookup func(name string) (string, bool)) (*Manager, error) {
	name, _ := lookup("NOTIFY_SOCKET")
	if name == "" {
		return nil, nil
	}
	if len(name) < 2 || name[0] != '/' && name[0] != '@' {
		return nil, fmt.Errorf("%w, got %q", ErrAddress, name)
	}
	watchdog, err := watchdogOf(lookup)
	if err != nil {
		return nil, err
	}
	// Package net writes a leading @ as the zero byte of an abstract name.
	return &Manager{address: &net.UnixAddr{Name: name, Net: "unixgram"}, watchdog: watchdog}, nil
}

// watchdogOf is how long the manager waits for a sign of life; 0: for ever, or it is
// another process that it watches.
func watchdogOf(lookup func(string) (string, bool)) (time.Duration, error) {
	if text, ok := lookup("WATCHDOG_PID"); ok {
		pid, err := strconv.Atoi(text)
		if err != nil || pid <= 0 {
			return 0, fmt.Errorf("%w, got WATCHDOG_PID=%q", ErrWatchdog, text)
		}
		if pid != os.Getpid() {
			return 0, nil
		}
	}
	text, ok := lookup("WATCHDOG_USEC")
	if !ok {
		return 0, nil
	}
	const most = uint64(1<<63-1) / uint64(time.Microsecond)
	usec, err := strconv.ParseUint(text, 10, 64)
	if err != nil || usec == 0 || usec > most {
		return 0, fmt.Errorf("%w, got WATCHDOG_USEC=%q", ErrWatchdog, text)
	}
	return time.Duration(usec) * time.Microsecond, nil
}

// Ready says that the daemon serves, for the first time or again after a reload.
func (m *Manager) Ready() error { return m.send("READY=1", "STATUS=serving") }

// Reloading says that a reload has begun. Ready says that it is over.
func (m *Manager) Reloading() error {
	lines := []string{"RELOADING=1", "STATUS=reloading the policy"}
	if now, ok := monotonic(); ok {
		lines = append(lines, "MONOTONIC_USEC="+strconv.FormatInt(now.Microseconds(), 10))
	}
	return m.send(lines...)
}

// MainPID says that another process is the daemon from now on, of which this one has
// no more to say. It is one that this one has started.
func (m *Manager) MainPID(pid int) error { return m.send("MAINPID=" + strconv.Itoa(pid)) }

// Stopping says that the daemon is about to end. It may be called again, with how
// far that has come. The manager is asked to wait for another patience before it
// kills; 0 asks for nothing.
func (m *Manager) Stopping(status string, patience time.Duration) error {
	lines := []string{"STOPPING=1", "STATUS=" + status}
	if patience > 0 {
		lines = append(lines, "EXTEND_TIMEOUT_USEC="+strconv.FormatInt(patience.Microseconds(), 10))
	}
	return m.send(lines...)
}

// Watch gives the manager the sign of life that it waits for, as often as it
// wants, for as long as alive has no objection; nil never has. An alive that takes
// too long is an objection. It returns when ctx ends, and at once if the manager does
// not watch. failed is told of each sign that was not given, and why.
func (m *Manager) Watch(ctx context.Context, alive func(context.Context) error, failed func(error)) {
	if m == nil || m.watchdog == 0 {
		return
	}
	beat := time.NewTicker(m.watchdog / 2)
	defer beat.Stop()
	for {
		if err := m.feed(ctx, alive); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *Manager) feed(ctx context.Context, alive func(context.Context) error) error {
	if alive != nil {
		ctx, cancel := context.WithTimeout(ctx, m.watchdog/4)
		defer cancel()
		if err := alive(ctx); err != nil {
			return err
		}
	}
	return m.send("WATCHDOG=1")
}

// send sends one datagram. A line cannot hold another.
func (m *Manager) send(lines ...string) error {
	if m == nil {
		return nil
	}
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, "\n", " ")
	}
	socket, err := net.DialUnix("unixgram", nil, m.address)
	if err != nil {
		return fmt.Errorf("service manager: %w", err)
	}
	defer func() { _ = socket.Close() }()                     // all was sent, or nothing will be
	_ = socket.SetWriteDeadline(time.Now().Add(sendPatience)) // fails only when closed
	if _, err := socket.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("service manager: %w", err)
	}
	return nil
}
