package redis

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

// startServer runs a real redis-server and returns the path of its socket and its
// TCP address.
func startServer(t *testing.T, args ...string) (socket, address string) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	dir, err := os.MkdirTemp("", "r") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port := freePort(t)
	socket = filepath.Join(dir, "s")
	command := exec.Command(binary, append([]string{
		"--port", port, "--bind", "127.0.0.1", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no",
	}, args...)...)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "eady to accept connections unix") || strings.Contains(lines.Text(), "accept connections at") {
			go drain(lines)
			return socket, "127.0.0.1:" + port
		}
	}
	t.Fatal("redis-server ended before it was ready")
	return "", ""
}

func drain(lines *bufio.Scanner) {
	for lines.Scan() {
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// newState is a state with clients of its own.
func newState(t *testing.T) (*luatest.State, *Clients) {
	t.Helper()
	all := New()
	t.Cleanup(func() {
		if err := all.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return luatest.New(t, all.Module()), all
}
