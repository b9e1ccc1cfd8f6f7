package source

import (
	"context"
	"time"
)

const (
	// settleTime is how long changes of addresses are gathered before they are told.
	settleTime = 50 * time.Millisecond
	// watchAgain is the pause before a watch that was lost is begun anew.
	watchAgain = time.Second
)

// Watch calls changed when addresses of this machine have come, gone or become
// usable, 20 times a second at most, and once when it has begun to listen. It
// returns when ctx ends. When the system stops telling, lost says why, once, and
// changed is called every second until it tells again. Where a system cannot tell
// at all it waits for ctx alone. Both are called from the goroutine that Watch is
// called on.
func Watch(ctx context.Context, changed func(), lost func(error)) {
	watch(ctx, subscribe, changed, lost)
}

// notices are what the system says about its addresses.
type notices interface {
	// await returns once something has changed, or with the reason why nothing more
	// will be heard.
	await() error
	// drain takes what else has been said.
	drain()
	close()
}

// watch is Watch on another system.
func watch(ctx context.Context, subscribe func() (notices, error), changed func(), lost func(error)) {
	failing := false
	for ctx.Err() == nil {
		n, err := subscribe()
		if n == nil && err == nil {
			<-ctx.Done()
			return
		}
		if err == nil {
			failing = false
			err = follow(ctx, n, changed)
		}
		if ctx.Err() != nil {
			return
		}
		if !failing {
			failing = true
			lost(err)
		}
		if pause(ctx, watchAgain) {
			changed() // who looks finds what nobody has told
		}
	}
}

// follow tells what is said until there is an error, or ctx ends.
func follow(ctx context.Context, n notices, changed func()) error {
	stop := context.AfterFunc(ctx, n.close)
	defer n.close()
	defer stop()
	for {
		changed()
		if err := n.await(); err != nil {
			return err
		}
		if !pause(ctx, settleTime) {
			return ctx.Err()
		}
		n.drain()
	}
}

// pause waits. False: ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
