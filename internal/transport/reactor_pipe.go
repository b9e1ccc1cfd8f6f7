//go:build linux

package transport

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize is what a pipe is asked to hold. Measured in seconds of
	// processor per GiB: 1 MiB 0.20, 256 KiB 0.29, copying 0.5.
	pipeSize = 1 << 20
	// pipesSpare is how many empty pipes a loop keeps for the next burst.
	pipesSpare = 16
	// pipesRest is how long more than one of them must have been of no use to be
	// closed.
	pipesRest = moment(5 * time.Second)
	// pipesLent bounds the pipes of a loop that are out at once: each that
	// stalls keeps its bytes in the kernel's memory. Who gets none copies.
	pipesLent = 64
	// pipesPause is how many reads do without after no pipe could be had:
	// finding out costs more than a pipe saves.
	pipesPause = 256
)

// pipe carries a burst of one direction. Between bursts it is empty.
type pipe struct {
	r, w int32
	size int
	held int // bytes that went in and did not come out

	at      int          // among those that are out
	stalled bool         // counts among the stalled; written by the loop, under the mutex of pipes
	since   atomic.Int64 // the moment since which nobody takes what it holds; 0: somebody does
}

func (p *pipe) close() {
	closeRaw(p.r)
	closeRaw(p.w)
}

// pipes lends the pipes of a loop. Sessions are ended by other goroutines too,
// hence the mutex.
type pipes struct {
	open  func() (*pipe, error)
	quota *pipeQuota
	most  int // out at once; constant

	mu      sync.Mutex
	spare   []*pipe
	least   int     // spare at any time since the last trim
	out     []*pipe // lent, the stalled ones too
	stalled int     // of them
	look    moment  // when to look for stalled ones again
	pause   int     // reads that need not ask
	why     Shortage
	refused [Shortages]uint64
}

// take lends an empty pipe. It returns nil if there is none to be had, or none
// that is better than copying. Like ready, the loop alone calls it.
func (s *pipes) take(now moment) *pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.room(now) {
		s.refused[ShortOfTurns]++
		return nil
	}
	var p *pipe
	if n := len(s.spare); n > 0 {
		p = s.spare[n-1]
		s.spare = s.spare[:n-1]
		s.least = min(s.least, n-1)
	} else if p = s.another(); p == nil {
		s.refused[s.why]++
		return nil
	}
	p.at = len(s.out)
	s.out = append(s.out, p)
	return p
}

// ready reports whether take will lend a pipe. It opens the first one.
func (s *pipes) ready(now moment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.room(now) {
		return false
	}
	if len(s.spare) > 0 {
		return true
	}
	p := s.another()
	if p == nil {
		return false
	}
	s.spare = append(s.spare, p)
	return true
}

// another opens a pipe, unless that failed a short while ago. It is called with
// the mutex held.
func (s *pipes) another() *pipe {
	if s.pause > 0 {
		s.pause--
		return nil
	}
	p, err := s.open()
	if err != nil {
		s.pause, s.why = pipesPause, shortageOf(err)
		return nil
	}
	return p
}

func shortageOf(err error) Shortage {
	switch {
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return ShortOfDescriptors
	case errors.Is(err, unix.ENOBUFS):
		return ShortOfPages
	}
	return ShortOtherwise
}

// fill copies p, which is no longer than gulp, into an empty pipe.
func (p *pipe) fill(b []byte) {
	n, err := unix.Write(int(p.w), b)
	if err != nil || n != len(b) {
		panic(fmt.Sprintf("write %d bytes to an empty pipe: %d, %v", len(b), n, err))
	}
	p.held = n
}

// give takes a pipe back. One that holds a session's bytes is never lent again.
func (s *pipes) give(p *pipe) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.out) - 1
	s.out[p.at], s.out[last].at = s.out[last], p.at
	s.out[last], s.out = nil, s.out[:last]
	s.recover(p)
	p.since.Store(0)
	if p.held > 0 || len(s.spare) >= pipesSpare {
		p.close()
		return
	}
	s.spare = append(s.spare, p)
}

// trim closes the pipes that nobody has needed since it was called last, but for
// one. False: there is no more than that one.
func (s *pipes) trim() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := min(s.least, len(s.spare)) - 1; n > 0; n-- {
		last := len(s.spare) - 1
		s.spare[last].close()
		s.spare[last], s.spare = nil, s.spare[:last]
	}
	s.least = len(s.spare)
	return len(s.spare) > 1
}

// trimPipes trims from time to time, for as long as there is something to trim.
func (l *loop) trimPipes() {
	if l.tick < l.trim {
		return
	}
	if l.trim = 0; l.pipes.trim() {
		l.trim = l.tick + pipesRest
	}
}

// close closes the pipes that are not out.
func (s *pipes) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.spare {
		p.close()
	}
	s.spare = nil
}

// openPipe opens a pipe of pipeSize, or of what the system grants: without
// privileges a user has 64 pipes of that size, then smaller ones, pipe(7). One
// smaller than a gulp is no use.
func openPipe() (*pipe, error) {
	var fd [2]int
	if err := unix.Pipe2(fd[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	p := &pipe{r: int32(fd[0]), w: int32(fd[1])}
	size, err := unix.FcntlInt(uintptr(fd[1]), unix.F_SETPIPE_SZ, pipeSize)
	if err != nil {
		size, err = unix.FcntlInt(uintptr(fd[1]), unix.F_GETPIPE_SZ, 0)
	}
	if err == nil && size < gulp {
		err = unix.ENOBUFS
	}
	if err != nil {
		p.close()
		return nil, err
	}
	p.size = size
	return p, nil
}
