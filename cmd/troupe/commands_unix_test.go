//go:build unix

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// commandsIn are the lines of the blocks of a kind in a document.
func commandsIn(text, kind string) (lines []string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(m[1]) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// TestReadmeCommands runs each command of README.md, with the ports of a test, and
// compares what it prints with what stands there. Those for contributors are CI's own.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	readme := readText(t, "../..", "README.md")
	ci := readText(t, "../../.ci", "run")
	var d *daemon
	for _, line := range commandsIn(readme, "sh") {
		command, _, _ := strings.Cut(line, "#")
		args := strings.Fields(command)
		switch {
		case len(args) == 0:
		case strings.HasPrefix(command, "go run ./cmd/troupe"):
			d = start(t, atFreePorts(t, args[3:]))
		case strings.HasPrefix(command, "go test ./actors -run "):
			if !strings.Contains(readText(t, "../../actors", "model_test.go"), "func "+args[4]) {
				t.Errorf("there is no test for %q", command)
			}
		case !strings.Contains(ci, strings.TrimSpace(command)):
			t.Errorf("nobody runs %q", command)
		}
	}
	if d == nil {
		t.Fatal("README.md does not say how to start the daemon")
	}
	runConsole(t, readme, d)
}

// atFreePorts are arguments for the daemon whose policy, the one of README.md or the
// one built in, listens on ports of the kernel's choice.
func atFreePorts(t *testing.T, args []string) []string {
	t.Helper()
	source := "default.lua"
	if len(args) > 0 {
		source = "minimal.lua"
	}
	text := readText(t, "../../lua/examples", source)
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(strings.NewReplacer(":1080'", ":0'", ":8000'", ":0'").Replace(text)), 0o600))
	return []string{"--proxy-config", path}
}

// runConsole runs the lines with a prompt, and wants to see those below them.
func runConsole(t *testing.T, readme string, d *daemon) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skipf("curl is not installed: %v", err)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") }))
	t.Cleanup(page.Close)
	usual := strings.NewReplacer("127.0.0.1:1080", d.socks(), "127.0.0.1:8000", d.http(),
		"localhost:9999", strings.TrimPrefix(page.URL, "http://"), "'^proxy_connections_.*1080'", "'^proxy_connections_.*"+d.socks()+"'")
	var want strings.Builder
	command := ""
	compare := func() {
		if command == "" {
			return
		}
		await(t, command+" says\n"+want.String(), func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := exec.CommandContext(ctx, "sh", "-c", command)
			c.Env = append(os.Environ(), "no_proxy=")
			got, err := c.Output()
			return err == nil && strings.TrimSpace(string(got)) == strings.TrimSpace(want.String())
		})
	}
	for _, line := range commandsIn(usual.Replace(readme), "console") {
		if next, prompted := strings.CutPrefix(line, "$ "); prompted {
			compare()
			command = next
			want.Reset()
			continue
		}
		want.WriteString(line + "\n")
	}
	compare()
}

// TestQuickstartCommands follows docs/quickstart.md from the running service to the
// end, with ports and addresses that any Linux has. What installs, starts and
// removes the package is left to packaging/test-package.sh, which follows it whole.
func TestQuickstartCommands(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "python3", "curl"} {
		if _, err := exec.LookPath(name); err != nil || runtime.GOOS != "linux" {
			t.Skipf("%s is not installed, or this is not Linux: %v", name, err)
		}
	}
	server, dir := newSMTPServer(t), t.TempDir()
	socks, web, policy := freeAddress(t), freeAddress(t), filepath.Join(dir, "policy.lua")
	usual := strings.NewReplacer(
		"192.0.2.10", "127.0.0.2", "192.0.2.11", "127.0.0.3",
		"0.0.0.0:1080", socks, "127.0.0.1:1080", socks, "'127.0.0.1', 1080", "'127.0.0.1', "+portOf(t, socks),
		"127.0.0.1:8000", web, "2525", strconv.Itoa(int(server.address.Port())),
		"unix:/run/troupe/admin.sock", "unix:"+filepath.Join(dir, "s"), ", socket_group = 'troupe'", "",
		"/etc/troupe/policy.lua", policy,
	)
	must(t, os.WriteFile(policy, []byte(usual.Replace(readText(t, "../../lua/examples", "default.lua"))), 0o600))
	d := start(t, []string{"--proxy-config", policy})
	script := strings.Join(commandsIn(usual.Replace(readText(t, "../../docs", "quickstart.md")), "sh"), "\n")

	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", `
sudo() { "$@"; }
ip() { :; }
systemctl() { troupe reload; }
`+script)
	c.Dir = dir
	c.Env = append(os.Environ(), "TROUPE_ENDPOINT=http://"+web, "no_proxy=")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"KumoProxy OK", "delivered from 127.0.0.2", "delivered from 127.0.0.3", "refused, as it should be"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("nobody said %q:\n%s", want, out)
		}
	}
	for _, source := range []string{"127.0.0.2", "127.0.0.3"} {
		select {
		case got := <-server.deliveries:
			if got.client.Addr().String() != source {
				t.Errorf("got a mail from %v; want one from %s", got.client, source)
			}
		case <-time.After(patience):
			t.Fatalf("no mail has come from %s", source)
		}
	}
	d.endWell()
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	return port
}
