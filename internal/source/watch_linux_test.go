package source

import (
	"context"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWatchHears: an address of a real network that comes and goes.
func TestWatchHears(t *testing.T) {
	skip := make(chan string, 1)
	done := make(chan struct{})
	go func() { // its thread, whose network is another, ends with it
		defer close(done)
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			skip <- err.Error()
			return
		}
		s, err := subscribe()
		if err != nil {
			skip <- err.Error()
			return
		}
		changes := make(chan struct{}, 100)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = follow(ctx, s, func() { changes <- struct{}{} }) // the test ends it
		}()
		await := func(what string) {
			select {
			case <-changes:
			case <-time.After(30 * time.Second):
				t.Errorf("%s: nothing was heard", what)
			}
		}
		await("the start")
		for _, line := range []string{"link set lo up", "address add 192.0.2.1/32 dev lo", "address del 192.0.2.1/32 dev lo", "-6 address add 2001:db8::1/128 dev lo"} {
			if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
				skip <- string(out)
				break
			}
			await(line)
		}
		cancel()
		<-ended
	}()
	<-done
	select {
	case why := <-skip:
		t.Skip("no network to be had: ", why)
	default:
	}
}
