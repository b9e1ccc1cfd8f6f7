//go:build linux

package transport

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// batch is how many events are fetched at once.
const batch = 128

// target is what an event may be for: a session or a listener's door.
type target interface {
	// ready is called on the loop. role says which of the target's
	// descriptors, events is what epoll_wait(2) said.
	ready(role uint8, events uint32)
}

// loop is one epoll set and the goroutine that serves it. Fields without a note
// belong to that goroutine.
type loop struct {
	crew  *crew
	epoll int32
	file  *os.File
	poll  syscall.RawConn // of file
	try   func(epoll uintptr) bool
	began time.Time // constant
	tick  moment    // when the events at hand were fetched

	events   [batch]unix.EpollEvent
	fetched  int
	fetches  int           // in this wait
	failed   syscall.Errno // of the last fetch
	armed    moment        // when the wait is interrupted; 0: never
	stopping bool
	targets  []targetEntry
	free     []int32      // unused entries of targets
	again    []*epollConn // have used up their turn, and wait behind the others
	resumed  []*epollConn // spare room for again
	locked   bool         // the turn under way holds its session's mutex
	buf      [gulp]byte

	nursery nursery
	trim    moment // when pipes are looked through; 0: whenever there is something else to do

	budget *budget     // of all sessions, for any goroutine
	pulse  pulse       // for any goroutine
	timers timers      // for any goroutine
	pipes  pipes       // for any goroutine
	parked atomic.Bool // nobody will look at the lists below unless woken

	mu     sync.Mutex
	bell   int32        // an eventfd by which others wake the loop; guarded by mu
	jobs   []func()     // for the loop's goroutine; guarded by mu
	calls  []*epollConn // that want attention; guarded by mu
	jobs2  []func()     // what has been taken from jobs
	calls2 []*epollConn // what has been taken from calls
}

// targetEntry is where the number in an event leads. The generation tells an
// event that was already on its way when its target was dropped.
type targetEntry struct {
	target     target
	generation uint32
}

// bellEntry is the index by which the loop knows its own eventfd.
const bellEntry = -1

func newLoop(w *crew, shared *budget, quota *pipeQuota) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	l := &loop{crew: w, epoll: int32(epoll), bell: -1, began: time.Now(), budget: shared}
	if err := l.open(); err != nil {
		l.close()
		return nil, fmt.Errorf("epoll reactor: %w", err)
	}
	l.pipes.open, l.pipes.quota, l.pipes.most = openPipe, quota, pipesLent
	return l, nil
}

// open makes the epoll descriptor one that Go's own poller waits for: a loop
// that blocked in epoll_wait would hold one of Go's processors, or make the
// runtime take it away and give it back with every event.
func (l *loop) open() error {
	if err := unix.SetNonblock(int(l.epoll), true); err != nil {
		closeRaw(l.epoll)
		return os.NewSyscallError("fcntl", err)
	}
	l.file = os.NewFile(uintptr(l.epoll), "epoll")
	var err error
	if l.poll, err = l.file.SyscallConn(); err != nil {
		return err
	}
	if err := l.file.SetReadDeadline(time.Time{}); err != nil {
		return err // the runtime's poller did not take it
	}
	l.try = l.fetch
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	l.bell = int32(bell)
	// Edge-triggered, each ring is an event and nobody has to empty it.
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: bellEntry}
	if errno := watchRaw(l.epoll, unix.EPOLL_CTL_ADD, l.bell, &e); errno != 0 {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	return nil
}

func (l *loop) close() {
	l.mu.Lock()
	if l.bell >= 0 {
		closeRaw(l.bell)
		l.bell = -1
	}
	l.mu.Unlock()
	if l.file != nil {
		_ = l.file.Close()
	}
	l.pipes.close()
}

// run is the loop's goroutine.
func (l *loop) run() {
	defer l.close()
	l.tick = l.now()
	for !l.stopping {
		l.begin(l.wait(l.runJobs()))
		for i := range l.fetched {
			l.dispatch(&l.events[i])
		}
		l.runAgain()
		l.runTimers()
		l.trimPipes()
		if l.nursery.next() != 0 {
			l.runNursery(l.tick)
		}
	}
}

// stop ends the loop; it is a job.
func (l *loop) stop() { l.stopping = true }

