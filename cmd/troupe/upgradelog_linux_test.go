package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestUpgradeAccessLog: two processes write one access log during a hand-over, and go
// over to the next file together when it is rotated. Every session has its line, and
// every line is whole.
func TestUpgradeAccessLog(t *testing.T) {
	t.Parallel()
	const old, busy = 200, 200 // sessions from before the hand-over, and of each of several clients after it
	path, echo := filepath.Join(t.TempDir(), "access.log"), newEcho(t)
	y := startDynasty(t, logged("path = '"+path+"'", anyPort))
	var held []net.Conn
	for range old {
		c, _ := connect(t, y.socks(), echo.address)
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		held = append(held, c)
	}
	y.upgrade()
	clients := func() {
		var all sync.WaitGroup
		defer all.Wait()
		for range 4 {
			all.Go(func() {
				for range busy / 4 {
					y.session(echo.address)
				}
			})
		}
	}
	leave := func(some []net.Conn) {
		for _, c := range some {
			must(t, c.Close())
		}
	}
	both := func(leaving []net.Conn) {
		var done sync.WaitGroup
		done.Go(clients)
		leave(leaving)
		done.Wait()
	}
	both(held[:old/2])
	must(t, os.Rename(path, path+".1"))
	must(t, syscall.Kill(y.pid, syscall.SIGUSR1)) // as to systemd's main process
	await(t, "both processes to open the file anew", func() bool { return strings.Count(y.log.text(), "access log reopened") == 2 })
	before := len(accessLines(t, path+".1"))
	both(held[old/2:])
	y.awaitEnds(1)
	y.endOrderly()
	if got := len(accessLines(t, path+".1")); got != before {
		t.Errorf("%d lines were written to the file that was renamed after it was opened anew", got-before)
	}
	ids := make(map[string]bool)
	for _, line := range append(accessLines(t, path), accessLines(t, path+".1")...) {
		ids[line.ID] = true
	}
	if got := len(ids); got != old+2*busy {
		t.Errorf("there are lines of %d sessions; want one of each of %d", got, old+2*busy)
	}
}
