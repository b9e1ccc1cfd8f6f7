package transport

import (
	"testing"
	"time"
)

// TestDue: which limit of a relay comes first, with the grace that keeps it from
// coming early.
func TestDue(t *testing.T) {
	const moved = int64(time.Hour)
	after := func(d time.Duration) int64 { return moved + int64(d) }
	for _, tt := range []struct {
		name   string
		limits RelayLimits
		ends   int64
		half   bool
		at     int64
		end    End
	}{
		{"none", RelayLimits{}, 0, true, 0, Idle},
		{"idle", RelayLimits{Idle: 20 * time.Minute, HalfClosed: time.Minute}, 0, false, after(20*time.Minute + time.Second), Idle},
		{"half-closed", RelayLimits{Idle: 20 * time.Minute, HalfClosed: time.Minute}, 0, true, after(time.Minute + time.Second), HalfClosed},
		{"half-closed alone", RelayLimits{HalfClosed: time.Minute}, 0, true, after(time.Minute + time.Second), HalfClosed},
		{"not half-closed", RelayLimits{HalfClosed: time.Minute}, 0, false, 0, Idle},
		{"idle sooner than half-closed", RelayLimits{Idle: time.Second, HalfClosed: time.Minute}, 0, true, after(time.Second + time.Second/8), Idle},
		{"outlived", RelayLimits{Idle: time.Minute}, after(time.Second), false, after(time.Second), Outlived},
		{"not yet outlived", RelayLimits{Idle: time.Minute}, after(time.Hour), false, after(time.Minute + time.Second), Idle},
		{"outlived alone", RelayLimits{Most: time.Second}, after(time.Second), true, after(time.Second), Outlived},
	} {
		if at, end := tt.limits.due(moved, tt.ends, tt.half); at != tt.at || at != 0 && end != tt.end {
			t.Errorf("%s: got %v, end %d; want %v, end %d", tt.name, time.Duration(at), end, time.Duration(tt.at), tt.end)
		}
	}
}

// TestActivity: what is handed on changes when, and not who.
func TestActivity(t *testing.T) {
	var a activity
	check := func(side Side, ago time.Duration, ok bool, waited Side) {
		t.Helper()
		gotSide, gotAgo, gotOK := a.read(1000)
		if gotOK != ok || ok && (gotSide != side || gotAgo != ago) || a.waited() != waited {
			t.Errorf("got side %d, %v ago, %v, waiting for %d; want %d, %v, %v, %d", gotSide, gotAgo, gotOK, a.waited(), side, ago, ok, waited)
		}
	}
	check(0, 0, false, Upstream)
	a.touch(100)
	check(0, 0, false, Upstream)
	if a.moved() != 100 {
		t.Errorf("moved: got %d; want 100", a.moved())
	}
	for _, side := range []Side{Client, Upstream} {
		a.note(side, 200)
		check(side, 800, true, side.other())
		a.touch(900)
		check(side, 100, true, side.other())
	}
	a.note(Client, 2000) // noted while it was looked at
	check(Client, 0, true, Upstream)
}
