//go:build unix

package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// realClient is a client in docs/clients.md. FILE is its snippet in a file.
type realClient struct {
	title string
	there []string // runs well where the client is installed
	file  string
	run   []string
}

var realClients = []realClient{
	{"curl", []string{"curl", "--version"}, "curl.sh", []string{"bash", "FILE"}},
	{"Python", []string{"/usr/bin/python3", "-c", "import socks"}, "mail.py", []string{"/usr/bin/python3", "FILE"}},
	{"Nodemailer", []string{"node", "-e", "require('nodemailer'); require('socks')"}, "mail.js", []string{"node", "FILE"}},
	{"Go", []string{"go", "version"}, "mail.go", []string{"go", "run", "FILE"}},
	{"Exim", []string{"exim4", "-bV"}, "exim.conf", []string{"exim4", "-C", "FILE", "-odf", "-oi", "-f", "me@example.com", "you@example.com"}},
}

// TestClients runs what docs/clients.md says, as it stands there but for the
// addresses, in the real clients: each has to deliver a mail through the proxy.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, client := range realClients {
		t.Run(client.title, func(t *testing.T) {
			t.Parallel()
			if out, err := command(t, client.there...).CombinedOutput(); err != nil {
				t.Skipf("not installed: %s: %v %.80s", strings.Join(client.there, " "), err, out)
			}
			d, server := startPolicy(t, onePolicy), newSMTPServer(t)
			client.sendOne(t, d.socks(), server.address)
			wantOneMail(t, d, server)
		})
	}
}

// wantOneMail waits for the one mail, and for the session that carried it.
func wantOneMail(t *testing.T, d *daemon, server *smtpServer) {
	t.Helper()
	select {
	case got := <-server.deliveries:
		whole := got.hash != [len(got.hash)]byte{}
		if !whole || !strings.Contains(got.from, "<me@example.com>") || !strings.Contains(got.to, "<you@example.com>") {
			t.Errorf("got a mail %s %s, error %v", got.from, got.to, got.err)
		}
	case <-time.After(patience):
		t.Fatal("no mail has come")
	}
	d.awaitFigure(1, "proxy_connections_completed_total", "listener", d.socks())
}

// command is one of a client, which finds what Debian has for it.
func command(t *testing.T, args ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	c.Env = append(os.Environ(), "NODE_PATH="+os.Getenv("NODE_PATH")+":/usr/share/nodejs")
	return c
}

// sendOne has the client send one mail.
func (r realClient) sendOne(t *testing.T, proxy string, server netip.AddrPort) {
	t.Helper()
	dir := t.TempDir()
	text := at(snippet(t, r.title), proxy, server)
	if r.title == "Exim" {
		text = eximAround(t, dir, text, server)
	}
	must(t, os.WriteFile(filepath.Join(dir, r.file), []byte(text), 0o644)) // Exim reads it as another user
	must(t, os.WriteFile(filepath.Join(dir, "mail.txt"), []byte("Subject: hello\n\nHello\n"), 0o600))
	args := strings.Split(strings.ReplaceAll(strings.Join(r.run, "\n"), "FILE", filepath.Join(dir, r.file)), "\n")
	c := command(t, args...)
	c.Stdin = strings.NewReader("Subject: hello\n\nHello\n")
	if r.title != "Go" { // it needs a module, and this one has all that it imports
		c.Dir = dir
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	t.Logf("%s said: %s", r.title, out)
	if log, err := os.ReadFile(filepath.Join(dir, "log", "mainlog")); err == nil {
		t.Logf("%s", log)
	}
}

// snippet is the first block of code below a title.
func snippet(t *testing.T, title string) string {
	t.Helper()
	return snippets(t, title, 1)[0]
}

// snippets are the blocks of code below a title, of which there are at least so many.
func snippets(t *testing.T, title string, least int) (blocks []string) {
	t.Helper()
	text := readText(t, "../../docs", "clients.md")
	_, section, _ := strings.Cut(text, "\n## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?ms)^```\\w*\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < least {
		t.Fatalf("docs/clients.md has %d blocks of code below %q; want %d", len(blocks), title, least)
	}
	return blocks
}

// at puts the addresses of a test in the place of the usual ones.
func at(text, proxy string, server netip.AddrPort) string {
	_, port, _ := strings.Cut(proxy, ":")
	receiver := strconv.Itoa(int(server.Port()))
	return strings.NewReplacer(
		"127.0.0.1:1080", proxy, "proxy_port=1080", "proxy_port="+port, "127.0.0.1 port=1080", "127.0.0.1 port="+port, "127.0.0.1 1080", "127.0.0.1 "+port, "port: 1080", "port: "+port,
		"127.0.0.1:25", server.String(), "'127.0.0.1', 25", "'127.0.0.1', "+receiver, "port: 25", "port: "+receiver,
	).Replace(text)
}

// eximAround is a configuration of Exim with a transport in it, and a route by that
// for all mail. It may be read by the user that Exim becomes.
func eximAround(t *testing.T, dir, transport string, server netip.AddrPort) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("Exim takes a configuration from root alone")
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		must(t, os.Chmod(d, 0o755))
	}
	for _, d := range []string{"log", "spool"} {
		must(t, os.Mkdir(filepath.Join(dir, d), 0o700))
		must(t, os.Chmod(filepath.Join(dir, d), 0o777))
	}
	return fmt.Sprintf(`primary_hostname = client.test
keep_environment =
spool_directory = %[1]s/spool
log_file_path = %[1]s/log/%%slog
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = remote_smtp
begin transports
%[2]s  port = %[3]d
begin retry
* * F,1m,1m
`, dir, transport, server.Port())
}
