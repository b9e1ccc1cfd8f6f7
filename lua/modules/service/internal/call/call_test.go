package call

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAwait(t *testing.T) {
	slots := make(chan struct{}, 1)
	failed := errors.New("failed")
	for range 3 { // more than there are slots
		if n, err := Await(t.Context(), slots, func() (int, error) { return 7, failed }, nil); n != 7 || !errors.Is(err, failed) {
			t.Errorf("got %d, %v; want 7, %v", n, err, failed)
		}
	}
	if _, err := Await(t.Context(), slots, func() (int, error) { panic("broken") }, nil); !errors.Is(err, ErrPanic) {
		t.Errorf("a panic: got %v; want %v", err, ErrPanic)
	}
}

func TestAwaitLeavesWorkBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots, release, late := make(chan struct{}, 1), make(chan struct{}), 0
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		hang := func() (int, error) { <-release; return 9, nil }
		for len(slots) == 0 { // with both ready, either may be chosen
			if _, err := Await(ctx, slots, hang, func(n int) { late = n }); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v; want %v", err, context.Canceled)
			}
		}
		if _, err := Await(ctx, slots, hang, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("no slot: got %v; want %v", err, context.Canceled)
		}
		close(release)
		synctest.Wait()
		if late != 9 || len(slots) != 0 {
			t.Errorf("got %d discarded, %d slots held; want 9 and none", late, len(slots))
		}
	})
}
