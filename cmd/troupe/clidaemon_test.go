package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// command runs a command against the daemon, which must do it, and gives its output.
func (d *daemon) command(args ...string) string {
	d.t.Helper()
	c := exec.Command("troupe", append(args, "--endpoint", "http://"+d.http())...)
	c.Env = append(c.Environ(), quickExit)
	out, err := c.CombinedOutput()
	if err != nil {
		d.t.Errorf("troupe %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestSessionsByCommand: what clients do is listed, and they can be ended, by id
// and by filter.
func TestSessionsByCommand(t *testing.T) {
	t.Parallel()
	d, echo := startPolicy(t, onePolicy), newEcho(t)
	first, _ := connect(t, d.socks(), echo.address)
	second, _ := connect(t, d.socks(), echo.address)
	exchange(t, first, "echo", []byte("hello"), []byte("hello"))
	exchange(t, second, "echo", []byte("hello"), []byte("hello"))

	var list adminclient.Sessions
	must(t, json.Unmarshal([]byte(d.command("sessions", "--json", "--client", first.LocalAddr().String())), &list))
	if len(list.Sessions) != 1 || list.Total != 1 {
		t.Fatalf("got %+v; want one session", list)
	}
	s := list.Sessions[0]
	if s.Destination != echo.address.String() || s.Listener != d.socks() || s.ID == "" {
		t.Errorf("got %+v; want the destination %v and the listener %s", s, echo.address, d.socks())
	}
	if out := d.command("sessions"); !strings.Contains(out, s.ID) || !strings.HasSuffix(out, "\n2 of 2 sessions\n") {
		t.Errorf("got\n%s; want both sessions", out)
	}
	if out := d.command("sessions", "kill", s.ID); !strings.HasPrefix(out, "ended 1 session (") {
		t.Errorf("got %q; want one ended", out)
	}
	// A session that is cut may end with a reset.
	if n, err := io.Copy(io.Discard, first); n > 0 {
		t.Errorf("the session went on by %d bytes, error %v", n, err)
	}
	exchange(t, second, "echo", []byte("on"), []byte("on"))
	if out := d.command("sessions", "--kill", "--destination", echo.address.String(), "--yes"); !strings.HasPrefix(out, "ended 1 session (") {
		t.Errorf("got %q; want one ended", out)
	}
	if n, err := io.Copy(io.Discard, second); n > 0 {
		t.Errorf("the session went on by %d bytes, error %v", n, err)
	}
	await(t, "no session", func() bool { return strings.HasSuffix(d.command("sessions"), "\n0 of 0 sessions\n") })
}
