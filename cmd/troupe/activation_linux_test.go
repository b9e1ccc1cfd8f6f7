package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// manager is a parent that binds and passes on, as a service manager does.
type manager struct {
	t     *testing.T
	files []*os.File
	names []string
}

// bind opens a socket that is passed on to each process started later, and gives
// its address.
func (m *manager) bind(network, address, name string) string {
	m.t.Helper()
	l, err := net.Listen(network, address)
	must(m.t, err)
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	f, err := l.(interface{ File() (*os.File, error) }).File()
	must(m.t, err)
	bound := l.Addr().String()
	must(m.t, l.Close())
	m.add(f, name)
	return bound
}

func (m *manager) add(f *os.File, name string) {
	m.files, m.names = append(m.files, f), append(m.names, name)
	m.t.Cleanup(func() { f.Close() })
}

// command is a daemon that finds the sockets as sd_listen_fds(3) has them: with its
// own process id, which a shell tells it.
func (m *manager) command(policy string, args ...string) *exec.Cmd {
	m.t.Helper()
	path := filepath.Join(m.t.TempDir(), "policy.lua")
	must(m.t, os.WriteFile(path, []byte(policy), 0o600))
	args = append([]string{"-c", `LISTEN_PID=$$ exec troupe "$@"`, "sh", "--drain-timeout=0", "--proxy-config", path}, args...)
	cmd := exec.Command("sh", args...)
	cmd.Env = []string{"LISTEN_FDS=" + strconv.Itoa(len(m.files)), "LISTEN_FDNAMES=" + strings.Join(m.names, ":")}
	cmd.ExtraFiles = m.files
	return cmd
}

func (m *manager) start(policy string, args ...string) *daemon {
	m.t.Helper()
	d := launchCommand(m.t, m.command(policy, args...))
	d.awaitReady()
	return d
}

// overUnix asks the HTTP listener on a Unix socket.
func overUnix(t *testing.T, path, target string) (status int, body string) {
	t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}}}
	resp, err := client.Get("http://127.0.0.1" + target)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(text)
}

// TestActivation: those who connect while there is no process wait in the queue of
// the socket that the manager keeps, and are served by the next one.
func TestActivation(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"auto", "goroutines"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			m, echo := &manager{t: t}, newEcho(t)
			dir, err := os.MkdirTemp("/tmp", "act")
			must(t, err)
			t.Cleanup(func() { os.RemoveAll(dir) })
			admin := filepath.Join(dir, "admin.sock")
			socks := m.bind("tcp", "127.0.0.1:0", "socks")
			m.bind("unix", admin, "admin")
			unwanted := m.bind("tcp", "127.0.0.1:0", "spare")
			policy := strings.Replace(policyOf("listen = '"+socks+"'"), "local kumo =",
				"assert(not (os.getenv 'LISTEN_FDS' or os.getenv 'LISTEN_PID' or os.getenv 'LISTEN_FDNAMES'))\nlocal kumo =", 1)
			policy = strings.Replace(policy, "listen = '127.0.0.1:0'", "listen = 'unix:"+admin+"'", 1)

			first := m.start(policy, "--transport", transport)
			c, _ := connect(t, socks, echo.address)
			exchange(t, c, "echo", []byte("hello"), []byte("hello"))
			if !first.log.contains(unwanted+" (spare)") || !first.log.contains("no listener of the policy has its address") {
				t.Error("the log does not name the socket that nobody wanted")
			}
			first.stopped = true
			must(t, first.cmd.Process.Kill())
			<-first.exited

			var waiting []net.Conn
			for range 50 {
				c := dial(t, socks)
				if _, err := c.Write([]byte(greeting)); err != nil {
					t.Fatal(err)
				}
				waiting = append(waiting, c)
			}
			second := m.start(policy, "--transport", transport)
			for _, c := range waiting {
				exchange(t, c, "the greeting's answer", nil, []byte(accepted))
				request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(echo.address)...))
				exchange(t, c, "echo", []byte("hello"), []byte("hello"))
			}
			if status, _ := overUnix(t, admin, "/readyz"); status != http.StatusOK {
				t.Errorf("/readyz over the Unix socket: got %d; want 200", status)
			}
			for _, c := range waiting {
				must(t, c.Close())
			}
			second.endWell()
			if _, err := os.Lstat(admin); err != nil {
				t.Errorf("the manager's socket is gone: %v", err)
			}
		})
	}
}

// TestActivationReload: a listener that a reload removes and another adds again has
// the manager's socket again, with the clients who waited meanwhile.
func TestActivationReload(t *testing.T) {
	t.Parallel()
	m, echo := &manager{t: t}, newEcho(t)
	socks := m.bind("tcp", "127.0.0.1:0", "socks")
	policy := policyOf("listen = '"+socks+"'", anyPort)
	cmd := m.command(policy)
	d := launchCommand(t, cmd)
	d.awaitReady()
	e := &edited{d, cmd.Args[6]} // sh -c script sh --drain-timeout=0 --proxy-config path

	e.reload(policyOf(anyPort), "ok")
	waiting := dial(t, socks)
	if _, err := waiting.Write([]byte(greeting)); err != nil {
		t.Fatal(err)
	}
	e.reload(policy, "ok")
	exchange(t, waiting, "the greeting's answer", nil, []byte(accepted))
	request(t, waiting, "CONNECT", append([]byte{5, 1, 0}, wireAddress(echo.address)...))
	exchange(t, waiting, "echo", []byte("hello"), []byte("hello"))
	must(t, waiting.Close())
	e.endWell()
}

// TestActivationRefused: what cannot be served ends the start with a reason.
func TestActivationRefused(t *testing.T) {
	t.Parallel()
	t.Run("datagram", func(t *testing.T) {
		t.Parallel()
		m := &manager{t: t}
		p, err := net.ListenPacket("udp", "127.0.0.1:0")
		must(t, err)
		f, err := p.(*net.UDPConn).File()
		must(t, err)
		must(t, p.Close())
		m.add(f, "dns")
		wantStartFailure(t, m.command(onePolicy), "$LISTEN_FDS: descriptor 3 (dns): expected a listening TCP or Unix stream socket, got one of type 2")
	})
	t.Run("wildcard", func(t *testing.T) {
		t.Parallel()
		m := &manager{t: t}
		bound := m.bind("tcp4", "0.0.0.0:0", "socks")
		asked := strings.Replace(bound, "0.0.0.0", "127.0.0.1", 1)
		wantStartFailure(t, m.command(policyOf("listen = '"+asked+"'")), "write the same one in both places")
	})
}

func wantStartFailure(t *testing.T, cmd *exec.Cmd, want string) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(cmd.Env, os.Environ()...)
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(string(out), want) {
		t.Errorf("got exit code %d (%v) and\n%s\nwant %d and %q", code, err, out, exitFailed, want)
	}
}
