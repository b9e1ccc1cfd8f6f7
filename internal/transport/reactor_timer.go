//go:build linux

package transport

import (
	"sync"
	"time"
)

// moment is nanoseconds since a loop began; 0 is never.
type moment int64

// timers is a heap of the moments at which sessions of a loop want its
// attention. A session has at most one entry. Deadlines are set often and
// seldom run out, so one that moves away leaves its entry where it is: found
// due too early, it is scheduled anew. Owners set timers from other goroutines
// too, hence the mutex.
type timers struct {
	mu   sync.Mutex
	heap []timerEntry
}

type timerEntry struct {
	at   moment
	conn *epollConn
}

// schedule sees to it that c has attention at at, at the latest. It returns
// whether that is now the earliest of all.
func (t *timers) schedule(c *epollConn, at moment) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := int(c.timer) - 1
	switch {
	case i < 0:
		i = len(t.heap)
		t.heap = append(t.heap, timerEntry{conn: c})
	case t.heap[i].at <= at:
		return false
	}
	t.heap[i].at = at
	return t.up(i) == 0
}

// remove forgets c.
func (t *timers) remove(c *epollConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.timer > 0 {
		t.take(int(c.timer) - 1)
	}
}

// next is the earliest moment.
func (t *timers) next() moment {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return 0
	}
	return t.heap[0].at
}

// due takes out a session whose moment has come; nil if there is none.
func (t *timers) due(now moment) *epollConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 || t.heap[0].at > now {
		return nil
	}
	return t.take(0)
}

// take takes entry i out.
func (t *timers) take(i int) *epollConn {
	c, last := t.heap[i].conn, len(t.heap)-1
	t.heap[i] = t.heap[last]
	t.heap[last] = timerEntry{}
	t.heap = t.heap[:last]
	if i < last {
		t.down(t.up(i))
	}
	c.timer = 0
	return c
}

// up moves entry i towards the root and returns where it ends.
func (t *timers) up(i int) int {
	e := t.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if t.heap[parent].at <= e.at {
			break
		}
		t.put(i, t.heap[parent])
		i = parent
	}
	t.put(i, e)
	return i
}

// down moves entry i away from the root.
func (t *timers) down(i int) {
	e := t.heap[i]
	for {
		child := 2*i + 1
		if child >= len(t.heap) {
			break
		}
		if child+1 < len(t.heap) && t.heap[child+1].at < t.heap[child].at {
			child++
		}
		if e.at <= t.heap[child].at {
			break
		}
		t.put(i, t.heap[child])
		i = child
	}
	t.put(i, e)
}

// put notes with the session where its entry is: its index and one.
func (t *timers) put(i int, e timerEntry) {
	t.heap[i] = e
	e.conn.timer = int32(i + 1)
}

// now is the present moment of the loop.
func (l *loop) now() moment { return moment(time.Since(l.began)) + 1 }

// after is the moment d from now, rounded up to a millisecond: no owner needs
// more, and sessions that began together end in one wake-up.
func (l *loop) after(d time.Duration) moment {
	const grain = moment(time.Millisecond)
	return (l.now() + moment(d) + grain - 1) / grain * grain
}

// schedule sees to it that the loop attends to c at at.
func (l *loop) schedule(c *epollConn, at moment) {
	if l.timers.schedule(c, at) && l.parked.Swap(false) {
		l.wake()
	}
}
