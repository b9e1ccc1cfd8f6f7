package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestTooLittleMemory: a daemon that holds more than it may turns clients away and
// goes on; what an operator needs is served, and more memory is all that it takes.
func TestTooLittleMemory(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy, "GOMEMLIMIT=2MiB")
	d.awaitFigure(1, "proxy_memory_pressure")
	const clients = 50
	for range clients {
		c := dial(t, d.socks())
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("a client got %v; want the end of the stream", err)
		}
		must(t, c.Close())
	}
	d.awaitFigure(clients, "proxy_session_failures_total", "listener", d.socks(), "reason", "memory_pressure", "fault", "proxy")
	if code, text := d.get("/proxy/status"); code != http.StatusServiceUnavailable || !strings.Contains(text, "memory is short") {
		t.Errorf("got %d %q; want it to say what is short", code, text)
	}
	if code, text := d.get("/livez"); code != http.StatusOK {
		t.Errorf("/livez says %d %q; want it to live", code, text)
	}
	more := strings.Replace(onePolicy, "'proxy_init', function()", "'proxy_init', function()\n  kumo.set_memory_soft_limit(1024 * 1024 * 1024)", 1)
	must(t, os.WriteFile(d.policy(), []byte(more), 0o600))
	d.signal(syscall.SIGHUP)
	d.awaitFigure(0, "proxy_memory_pressure")
	echo := newEcho(t)
	c, _ := connect(t, d.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	must(t, c.Close())
	if code, text := d.get("/proxy/status"); code != http.StatusOK {
		t.Errorf("got %d %q; want it to be well again", code, text)
	}
	d.endWell()
}
