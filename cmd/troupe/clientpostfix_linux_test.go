package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// postfixDaemons is where Debian's Postfix has its programs.
const postfixDaemons = "/usr/lib/postfix/sbin"

// TestClientPostfix runs a Postfix of its own, whose SMTP client is the one of
// docs/clients.md: it has to deliver a mail through the proxy.
func TestClientPostfix(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("the master process of Postfix is root")
	}
	for _, program := range []string{"proxychains4", "postfix", filepath.Join(postfixDaemons, "smtp")} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("not installed: %v", err)
		}
	}
	d, server := startPolicy(t, onePolicy), newSMTPServer(t)
	p := newPostfix(t, d.socks(), server.address)
	p.start()
	mail := exec.CommandContext(t.Context(), "sendmail", "-C", p.dir, "-f", "me@example.com", "you@example.com")
	mail.Stdin = strings.NewReader("Subject: hello\n\nHello\n")
	if out, err := mail.CombinedOutput(); err != nil {
		t.Fatalf("sendmail: %v\n%s", err, out)
	}
	wantOneMail(t, d, server)
}

// postfix is an instance in a directory that holds all that it has.
type postfix struct {
	t   *testing.T
	dir string
}

func newPostfix(t *testing.T, proxy string, server netip.AddrPort) *postfix {
	t.Helper()
	// t.TempDir is closed to other users, and its name too long for the sockets.
	dir, err := os.MkdirTemp("/var/tmp", "pf")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	blocks := snippets(t, "Postfix", 3)
	p := &postfix{t, dir}
	p.write("proxychains.conf", at(blocks[0], proxy, server), 0o644)
	p.link()
	p.write("libexec/postfix-smtp-troupe", strings.ReplaceAll(blocks[1], "/etc/postfix/", dir+"/"), 0o755)
	p.write("master.cf", `pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
`+blocks[2], 0o644)
	p.write("main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
daemon_directory = %[1]s/libexec
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
myhostname = client.test
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
relayhost = [127.0.0.1]:%[2]d
`, dir, server.Port()), 0o644)
	return p
}

func (p *postfix) write(name, text string, mode os.FileMode) {
	p.t.Helper()
	must(p.t, os.WriteFile(filepath.Join(p.dir, name), []byte(text), mode))
}

// link makes a directory of programs to which one can be added.
func (p *postfix) link() {
	p.t.Helper()
	all, err := os.ReadDir(postfixDaemons)
	must(p.t, err)
	for _, d := range []string{"libexec", "queue", "data"} {
		must(p.t, os.Mkdir(filepath.Join(p.dir, d), 0o755))
	}
	if out, err := exec.CommandContext(p.t.Context(), "chown", "postfix", filepath.Join(p.dir, "data")).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	for _, one := range all {
		must(p.t, os.Symlink(filepath.Join(postfixDaemons, one.Name()), filepath.Join(p.dir, "libexec", one.Name())))
	}
}

// start starts it for as long as the test is.
func (p *postfix) start() {
	p.t.Helper()
	cmd := exec.Command("postfix", "-c", p.dir, "start-fg")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	must(p.t, cmd.Start())
	p.t.Cleanup(func() {
		_ = exec.Command("postfix", "-c", p.dir, "stop").Run()
		_ = cmd.Wait()
		if p.t.Failed() {
			log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
			p.t.Logf("postfix said:\n%s\n%s", said.String(), log)
		}
	})
	await(p.t, "postfix to run", func() bool { return exec.Command("postfix", "-c", p.dir, "status").Run() == nil })
}
