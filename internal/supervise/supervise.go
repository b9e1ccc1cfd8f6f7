// Package supervise holds what a parent needs to decide about a failed child:
// how long to wait before it is restarted, and how to clean up in a message
// whose panic would bring a stopped actor back.
//
// It decides nothing itself and starts no timer: the parent does, in its turn.
package supervise

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// Backoff spaces out restarts: the first failure after a time of health is
// answered at once, then the pause doubles from First up to Most, with jitter.
// It belongs to one parent and is used in that parent's turn alone.
type Backoff struct {
	First  time.Duration // pause before the second restart
	Most   time.Duration // upper limit of a pause
	Health time.Duration // a child that lived this long starts afresh

	failures int
	last     time.Time
}

// Next records a failure at now and returns how long to wait before the
// restart. The pause is between half and all of its nominal length, so that
// children that failed together don't return together.
func (b *Backoff) Next(now time.Time) time.Duration {
	if b.failures > 0 && now.Sub(b.last) >= b.Health {
		b.failures = 0
	}
	b.failures++
	pause := time.Duration(0)
	if b.failures > 1 {
		pause = b.Most
		if shift := b.failures - 2; b.First <= b.Most>>shift { // cannot overflow
			pause = b.First << shift
		}
		pause = pause/2 + rand.N(pause/2+1)
	}
	// The pause is not health: the child can only live once it is over.
	b.last = now.Add(pause)
	return pause
}

// Reason is a panic's value as an error, for logs and errors.Is.
func Reason(v any) error {
	if err, ok := v.(error); ok {
		return err
	}
	return fmt.Errorf("panic: %v", v)
}

// Contain runs an actor's cleanup and swallows its panic: in protoactor a panic
// while handling Stopping restarts the actor that was to be stopped. What went
// wrong is logged with its stack.
func Contain(log *slog.Logger, cleanup func()) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic while cleaning up an actor", slog.Any("error", Reason(v)), slog.String("stack", string(debug.Stack())))
		}
	}()
	cleanup()
}