// wait fetches events, and waits for some unless there is other work. It returns
// whether there was work at once.
func (l *loop) wait(busy bool) (found bool) {
	l.fetched, l.fetches = 0, 0
	if busy || len(l.again) > 0 || l.stopping {
		l.fetch(uintptr(l.epoll))
		return true
	}
	l.arm()
	err := l.poll.Read(l.try)
	l.parked.Store(false)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		l.armed = 0
		_ = l.file.SetReadDeadline(time.Time{}) // fails only when closed, as does Read
	case err != nil || l.failed != 0:
		panic(fmt.Sprintf("epoll_wait: %v, %v", err, l.failed)) // the descriptor is ours alone
	}
	return l.fetches == 1
}

// fetch is the callback of wait: false when there is nothing yet.
func (l *loop) fetch(epoll uintptr) bool {
	l.fetches++
	l.fetched, l.failed = readyRaw(epoll, l.events[:])
	if l.failed != 0 {
		l.fetched = 0
		return true
	}
	if l.fetched == 0 {
		l.pulse.busy.Store(0)
	}
	return l.fetched > 0
}

// arm makes the wait end when the next timer is due. A wait that ends too early
// does no harm and is cheaper than setting the deadline for each timer.
func (l *loop) arm() {
	next := earlier(l.timers.next(), earlier(l.nursery.next(), l.trim))
	if next == 0 || l.armed != 0 && l.armed <= next {
		return
	}
	l.armed = next
	_ = l.file.SetReadDeadline(l.began.Add(time.Duration(next))) // fails only when closed
}

// earlier is the moment that comes first; 0 never comes.
func earlier(a, b moment) moment {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (l *loop) dispatch(e *unix.EpollEvent) {
	if e.Fd == bellEntry {
		return
	}
	t := &l.targets[e.Fd]
	if t.target == nil || t.generation<<8 != uint32(e.Pad)&^0xff {
		return // its descriptor was closed after the event was fetched
	}
	t.target.ready(uint8(e.Pad), e.Events)
}

// adopt gives t a number for its events.
func (l *loop) adopt(t target) (index int32, generation uint32) {
	if n := len(l.free); n > 0 {
		index = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		index = int32(len(l.targets))
		l.targets = append(l.targets, targetEntry{})
	}
	e := &l.targets[index]
	e.target = t
	e.generation++
	return index, e.generation
}

// forget takes the number back; events still on their way go nowhere.
func (l *loop) forget(index int32) {
	l.targets[index].target = nil
	l.free = append(l.free, index)
}

// do makes the loop's goroutine run job.
func (l *loop) do(job func()) {
	l.mu.Lock()
	l.jobs = append(l.jobs, job)
	l.mu.Unlock()
	if l.parked.Swap(false) {
		l.wake()
	}
}

// attend makes the loop's goroutine look at c.
func (l *loop) attend(c *epollConn) {
	l.mu.Lock()
	l.calls = append(l.calls, c)
	l.mu.Unlock()
	if l.parked.Swap(false) {
		l.wake()
	}
}

// wake ends a wait.
func (l *loop) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bell < 0 {
		return // the loop has ended
	}
	one := [8]byte{1, 1, 1, 1}             // any number will do, whatever the byte order
	_, _ = unix.Write(int(l.bell), one[:]) // full, it rings already
}

// runJobs does what other goroutines have left to do. False: there was nothing,
// and whoever comes now has to wake the loop.
func (l *loop) runJobs() bool {
	l.mu.Lock()
	l.jobs, l.jobs2 = l.jobs2[:0], l.jobs
	l.calls, l.calls2 = l.calls2[:0], l.calls
	if len(l.jobs2)+len(l.calls2) == 0 {
		l.parked.Store(true)
		l.mu.Unlock()
		return false
	}
	l.mu.Unlock()
	for i, c := range l.calls2 {
		l.calls2[i] = nil
		c.ready(noRole, 0)
	}
	for i, job := range l.jobs2 {
		l.jobs2[i] = nil
		job()
	}
	return true
}

// runAgain gives sessions that had used up their turn another one.
func (l *loop) runAgain() {
	if len(l.again) == 0 {
		return
	}
	l.again, l.resumed = l.resumed[:0], l.again
	for i, c := range l.resumed {
		l.resumed[i] = nil
		c.ready(resumeRole, 0)
	}
}

func (l *loop) runTimers() {
	next := l.timers.next()
	if next == 0 {
		return
	}
	now := l.now()
	if next < now {
		l.pulse.late(now - next)
	}
	for c := l.timers.due(now); c != nil; c = l.timers.due(now) {
		c.ready(timerRole, 0)
	}
}
