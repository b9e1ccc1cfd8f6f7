package pool

import (
	"testing"
	"time"
)

func TestBucketsAreCumulative(t *testing.T) {
	m := NewMeter()
	e := m.event("e")
	for _, d := range []time.Duration{20 * time.Microsecond, time.Millisecond, time.Millisecond, time.Minute} {
		e.started.Add(1)
		e.took(d)
	}
	s := m.Snapshot().Events["e"]
	for bound, want := range map[float64]uint64{.00005: 1, .0005: 1, .001: 3, .5: 3, 10: 3} {
		if got := s.Buckets[bound]; got != want {
			t.Errorf("bucket %v: got %d; want %d", bound, got, want)
		}
	}
	if s.Count != 4 || s.Started != 4 || s.Seconds < 60 || s.Seconds > 60.1 {
		t.Errorf("got %+v; want four calls of a minute and a bit", s)
	}
}

// An event may have any name; one that was no UTF-8 took all figures about Lua out of
// every scrape, since no label can have it.
func TestEventNamesAreLabels(t *testing.T) {
	m := NewMeter()
	m.event("half \xc3 a letter").started.Add(1)
	if s := m.Snapshot(); s.Events["half ? a letter"].Started != 1 || len(s.Events) != 1 {
		t.Errorf("got the events %+v; want one that is UTF-8", s.Events)
	}
}
